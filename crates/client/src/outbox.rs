//! The commands that are not settled: which waits, which has a number, which is on the wire.
//!
//! A plain table; what is said to the server and to the app about it is in `sending.rs` and `settling.rs`.
//! Order: what waits is numbered by ascending `local_no`, so whatever comes back to the queue takes its old place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anser_types::{CommandNo, LocalNo};

use crate::records::{OutboxItem, OutboxState};

/// Commands kept at most; a full outbox refuses what is composed.
pub(crate) const OUTBOX_MAX: usize = 10_000;
/// Time after the first transmission after which a message counts as failed.
pub(crate) const FAILED_AFTER: Duration = Duration::from_secs(180);
/// Attempts after which a message counts as failed.
pub(crate) const TRIES_MAX: u32 = 5;

/// Tells one time a number was given from every other: the same number may be given to the same command again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbering(pub(crate) u64);

/// A command and how its transmission goes.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) item: OutboxItem,
    /// Its record was not given to the store yet.
    pub(crate) unstored: bool,
    /// The next transmission is another attempt, not just a question for the answer.
    pub(crate) counts: bool,
    /// Attempts since the user asked for it.
    pub(crate) tries: u32,
    /// The first of them.
    pub(crate) first_tried: Option<Duration>,
    /// Its last transmission in this session, and how many there were.
    pub(crate) sent_at: Option<Duration>,
    pub(crate) transmissions: u32,
    /// When its number was given.
    pub(crate) numbering: Numbering,
    /// Its number is durable.
    pub(crate) durable: bool,
}

impl Entry {
    pub(crate) const fn is_message(&self) -> bool {
        self.item.conversation.is_some()
    }

    /// The number it has, or may have arrived under.
    pub(crate) const fn number(&self) -> Option<CommandNo> {
        match &self.item.state {
            OutboxState::Numbered(no) => Some(*no),
            OutboxState::Failed { unconfirmed, .. } => *unconfirmed,
            OutboxState::Queued => None,
        }
    }
}

/// Everything not settled.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) entries: BTreeMap<LocalNo, Entry>,
    /// Waiting for a number.
    pub(crate) queue: BTreeSet<LocalNo>,
    /// Composed and not given to the store yet.
    pub(crate) fresh: Vec<LocalNo>,
    /// Numbered and unanswered.
    pub(crate) in_flight: BTreeMap<CommandNo, LocalNo>,
    /// Numbered, durable, and to be transmitted (again) in this session.
    pub(crate) due: BTreeSet<CommandNo>,
    /// The server waits for this number; later ones are pointless until it is answered.
    pub(crate) blocked_on: Option<CommandNo>,
    /// The server asked for a pause.
    pub(crate) paused_until: Option<Duration>,
    /// A timeout asked for a link check; its answer leads to a resend.
    pub(crate) resend_on_life: bool,
    /// What Welcome said was executed: commands up to here are only asked for their answers.
    pub(crate) executed_up_to: CommandNo,
    /// The next number.
    pub(crate) next_no: CommandNo,
    pub(crate) highest_used: CommandNo,
    /// How often a number was given in this run.
    pub(crate) numberings: Numbering,
    pub(crate) last_local_no: LocalNo,
    /// When to look for messages that are over their time.
    pub(crate) limit_check: Option<Duration>,
}

impl Outbox {
    /// The outbox as it was stored.
    pub(crate) fn load(items: Vec<OutboxItem>, highest_used: CommandNo, last: LocalNo) -> Self {
        let mut outbox = Self {
            entries: BTreeMap::new(),
            queue: BTreeSet::new(),
            fresh: Vec::new(),
            in_flight: BTreeMap::new(),
            due: BTreeSet::new(),
            blocked_on: None,
            paused_until: None,
            resend_on_life: false,
            executed_up_to: CommandNo::ZERO,
            next_no: highest_used.next(),
            highest_used,
            numberings: Numbering::default(),
            last_local_no: last,
            limit_check: None,
        };
        for item in items {
            let local_no = item.id.local_no;
            outbox.last_local_no = outbox.last_local_no.max(local_no);
            outbox.insert(item, true);
        }
        outbox
    }

    /// Takes a command in.
    pub(crate) fn insert(&mut self, item: OutboxItem, stored: bool) {
        let local_no = item.id.local_no;
        if !stored {
            self.fresh.push(local_no);
        }
        let entry = Entry {
            item,
            unstored: !stored,
            counts: true,
            tries: 0,
            first_tried: None,
            sent_at: None,
            transmissions: 0,
            numbering: Numbering::default(),
            durable: stored,
        };
        match (&entry.item.state, entry.number()) {
            (OutboxState::Queued, _) => {
                self.queue.insert(local_no);
            }
            (_, Some(no)) => {
                self.in_flight.insert(no, local_no);
            }
            (_, None) => {}
        }
        self.entries.insert(local_no, entry);
    }

    /// Everything up to here is answered.
    pub(crate) fn answered_up_to(&self) -> CommandNo {
        match self.in_flight.first_key_value() {
            Some((lowest, _)) => lowest.previous(),
            None => self.next_no.previous(),
        }
    }

    /// Whether an answer is missing to what was executed before this session. Nothing new gets a number until it is
    /// here: if this store is an old copy, that answer shows it, and what would get a number may have been sent before.
    pub(crate) fn awaits_old_answers(&self) -> bool {
        self.in_flight.first_key_value().is_some_and(|(no, _)| *no <= self.executed_up_to)
    }

    /// The command with this number.
    pub(crate) fn by_number(&mut self, no: CommandNo) -> Option<&mut Entry> {
        self.entries.get_mut(self.in_flight.get(&no)?)
    }

    /// The command leaves.
    pub(crate) fn remove(&mut self, local_no: LocalNo) -> Option<Entry> {
        let entry = self.entries.remove(&local_no)?;
        self.queue.remove(&local_no);
        if let Some(no) = entry.number() {
            self.release(no);
        }
        Some(entry)
    }

    /// This number needs no answer any more.
    pub(crate) fn release(&mut self, no: CommandNo) {
        self.in_flight.remove(&no);
        self.due.remove(&no);
        if self.blocked_on.is_some_and(|blocked| blocked <= no) {
            self.blocked_on = None;
        }
    }

    /// Nothing is on a wire any more.
    pub(crate) fn link_lost(&mut self) {
        self.due.clear();
        self.blocked_on = None;
        self.paused_until = None;
        self.resend_on_life = false;
        for local_no in self.in_flight.values() {
            if let Some(entry) = self.entries.get_mut(local_no) {
                entry.sent_at = None;
                entry.transmissions = 0;
            }
        }
    }

    /// The last transmission of the oldest unanswered command: what the attempt's timer runs on.
    pub(crate) fn oldest_sent_at(&self) -> Option<Duration> {
        let (_, local_no) = self.in_flight.first_key_value()?;
        self.entries.get(local_no)?.sent_at
    }

    /// Whether the server answers in time is worth watching.
    pub(crate) fn is_waiting(&self) -> bool {
        self.paused_until.is_none() && !self.resend_on_life
    }
}
