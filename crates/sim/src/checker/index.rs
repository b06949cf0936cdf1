//! The evidence, sorted for questions: who sent what, and what stands where in the store.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use anser_types::{ChangeNo, ConversationId, DeviceNo, Seq, UnixMs, UserId};

use super::altering::How;
use super::commits::Certain;
use super::evidence::{
    BodyHash, ChangeDump, ConversationDump, Editions, Evidence, MemberDump, Restore, Stored,
};
use super::journal::{MessageKey, What};
use super::put_away::{self, PutAway};

/// A message as its sender's journal tells of it.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    pub conversation: ConversationId,
    /// Everything that was sent under this identity, with where to: more than one thing only when the device's store
    /// went back to an old copy and its compose counter with it.
    pub said: Vec<(ConversationId, BodyHash)>,
    /// The user sent it again after it had failed: it has no promised place among the others any more.
    pub is_resent: bool,
    /// Every place an answer named, with its time.
    pub accepted: Vec<(u64, Seq)>,
    /// The error that refused it for good.
    pub refused: Option<&'a str>,
}

/// One conversation of the raw store.
#[derive(Debug)]
pub(super) struct Log<'a> {
    pub at: BTreeMap<Seq, &'a Stored>,
    pub members: BTreeMap<&'a UserId, &'a MemberDump>,
    pub changes: BTreeMap<ChangeNo, &'a ChangeDump>,
    pub editions: &'a BTreeMap<Seq, Editions>,
    /// The changes that altered each message, in their order.
    altering: BTreeMap<Seq, Vec<&'a ChangeDump>>,
}

impl<'a> Log<'a> {
    fn of(dump: &'a ConversationDump) -> Self {
        let mut altering: BTreeMap<Seq, Vec<&ChangeDump>> = BTreeMap::new();
        for change in &dump.changes {
            if let Some((seq, _)) = &change.alters {
                altering.entry(*seq).or_default().push(change);
            }
        }
        Self {
            at: dump.messages.iter().map(|message| (message.seq, message)).collect(),
            members: dump.members.iter().map(|member| (&member.user, member)).collect(),
            changes: dump.changes.iter().map(|change| (change.no, change)).collect(),
            editions: &dump.editions,
            altering,
        }
    }

    /// The changes that altered a message, in their order.
    pub fn changes_of(&self, seq: Seq) -> &[&'a ChangeDump] {
        self.altering.get(&seq).map_or(&[], Vec::as_slice)
    }
}

/// Alterations that somebody asked for at a place, with the message they meant.
type Asked<'a> = BTreeMap<(&'a UserId, ConversationId, Seq), Vec<(&'a MessageKey, &'a How)>>;

/// The evidence and its indexes.
pub(super) struct Index<'a> {
    pub evidence: &'a Evidence,
    pub sent: BTreeMap<MessageKey, Sent<'a>>,
    pub logs: BTreeMap<ConversationId, Log<'a>>,
    /// The logs that restores from backups replaced, in their order.
    pub lost_logs: Vec<BTreeMap<ConversationId, Log<'a>>>,
    /// Messages that restores took away, with their places.
    taken: BTreeSet<(ConversationId, Seq, &'a MessageKey)>,
    /// Where each message stands in the store.
    pub places: BTreeMap<&'a MessageKey, Vec<(ConversationId, Seq)>>,
    asked: Asked<'a>,
    /// How often a device of a user began with an old store.
    taken_over: BTreeMap<&'a UserId, usize>,
    devices: BTreeSet<(&'a UserId, DeviceNo)>,
    /// What was certainly so at which time.
    pub certain: Certain<'a>,
    /// What everybody has put away: in the store, then in the logs that were replaced.
    put_away: Vec<BTreeMap<&'a UserId, PutAway>>,
    /// When messages are to be forgotten, as their senders said.
    expires_at: BTreeMap<MessageKey, Option<UnixMs>>,
    /// Messages that a device of a user has forgotten by its own clock.
    forgot_alone: BTreeSet<(&'a UserId, ConversationId, Seq)>,
    /// How far everybody has ever said that they have read.
    marked_read: BTreeMap<(&'a UserId, ConversationId), Seq>,
}

impl<'a> Index<'a> {
    pub fn of(evidence: &'a Evidence) -> Self {
        let mut places: BTreeMap<&MessageKey, Vec<(ConversationId, Seq)>> = BTreeMap::new();
        for log in &evidence.store {
            for message in &log.messages {
                places.entry(&message.key).or_default().push((log.id, message.seq));
            }
        }
        Self {
            evidence,
            sent: sent_messages(evidence),
            logs: logs_of(&evidence.store),
            lost_logs: evidence.restores.iter().map(|restore| logs_of(&restore.lost)).collect(),
            taken: evidence.restores.iter().flat_map(taken_by).collect(),
            places,
            asked: asked(evidence),
            taken_over: taken_over(evidence),
            devices: evidence.journals.iter().map(|j| (&j.user, j.device)).collect(),
            certain: Certain::of(&evidence.commits),
            put_away: put_away::of_all(evidence),
            expires_at: expires_at(evidence),
            forgot_alone: forgot_alone(evidence),
            marked_read: marked_read(evidence),
        }
    }

    /// Whether a user has put a message away.
    pub fn has_put_away(&self, user: &UserId, id: ConversationId, seq: Seq) -> bool {
        let store = self.put_away.first().and_then(|store| store.get(user));
        store.is_some_and(|away| away.holds(id, seq))
    }

    /// Whether they have, in the store or in a log that was replaced.
    pub fn once_put_away(&self, user: &UserId, id: ConversationId, seq: Seq) -> bool {
        self.put_away.iter().filter_map(|store| store.get(user)).any(|away| away.holds(id, seq))
    }

    /// When a message is to be forgotten at the earliest, as its sender said.
    pub fn expires_at(&self, key: &MessageKey) -> Option<UnixMs> {
        self.expires_at.get(key).copied().flatten()
    }

    /// Whether a message must be forgotten at some time.
    pub fn is_timed(&self, key: &MessageKey) -> bool {
        self.expires_at.contains_key(key)
    }

    /// Whether a device of a user has forgotten a message by its own clock.
    pub fn forgot_alone(&self, user: &UserId, id: ConversationId, seq: Seq) -> bool {
        self.forgot_alone.contains(&(user, id, seq))
    }

    /// How far a user has ever said that they have read.
    pub fn marked_read(&self, user: &UserId, id: ConversationId) -> Seq {
        self.marked_read.get(&(user, id)).copied().unwrap_or_default()
    }

    /// Whether the store holds the message at this very place.
    pub fn stands_at(&self, id: ConversationId, seq: Seq, key: &MessageKey) -> bool {
        self.logs.get(&id).and_then(|log| log.at.get(&seq)).is_some_and(|there| there.key == *key)
    }

    /// Whether the store holds the message at this place of a conversation it was sent to.
    pub fn stands_where_sent(&self, sent: &Sent<'_>, seq: Seq, key: &MessageKey) -> bool {
        sent.said.iter().any(|(id, _)| self.stands_at(*id, seq, key))
    }

    /// Whether a restore from a backup took the message away from this place of a conversation it was sent to.
    pub fn was_taken(&self, sent: &Sent<'_>, seq: Seq, key: &MessageKey) -> bool {
        sent.said.iter().any(|(id, _)| self.was_taken_from(*id, seq, key))
    }

    /// Whether a restore from a backup took the message away from this place.
    pub fn was_taken_from(&self, id: ConversationId, seq: Seq, key: &MessageKey) -> bool {
        self.taken.contains(&(id, seq, key))
    }

    /// Where the store holds the message, first place first.
    pub fn place_of(&self, key: &MessageKey) -> Option<(ConversationId, Seq)> {
        self.places.get(key).and_then(|places| places.first().copied())
    }

    /// Whether what this user does is known.
    pub fn keeps_journal(&self, user: &UserId) -> bool {
        self.devices.iter().any(|(known, _)| *known == user)
    }

    /// How often somebody asked for this alteration of this message at this place.
    pub fn asked_for(
        &self,
        actor: &UserId,
        id: ConversationId,
        seq: Seq,
        of: &MessageKey,
        told: &How,
    ) -> usize {
        let there = self.asked.get(&(actor, id, seq)).into_iter().flatten();
        there.filter(|(key, how)| *key == of && how.is_told_by(told)).count()
    }

    /// How often a device of this user began with an old store.
    pub fn taken_over(&self, user: &UserId) -> usize {
        self.taken_over.get(user).copied().unwrap_or_default()
    }

    /// Whether the sender of this message asked for an edit to this body.
    pub fn asked_to_say(&self, id: ConversationId, message: &Stored, body: BodyHash) -> bool {
        let MessageKey { sender, .. } = &message.key;
        self.asked_for(sender, id, message.seq, &message.key, &How::Edit(body)) > 0
    }

    /// Whether a restore from a backup took away a change that is this one.
    pub fn took_change(
        &self,
        id: ConversationId,
        no: ChangeNo,
        is_it: impl Fn(&ChangeDump) -> bool,
    ) -> bool {
        self.evidence.restores.iter().zip(&self.lost_logs).any(|(restore, lost)| {
            let kept = restore.kept.iter().find(|dump| dump.id == id);
            let kept = kept.and_then(|dump| dump.changes.last()).map(|change| change.no);
            let there = lost.get(&id).and_then(|log| log.changes.get(&no));
            kept.is_none_or(|kept| kept < no) && there.is_some_and(|change| is_it(change))
        })
    }

    /// Why this message cannot be what its sender sent; `None` if it is, or if its sender keeps no journal.
    pub fn false_origin(&self, id: ConversationId, message: &Stored) -> Option<String> {
        let MessageKey { sender, id: message_id } = &message.key;
        if !self.devices.contains(&(sender, message_id.device)) {
            return None;
        }
        let key = &message.key;
        let Some(sent) = self.sent.get(key) else {
            return Some(format!("nobody sent {key}"));
        };
        let mut there = sent.said.iter().filter(|(to, _)| *to == id).map(|(_, body)| *body);
        let Some(first) = there.next() else {
            return Some(format!("{key} was sent to another conversation"));
        };
        // What a restore took away may have been refused when it was sent once more.
        if let (Some(code), true) = (sent.refused, sent.accepted.is_empty())
            && !self.was_taken_from(id, message.seq, key)
        {
            return Some(format!("{key} was refused for good ({code})"));
        }
        let edited =
            |body| message.shape.by > ChangeNo::ZERO && self.asked_to_say(id, message, body);
        match message.shape.body {
            Some(body) if body != first && there.all(|other| other != body) && !edited(body) => {
                Some(format!("{key} has the body {body}, but {first} was sent"))
            }
            _ => None,
        }
    }
}

fn logs_of(dumps: &[ConversationDump]) -> BTreeMap<ConversationId, Log<'_>> {
    dumps.iter().map(|dump| (dump.id, Log::of(dump))).collect()
}

/// What stood in the log that was replaced, and does not in the backup.
fn taken_by(restore: &Restore) -> impl Iterator<Item = (ConversationId, Seq, &MessageKey)> {
    let kept = logs_of(&restore.kept);
    restore.lost.iter().flat_map(move |dump| {
        let there = kept.get(&dump.id).map(|log| log.at.len()).unwrap_or_default();
        // A backup is the beginning of the log it was made of.
        dump.messages.iter().skip(there).map(|message| (dump.id, message.seq, &message.key))
    })
}

fn taken_over(evidence: &Evidence) -> BTreeMap<&UserId, usize> {
    let mut times = BTreeMap::new();
    for journal in &evidence.journals {
        let begun = journal.entries.iter().filter(|entry| entry.what == What::TookOver);
        *times.entry(&journal.user).or_default() += begun.count();
    }
    times
}

/// With the time at which they expire, if they do not only burn.
fn expires_at(evidence: &Evidence) -> BTreeMap<MessageKey, Option<UnixMs>> {
    let mut all: BTreeMap<MessageKey, Option<UnixMs>> = BTreeMap::new();
    for (journal, entry) in evidence.entries() {
        if let What::Timed { local_no, expires_at } = &entry.what {
            let earliest = all.entry(journal.key(*local_no)).or_default();
            *earliest = earliest.iter().chain(expires_at).min().copied();
        }
    }
    all
}

fn forgot_alone(evidence: &Evidence) -> BTreeSet<(&UserId, ConversationId, Seq)> {
    let forgot = evidence.entries().filter_map(|(journal, entry)| match entry.what {
        What::ForgotAlone { conversation, seq } => Some((&journal.user, conversation, seq)),
        _ => None,
    });
    forgot.collect()
}

fn marked_read(evidence: &Evidence) -> BTreeMap<(&UserId, ConversationId), Seq> {
    let mut all: BTreeMap<(&UserId, ConversationId), Seq> = BTreeMap::new();
    for (journal, entry) in evidence.entries() {
        if let What::MarkRead { conversation, up_to } = &entry.what {
            let highest = all.entry((&journal.user, *conversation)).or_default();
            *highest = (*highest).max(*up_to);
        }
    }
    all
}

fn asked(evidence: &Evidence) -> Asked<'_> {
    let mut all = Asked::new();
    for (journal, entry) in evidence.entries() {
        if let What::Alter { conversation, seq, key, how, .. } = &entry.what {
            let place = (&journal.user, *conversation, *seq);
            all.entry(place).or_default().push((key, how));
        }
    }
    all
}

fn sent_messages(evidence: &Evidence) -> BTreeMap<MessageKey, Sent<'_>> {
    let mut all: BTreeMap<MessageKey, Sent<'_>> = BTreeMap::new();
    for (journal, entry) in evidence.entries() {
        match &entry.what {
            What::Invoke { local_no, conversation, body } => {
                let accepted = Vec::new();
                let new = Sent {
                    conversation: *conversation,
                    said: vec![(*conversation, *body)],
                    is_resent: false,
                    accepted,
                    refused: None,
                };
                match all.entry(journal.key(*local_no)) {
                    Entry::Vacant(place) => drop(place.insert(new)),
                    // A manual resend: it is a new try, from here on.
                    Entry::Occupied(mut known) => {
                        let sent = known.get_mut();
                        (sent.is_resent, sent.refused) = (true, None);
                        sent.conversation = *conversation;
                        sent.said.push((*conversation, *body));
                    }
                }
            }
            What::Ok { local_no, seq, .. } => {
                if let Some(sent) = all.get_mut(&journal.key(*local_no)) {
                    sent.accepted.push((entry.at_ns, *seq));
                }
            }
            What::Fail { local_no, code } => {
                if let Some(sent) = all.get_mut(&journal.key(*local_no)) {
                    sent.refused = Some(code);
                }
            }
            _ => {}
        }
    }
    all
}
