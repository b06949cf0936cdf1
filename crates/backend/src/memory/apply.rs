//! How one append becomes numbered entries: fence, numbering, versions, then its records, inbox and answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anser_types::limits::{COMMANDS_IN_FLIGHT, IDEMPOTENCY_KEEP_MS};
use anser_types::{
    Answer, Change, ChangeKind, CommandNo, ConversationId, Done, InboxSeq, Member, Message,
    Outcome, Period, UnixMs, UserNo, Version,
};

use super::process::Process;
use super::staging::Staged;
use super::state::{DeviceRecord, Durable, InboxRow, InboxTarget, KeptAnswer, KeyRecord};
use crate::append::{
    Append, Appended, Assigned, Committed, InboxEntry, MemberWrite, Origin, Record,
};
use crate::reads::Heads;

/// An append that no writer may build; it would leave an inbox entry that points nowhere.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an inbox entry points at record {0}, which has no number")]
pub(super) struct DanglingEntry(usize);

/// Checks and stages one append.
pub(super) fn apply(
    durable: &Durable,
    process: &Process,
    staged: &mut Staged,
    append: &Append,
) -> Result<Appended, DanglingEntry> {
    if let Some(repetition) = recognise(durable, process, staged, append) {
        return Ok(repetition);
    }
    let stale = append.expects.iter().any(|(id, version)| staged.version(durable, *id) != *version);
    let mut files = append.records.iter().flat_map(Record::files);
    if stale || !files.all(|file| durable.files.has(*file)) {
        return Ok(Appended::Stale);
    }
    let written =
        if append.refused.is_some() { Written::default() } else { write(durable, staged, append)? };
    staged.effective += 1;
    let answer = keep_answer(durable, staged, append, written.done);
    Ok(Appended::Committed(Committed { answer, assigned: written.assigned, inbox: written.inbox }))
}

/// What an append is, if it is not the next new one of its origin.
fn recognise(
    durable: &Durable,
    process: &Process,
    staged: &Staged,
    append: &Append,
) -> Option<Appended> {
    match &append.origin {
        Origin::Device { device, epoch, command_no, hash, .. } => {
            if *epoch < process.fence(*device) {
                return Some(Appended::Fenced);
            }
            number(&staged.device(durable, *device), *command_no, hash)
        }
        Origin::Key { user, key, hash } => {
            let record = staged.key(durable, &(*user, key.clone()))?;
            let expired = append.at.0 >= record.at.0.saturating_add(IDEMPOTENCY_KEEP_MS);
            (!expired).then(|| repeat(&record.kept, hash))
        }
        Origin::Internal => None,
    }
}

/// The numbering rules of "Commands: exactly once, in order".
fn number(record: &DeviceRecord, command_no: CommandNo, hash: &[u8; 16]) -> Option<Appended> {
    let expected = record.highest.next();
    if command_no == expected {
        return None;
    }
    if command_no > expected {
        return Some(Appended::OutOfOrder { expected });
    }
    let kept = record.answers.iter().find(|kept| kept.answer.command_no == command_no);
    Some(kept.map_or(Appended::AnswerForgotten, |kept| repeat(kept, hash)))
}

fn repeat(kept: &KeptAnswer, hash: &[u8; 16]) -> Appended {
    if kept.hash == *hash { Appended::Duplicate(kept.answer.clone()) } else { Appended::Conflict }
}

/// Stages the answer with its effect.
fn keep_answer(
    durable: &Durable,
    staged: &mut Staged,
    append: &Append,
    done: Done,
) -> Option<Answer> {
    let outcome = append.refused.clone().map_or(Outcome::Done(done), Outcome::Refused);
    match &append.origin {
        Origin::Device { device, command_no, answered_up_to, hash, .. } => {
            let answer = Answer { command_no: *command_no, outcome };
            let mut record = staged.device(durable, *device);
            record.highest = *command_no;
            // Whatever a client claims: the answer to this very command cannot have reached it yet.
            let confirmed = (*answered_up_to).min(command_no.previous());
            record.answered_up_to = record.answered_up_to.max(confirmed);
            let up_to = record.answered_up_to;
            record.answers.retain(|kept| kept.answer.command_no > up_to);
            record.answers.push_back(KeptAnswer { hash: *hash, answer: answer.clone() });
            if record.answers.len() > COMMANDS_IN_FLIGHT {
                record.answers.pop_front();
            }
            staged.devices.insert(*device, record);
            Some(answer)
        }
        Origin::Key { user, key, hash } => {
            let answer = Answer { command_no: CommandNo::ZERO, outcome };
            let kept = KeptAnswer { hash: *hash, answer: answer.clone() };
            staged.keys.insert((*user, key.clone()), KeyRecord { kept, at: append.at });
            Some(answer)
        }
        Origin::Internal => None,
    }
}

/// What writing an append gave.
#[derive(Default)]
struct Written {
    assigned: Vec<Assigned>,
    inbox: Vec<InboxSeq>,
    done: Done,
}

fn write(
    durable: &Durable,
    staged: &mut Staged,
    append: &Append,
) -> Result<Written, DanglingEntry> {
    let mut records = Records::over(durable, staged, append);
    let assigned: Vec<Assigned> =
        append.records.iter().map(|record| records.write(record)).collect();
    records.end_periods();
    let mut done = Done { at: append.at, ..Done::default() };
    done.conversation = append.records.first().map(Record::conversation);
    for (record, given) in append.records.iter().zip(&assigned) {
        match *given {
            Assigned::Message { seq, at } => (done.seq, done.at) = (seq, at),
            // An append may change other people's lists as well: the answer speaks of its own conversation.
            Assigned::Change { change_no, at, .. }
                if Some(record.conversation()) == done.conversation =>
            {
                (done.change_no, done.at) = (change_no, at);
            }
            Assigned::Change { .. } | Assigned::Nothing => {}
        }
    }
    let caller = match &append.origin {
        Origin::Device { device, .. } => Some(device.user),
        Origin::Key { user, .. } => Some(*user),
        Origin::Internal => None,
    };
    let mut inbox = Vec::with_capacity(append.inbox.len());
    for entry in &append.inbox {
        let target = target_of(append, &assigned, entry.entry)?;
        let at = match entry.entry {
            InboxEntry::Record(n) => time_of(assigned[n]).unwrap_or(append.at),
            InboxEntry::ReadSync { .. } => append.at,
        };
        let given = staged.deliver(durable, entry.user, InboxRow { at, target });
        if Some(entry.user) == caller {
            done.inbox_seq = given;
        }
        inbox.push(given);
    }
    Ok(Written { assigned, inbox, done })
}

fn time_of(assigned: Assigned) -> Option<UnixMs> {
    match assigned {
        Assigned::Message { at, .. } | Assigned::Change { at, .. } => Some(at),
        Assigned::Nothing => None,
    }
}

fn target_of(
    append: &Append,
    assigned: &[Assigned],
    entry: InboxEntry,
) -> Result<InboxTarget, DanglingEntry> {
    let n = match entry {
        InboxEntry::ReadSync { conversation, up_to } => {
            return Ok(InboxTarget::ReadSync(conversation, up_to));
        }
        InboxEntry::Record(n) => n,
    };
    match (append.records.get(n), assigned.get(n)) {
        (Some(record), Some(Assigned::Message { seq, .. })) => {
            Ok(InboxTarget::Message(record.conversation(), *seq))
        }
        (Some(record), Some(Assigned::Change { change_no, .. })) => {
            Ok(InboxTarget::Change(record.conversation(), *change_no))
        }
        _ => Err(DanglingEntry(n)),
    }
}

/// The records of one append on their way into the staged logs.
struct Records<'a> {
    durable: &'a Durable,
    staged: &'a mut Staged,
    at: UnixMs,
    /// Heads as they were before this append: where new periods begin.
    before: BTreeMap<ConversationId, Heads>,
    /// Versions as they are after this append: what its changes carry.
    after: BTreeMap<ConversationId, Version>,
    /// Periods that end with this append.
    ending: Vec<(ConversationId, UserNo)>,
}

impl<'a> Records<'a> {
    fn over(durable: &'a Durable, staged: &'a mut Staged, append: &Append) -> Self {
        let touched: BTreeSet<ConversationId> =
            append.records.iter().map(Record::conversation).collect();
        let mut before = BTreeMap::new();
        let mut after = BTreeMap::new();
        for id in touched {
            before.insert(id, staged.log(durable, id).heads);
            after.insert(id, staged.version(durable, id));
        }
        for record in &append.records {
            if let Record::Conversation(row) = record {
                after.insert(row.id, row.version);
            }
        }
        Self { durable, staged, at: append.at, before, after, ending: Vec::new() }
    }

    fn write(&mut self, record: &Record) -> Assigned {
        match record {
            Record::Conversation(row) => {
                self.staged.log(self.durable, row.id).row = Some(row.clone());
                Assigned::Nothing
            }
            Record::Member { conversation, write } => {
                self.write_member(*conversation, write);
                Assigned::Nothing
            }
            Record::ReadPosition { conversation, user, up_to } => {
                self.staged.log(self.durable, *conversation).raise_read(*user, *up_to);
                Assigned::Nothing
            }
            Record::Message { conversation, sender, id, sent_at, content } => {
                let log = self.staged.log(self.durable, *conversation);
                log.heads.seq = log.heads.seq.next();
                let (seq, at) = (log.heads.seq, log.tick(self.at));
                log.hold(&content.files, *conversation, seq);
                log.messages.push(Arc::new(Message {
                    conversation: *conversation,
                    seq,
                    sender: sender.clone(),
                    id: *id,
                    sent_at: *sent_at,
                    server_time: at,
                    content: Some(content.as_ref().clone()),
                    altered: None,
                }));
                Assigned::Message { seq, at }
            }
            Record::Change { conversation, actor, kind } => {
                let version = self.after.get(conversation).copied().unwrap_or_default();
                let log = self.staged.log(self.durable, *conversation);
                log.heads.change_no = log.heads.change_no.next();
                let (change_no, after_seq) = (log.heads.change_no, log.heads.seq);
                let at = log.tick(self.at);
                let change = Change {
                    conversation: *conversation,
                    change_no,
                    after_seq,
                    version,
                    actor: actor.clone(),
                    at,
                    kind: kind.clone(),
                };
                log.alter(self.durable, &change);
                if let ChangeKind::Item(item) = &change.kind {
                    log.items.insert(item.key(), change_no);
                }
                log.changes.push(Arc::new(change));
                Assigned::Change { change_no, after_seq, version, at }
            }
        }
    }

    fn write_member(&mut self, id: ConversationId, write: &MemberWrite) {
        match write {
            MemberWrite::Join { user_no, user, role, sees_history } => {
                let heads = self.before.get(&id).copied().unwrap_or_default();
                let begin = if *sees_history { Heads::default() } else { heads };
                let period =
                    Period { after_seq: begin.seq, after_change: begin.change_no, until: None };
                match self.staged.member(self.durable, id, *user_no) {
                    Some(member) => {
                        member.role = *role;
                        if !member.is_present() {
                            member.periods.push(period);
                        }
                    }
                    None => {
                        let member = Member::plain(*user_no, user.clone(), *role, vec![period]);
                        self.staged.log(self.durable, id).members.insert(*user_no, member);
                    }
                }
                self.staged.log(self.durable, id).raise_read(*user_no, heads.seq);
            }
            MemberWrite::End { user_no } => self.ending.push((id, *user_no)),
            MemberWrite::Alter { user_no, act } => {
                if let Some(member) = self.staged.member(self.durable, id, *user_no) {
                    member.alter(act);
                }
            }
            MemberWrite::Refuse { user_no, on } => {
                if let Some(member) = self.staged.member(self.durable, id, *user_no) {
                    member.refuses = *on;
                }
            }
        }
    }

    /// Ends the periods of those who go, at the heads after everything else was written.
    fn end_periods(self) {
        for (id, user) in self.ending {
            let heads = self.staged.log(self.durable, id).heads;
            let member = self.staged.member(self.durable, id, user);
            if let Some(period) = member.and_then(|member| member.periods.last_mut())
                && period.until.is_none()
            {
                period.until = Some((heads.seq, heads.change_no));
            }
        }
    }
}
