//! What the core keeps of channels: conversations whose messages and changes come by their own log, not by the inbox.
//!
//! A plain table. Of each channel it holds up to where everything was taken in (and is stored or on its way to the
//! store), up to where the store has it, and how far the log is known to reach. What is taken in always follows what was
//! taken in before; how the rest is read is in `channel_reading.rs`, what comes by itself in `channel_log.rs`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use anser_types::limits::{FOLLOW_PER_FRAME, FOLLOW_PER_HELLO};
use anser_types::{ConversationId, Seq};

use crate::channel_held::Held;
use crate::records::{ChannelMark, ChannelPosition, ConversationMark, Record};
use crate::store::{Store, Then};

/// Numbers above a position that are remembered as told; beyond it the lowest is forgotten, and at worst told again.
const EARLY_MAX: usize = 1_024;

/// Which numbers of a log the app was told of: those that were taken in from `after` on, and single ones that also came
/// by the inbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    after: u64,
    early: BTreeSet<u64>,
    /// The same, on their way to the store.
    unstored: BTreeSet<u64>,
}

impl Told {
    /// Whether the app was told of this one; `at` is up to where the log was taken in.
    pub(crate) fn knows(&self, no: u64, at: u64) -> bool {
        self.is_early(no) || (self.after < no && no <= at)
    }

    /// Whether it was told of this one by the inbox.
    pub(crate) fn is_early(&self, no: u64) -> bool {
        self.early.contains(&no) || self.unstored.contains(&no)
    }

    /// It is told of this one by the inbox, with the next transaction.
    pub(crate) fn note(&mut self, no: u64) {
        if self.unstored.len() >= EARLY_MAX {
            self.unstored.pop_first();
        }
        self.unstored.insert(no);
    }

    /// Nothing up to here was told of: it was passed over.
    const fn pass_over(&mut self, to: u64) {
        self.after = to;
    }

    fn are_stored(&mut self, numbers: &[u64], at: u64) {
        for no in numbers {
            if self.unstored.remove(no) {
                self.early.insert(*no);
            }
        }
        // The log has passed them: that says it all.
        self.early.retain(|no| *no <= self.after || *no > at);
        while self.early.len() > EARLY_MAX {
            self.early.pop_first();
        }
    }

    fn forget_unstored(&mut self, at: u64) {
        self.unstored.clear();
        self.after = self.after.min(at);
    }
}

/// One channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channel {
    /// Everything up to here was taken in.
    pub(crate) at: ChannelPosition,
    /// The store has it up to here; `None`: it does not know of the channel yet.
    pub(crate) stored: Option<ChannelPosition>,
    /// The log reaches to here, as far as was heard.
    pub(crate) heard: ChannelPosition,
    /// One is not in it any more: nothing comes by itself, what is left is read up to `heard`.
    pub(crate) ending: bool,
    /// Its row must be read before anything else.
    pub(crate) row_wanted: bool,
    /// The server does not push it any more; its row tells why.
    pub(crate) gone: bool,
    /// How often its row was read for that in this session.
    pub(crate) asked_again: u8,
    /// The last page of messages held nothing new, though the log seemed to go on.
    pub(crate) dry: bool,
    /// Everything up to here was looked through for one's own before this run.
    pub(crate) since: Seq,
    /// Grows with what is said: those of late go first.
    active: u64,
    pub(crate) messages: Told,
    pub(crate) changes: Told,
}

impl Channel {
    /// The log reaches at least to here.
    pub(crate) fn hear(&mut self, head: ChannelPosition) {
        self.heard = self.heard.or_further(head);
    }

    /// Everything that was heard of was taken in.
    pub(crate) fn is_level(&self) -> bool {
        !self.row_wanted && self.at.covers(self.heard)
    }

    /// Goes on from here without having taken in what lies before.
    pub(crate) fn place(&mut self, at: ChannelPosition) {
        self.at = at;
        self.hear(at);
        self.messages.pass_over(at.seq.0);
        self.changes.pass_over(at.change_no.0);
    }
}

/// What a transaction stores of a channel beside its records.
#[derive(Clone, Debug)]
pub(crate) struct ChannelStored {
    conversation: ConversationId,
    position: ChannelPosition,
    messages: Vec<u64>,
    changes: Vec<u64>,
}

/// Whether the host waits until everything of all channels is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compare {
    /// No.
    #[default]
    No,
    /// As soon as all of them are named to the server.
    Wanted,
    /// The server was asked, and answers behind everything it was asked before.
    Asked,
}

/// All channels.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    by_id: BTreeMap<ConversationId, Channel>,
    /// Not named to the server in this session.
    unsaid: BTreeSet<ConversationId>,
    /// Those that may not be level.
    pub(crate) behind: BTreeSet<ConversationId>,
    /// Those whose position is to be stored with the next transaction.
    dirty: BTreeSet<ConversationId>,
    last_active: u64,
    pub(crate) held: Held,
    pub(crate) compare: Compare,
}

impl Channels {
    /// As they were stored.
    pub(crate) fn load(marks: &[ConversationMark]) -> Self {
        let mut found: Vec<(ConversationId, ChannelMark)> =
            marks.iter().filter_map(|mark| Some((mark.conversation, mark.channel?))).collect();
        found.sort_by_key(|(_, mark)| mark.active);
        let mut channels = Self::default();
        for (id, ChannelMark { position, .. }) in found {
            channels.last_active += 1;
            let active = channels.last_active;
            let mut channel = Channel { active, since: position.seq, ..Channel::default() };
            // Whether it was told is not known: what comes by the inbox once more is news.
            channel.place(position);
            channel.stored = Some(position);
            channels.by_id.insert(id, channel);
        }
        channels
    }

    pub(crate) fn get(&self, id: ConversationId) -> Option<&Channel> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: ConversationId) -> Option<&mut Channel> {
        self.by_id.get_mut(&id)
    }

    /// Whether this is a channel one follows, or has not read to its end.
    pub(crate) fn is_channel(&self, id: ConversationId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// From here on it is followed; the position is stored with the next transaction, and named to the server then.
    pub(crate) fn begin(&mut self, id: ConversationId, at: ChannelPosition) {
        self.last_active += 1;
        let active = self.last_active;
        let channel = self.by_id.entry(id).or_default();
        (channel.active, channel.ending) = (active, false);
        (channel.heard, channel.row_wanted, channel.gone) = (at, false, false);
        channel.place(at);
        self.dirty.insert(id);
        self.unsaid.insert(id);
    }

    /// The server is to be asked about it again.
    pub(crate) fn say_again(&mut self, id: ConversationId) {
        self.unsaid.insert(id);
    }

    /// Its position, or what is known of it, is to be stored.
    pub(crate) fn moved(&mut self, id: ConversationId) {
        self.dirty.insert(id);
    }

    /// Something was said there.
    pub(crate) fn lives(&mut self, id: ConversationId) {
        self.last_active += 1;
        if let Some(channel) = self.by_id.get_mut(&id) {
            channel.active = self.last_active;
        }
    }

    /// It is followed no more. False if it was not.
    pub(crate) fn remove(&mut self, id: ConversationId) -> bool {
        for set in [&mut self.unsaid, &mut self.behind, &mut self.dirty] {
            set.remove(&id);
        }
        self.by_id.remove(&id).is_some()
    }

    /// A new session, or a new log: nothing was named to the server.
    pub(crate) fn all_unsaid(&mut self) {
        self.held.clear();
        if self.compare == Compare::Asked {
            self.compare = Compare::Wanted;
        }
        self.by_id.values_mut().for_each(|channel| channel.asked_again = 0);
        self.unsaid = self.by_id.keys().copied().collect();
    }

    /// What Hello names: those of late.
    pub(crate) fn of_hello(&mut self) -> Vec<(ConversationId, ChannelPosition)> {
        self.all_unsaid();
        self.take_unsaid(FOLLOW_PER_HELLO)
    }

    /// What the next Follow names.
    pub(crate) fn of_follow(&mut self) -> Vec<(ConversationId, ChannelPosition)> {
        if self.unsaid.is_empty() { Vec::new() } else { self.take_unsaid(FOLLOW_PER_FRAME) }
    }

    fn take_unsaid(&mut self, most: usize) -> Vec<(ConversationId, ChannelPosition)> {
        let mut found = Vec::new();
        let by_id = &self.by_id;
        self.unsaid.retain(|id| by_id.get(id).is_some_and(|channel| !channel.ending));
        for id in &self.unsaid {
            let Some(channel) = self.by_id.get(id) else { continue };
            let Some(stored) = channel.stored else { continue };
            found.push((channel.active, *id, stored));
        }
        found.sort_unstable_by_key(|(active, ..)| Reverse(*active));
        found.truncate(most);
        for (_, id, _) in &found {
            self.unsaid.remove(id);
        }
        found.into_iter().map(|(_, id, named)| (id, named)).collect()
    }

    /// Whether all of them are named to the server.
    pub(crate) fn are_named(&self) -> bool {
        self.unsaid.is_empty()
    }

    /// Whether there are none.
    pub(crate) fn are_none(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether everything that was heard of is stored, of those that were compared.
    pub(crate) fn are_stored_whole(&self) -> bool {
        self.compare == Compare::No
            && self.unsaid.is_empty()
            && self.behind.is_empty()
            && self.by_id.values().all(|channel| channel.stored == Some(channel.at))
    }

    /// The one to read from next.
    pub(crate) fn next_behind(&mut self) -> Option<ConversationId> {
        let by_id = &self.by_id;
        self.behind.retain(|id| by_id.contains_key(id));
        let active = |id: &&ConversationId| by_id.get(id).map(|channel| channel.active);
        self.behind.iter().max_by_key(active).copied()
    }

    /// Puts the positions that moved into the transaction that is about to leave.
    pub(crate) fn put_positions(&mut self, store: &mut Store) {
        for id in std::mem::take(&mut self.dirty) {
            let Some(channel) = self.by_id.get(&id) else { continue };
            let (conversation, position) = (id, channel.at);
            store.put_page(Record::ChannelPosition { conversation, position });
            store.after_page(Then::ChannelStored(ChannelStored {
                conversation,
                position,
                messages: channel.messages.unstored.iter().copied().collect(),
                changes: channel.changes.unstored.iter().copied().collect(),
            }));
        }
    }

    /// That transaction is durable.
    pub(crate) fn are_stored(&mut self, done: &ChannelStored) {
        if let Some(channel) = self.by_id.get_mut(&done.conversation) {
            channel.stored = Some(done.position);
            channel.messages.are_stored(&done.messages, channel.at.seq.0);
            channel.changes.are_stored(&done.changes, channel.at.change_no.0);
        }
    }

    /// The store did not take what was on its way: as if it had never come.
    pub(crate) fn forget_unstored(&mut self) {
        self.dirty.clear();
        self.held.clear();
        self.by_id.retain(|_, channel| channel.stored.is_some());
        for (id, channel) in &mut self.by_id {
            let Some(stored) = channel.stored else { continue };
            (channel.at, channel.dry) = (stored, false);
            channel.messages.forget_unstored(stored.seq.0);
            channel.changes.forget_unstored(stored.change_no.0);
            if channel.ending || !channel.is_level() {
                self.behind.insert(*id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use anser_types::ChangeNo;

    use super::*;

    const fn at(seq: u64, change_no: u64) -> ChannelPosition {
        ChannelPosition { seq: Seq(seq), change_no: ChangeNo(change_no) }
    }

    #[test]
    fn what_came_by_the_inbox_is_told_once_until_the_log_has_passed_it() {
        let mut told = Told::default();
        told.note(7);
        assert!(told.knows(7, 3) && !told.knows(6, 3));
        told.are_stored(&[7], 3);
        told.forget_unstored(3);
        assert!(told.is_early(7), "it was stored");
        told.are_stored(&[], 7);
        assert!(told.knows(7, 7) && !told.is_early(7), "the log says it now");
        told.note(9);
        told.forget_unstored(7);
        assert!(!told.knows(9, 7), "it was not stored, and not told");
    }

    #[test]
    fn hello_names_those_of_late_and_the_rest_follows() {
        let mut channels = Channels::default();
        for id in 0..100 {
            channels.begin(ConversationId([id; 16]), at(1, 1));
        }
        assert!(channels.of_hello().is_empty(), "not before they are stored");
        channels.by_id.values_mut().for_each(|channel| channel.stored = Some(channel.at));
        channels.lives(ConversationId([3; 16]));
        let hello = channels.of_hello();
        assert_eq!((hello.len(), hello[0].0), (FOLLOW_PER_HELLO, ConversationId([3; 16])));
        assert_eq!(channels.of_follow().len(), 100 - FOLLOW_PER_HELLO);
        assert!(channels.of_follow().is_empty());
    }
}
