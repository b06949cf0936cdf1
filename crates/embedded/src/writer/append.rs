//! One append: fence, number, versions; then its records, inbox entries and answer are staged.

use anser_backend::{
    Append, Appended, Assigned, Committed, Hold, InboxEntry, Origin, Position, Record, StoreError,
};
use anser_types::limits::IDEMPOTENCY_KEEP_MS;
use anser_types::{
    Answer, Change, ChangeKind, ChangeNo, CommandNo, ConversationId, Done, InboxSeq, Outcome, Seq,
    UnixMs,
};

use super::alter::alter;
use super::devices::Numbered;
use super::files;
use super::members::Members;
use super::stage::{Fault, Stage};
use crate::codec::{
    Kept, KeyRow, Pointed, Pointer, write_change, write_conversation, write_new_message,
    write_number,
};
use crate::keys::{self, Table};

/// Checks and stages one append.
pub fn append(stage: &mut Stage<'_>, append: &Append) -> Result<Appended, Fault> {
    check_entries(append)?;
    if let Some(repetition) = recognise(stage, append)? {
        return Ok(repetition);
    }
    for (id, version) in &append.expects {
        if stage.conversation(*id)?.version() != *version {
            return Ok(Appended::Stale);
        }
    }
    for record in &append.records {
        if !files::are_there(stage, record.files())? {
            return Ok(Appended::Stale);
        }
    }
    let mut written = Written::default();
    if append.refused.is_none() {
        written = write(stage, append)?;
    }
    let outcome = append.refused.clone().map_or(Outcome::Done(written.done), Outcome::Refused);
    let answer = keep_answer(stage, append, outcome);
    Ok(Appended::Committed(Committed { answer, assigned: written.assigned, inbox: written.inbox }))
}

/// Refuses an append that would leave an inbox entry pointing nowhere.
fn check_entries(append: &Append) -> Result<(), Fault> {
    for write in &append.inbox {
        if let InboxEntry::Record(n) = write.entry
            && !matches!(
                append.records.get(n),
                Some(Record::Message { .. } | Record::Change { .. })
            )
        {
            let text = format!("an inbox entry points at record {n}, which has no number");
            return Err(Fault::Broken(StoreError::Failed(text)));
        }
    }
    Ok(())
}

/// What an append is, if it is not the next new one of its origin.
fn recognise(stage: &mut Stage<'_>, append: &Append) -> Result<Option<Appended>, Fault> {
    match &append.origin {
        Origin::Device { device, epoch, command_no, hash, .. } => {
            if *epoch < stage.devices().fence(*device) {
                return Ok(Some(Appended::Fenced));
            }
            Ok(match stage.number(*device, *command_no)? {
                Numbered::Next => None,
                Numbered::Kept(kept) => Some(repeat(&kept, hash)),
                Numbered::Forgotten => Some(Appended::AnswerForgotten),
                Numbered::Missing(expected) => Some(Appended::OutOfOrder { expected }),
            })
        }
        Origin::Key { user, key, hash } => {
            let Some(row) = stage.row(&keys::idempotency(*user, key))? else { return Ok(None) };
            let row = KeyRow::read(&row)?;
            let expired = append.at.0 >= row.at.0.saturating_add(IDEMPOTENCY_KEEP_MS);
            Ok((!expired).then(|| repeat(&row.kept, hash)))
        }
        Origin::Internal => Ok(None),
    }
}

fn repeat(kept: &Kept, hash: &[u8; 16]) -> Appended {
    if kept.hash == *hash { Appended::Duplicate(kept.answer.clone()) } else { Appended::Conflict }
}

/// Stages the answer with its effect.
fn keep_answer(stage: &mut Stage<'_>, append: &Append, outcome: Outcome) -> Option<Answer> {
    match &append.origin {
        Origin::Device { device, command_no, answered_up_to, hash, .. } => {
            let answer = Answer { command_no: *command_no, outcome };
            let kept = Kept { hash: *hash, answer: answer.clone() };
            stage.keep(*device, *answered_up_to, kept);
            Some(answer)
        }
        Origin::Key { user, key, hash } => {
            let answer = Answer { command_no: CommandNo::ZERO, outcome };
            let kept = Kept { hash: *hash, answer: answer.clone() };
            let row = KeyRow { at: append.at, kept };
            stage.put_row(keys::idempotency(*user, key), |out| row.write(out));
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

fn write(stage: &mut Stage<'_>, append: &Append) -> Result<Written, Fault> {
    let mut members = Members::before(stage, append)?;
    let mut done = Done { at: append.at, ..Done::default() };
    done.conversation = append.records.first().map(Record::conversation);
    let mut assigned = Vec::with_capacity(append.records.len());
    for record in &append.records {
        let given = write_record(stage, &mut members, append.at, record)?;
        match given {
            Assigned::Message { seq, at } => (done.seq, done.at) = (seq, at),
            // An append may change other people's lists as well: the answer speaks of its own conversation.
            Assigned::Change { change_no, at, .. }
                if Some(record.conversation()) == done.conversation =>
            {
                (done.change_no, done.at) = (change_no, at);
            }
            Assigned::Change { .. } | Assigned::Nothing => {}
        }
        assigned.push(given);
    }
    members.finish(stage)?;
    let caller = match &append.origin {
        Origin::Device { device, .. } => Some(device.user),
        Origin::Key { user, .. } => Some(*user),
        Origin::Internal => None,
    };
    let mut inbox = Vec::with_capacity(append.inbox.len());
    for write in &append.inbox {
        let given = stage.deliver(write.user, &pointer(append, &assigned, write.entry))?;
        if Some(write.user) == caller {
            done.inbox_seq = given;
        }
        inbox.push(given);
    }
    Ok(Written { assigned, inbox, done })
}

/// The entry for what [`check_entries`] has found to be in order.
fn pointer(append: &Append, assigned: &[Assigned], entry: InboxEntry) -> Pointer {
    match entry {
        InboxEntry::ReadSync { conversation, up_to } => {
            Pointer { conversation, what: Pointed::ReadSync(up_to), at: append.at }
        }
        InboxEntry::Record(n) => {
            let conversation = append.records[n].conversation();
            let (what, at) = match assigned[n] {
                Assigned::Message { seq, at } => (Pointed::Message(seq), at),
                Assigned::Change { change_no, at, .. } => (Pointed::Change(change_no), at),
                Assigned::Nothing => (Pointed::Message(Seq::ZERO), append.at),
            };
            Pointer { conversation, what, at }
        }
    }
}

fn write_record(
    stage: &mut Stage<'_>,
    members: &mut Members,
    at: UnixMs,
    record: &Record,
) -> Result<Assigned, Fault> {
    match record {
        Record::Conversation(row) => {
            members.set_row(stage, row)?;
            stage.commit().put(Table::State, &keys::conversation(row.id), |out| {
                write_conversation(out, row);
            });
            Ok(Assigned::Nothing)
        }
        Record::Member { conversation, write } => {
            members.write(stage, *conversation, write)?;
            Ok(Assigned::Nothing)
        }
        Record::ReadPosition { conversation, user, up_to } => {
            let least = Position { read: *up_to, delivered: Seq::ZERO };
            stage.raise(*conversation, *user, least)?;
            Ok(Assigned::Nothing)
        }
        Record::Message { conversation, sender, id, sent_at, content } => {
            let log = stage.conversation(*conversation)?;
            let at = log.tick(at);
            log.state.heads.seq = log.state.heads.seq.next();
            let seq = log.state.heads.seq;
            stage.commit().put(Table::Messages, &keys::message(*conversation, seq), |out| {
                write_new_message(out, sender, *id, *sent_at, at, content);
            });
            if let Some(over) = content.expires_at {
                stage.commit().put(Table::State, &keys::expiring(over, *conversation, seq), |_| {});
            }
            let conversation = *conversation;
            files::hold(stage, &content.files, Hold { conversation, seq, since: ChangeNo::ZERO })?;
            Ok(Assigned::Message { seq, at })
        }
        Record::Change { conversation, actor, kind } => {
            let version = members.version_after(*conversation);
            let log = stage.conversation(*conversation)?;
            let at = log.tick(at);
            let change_no = log.state.heads.change_no.next();
            log.state.heads.change_no = change_no;
            let after_seq = log.state.heads.seq;
            let (conversation, actor, kind) = (*conversation, actor.clone(), kind.clone());
            let change = Change { conversation, change_no, after_seq, version, actor, at, kind };
            alter(stage, &change)?;
            if let ChangeKind::Item(item) = &change.kind {
                let key = keys::item(conversation, &item.key());
                stage.commit().put(Table::State, &key, |out| write_number(out, change_no.0));
            }
            put_change(stage, conversation, change_no, &change);
            Ok(Assigned::Change { change_no, after_seq, version, at })
        }
    }
}

fn put_change(stage: &mut Stage<'_>, id: ConversationId, no: ChangeNo, change: &Change) {
    stage.commit().put(Table::State, &keys::change(id, no), |out| write_change(out, change));
}
