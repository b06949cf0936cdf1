//! The inbox: entries in their order without holes, pages, acks, gaps.
//!
//! `received` runs ahead of the durable cursor by what is on its way to the store. An `Ack` carries the durable cursor
//! only; one that asks for a page waits until both are equal, so that no page is asked for twice.

use std::collections::BTreeSet;
use std::time::Duration;

use anser_proto::session::received::{ReceivedBatch, ReceivedEvent, ReceivedKind};
use anser_proto::v1;
use anser_types::{Change, ChangeKind, InboxSeq, ItemKey, LogEpoch, Message, UserId};
use bytes::Bytes;
use prost::Message as _;

use crate::channel_log::ByInbox;
use crate::core::Core;
use crate::io::{AppEvent, Now};
use crate::records::{DeviceState, Rebuild, Record, UnknownEvent};
use crate::restored::Search;
use crate::store::Then;
use crate::translate::{self, Entry};

/// How long a page may take.
const PAGE_WITHIN: Duration = Duration::from_secs(10);
/// Entries known from answers that may wait for those before them.
const OWN_MAX: usize = 1_024;

/// Whether a page is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pull {
    /// No.
    #[default]
    No,
    /// As soon as everything received is stored.
    Wanted,
    /// It was, and comes until then.
    Outstanding(Duration),
}

/// Catching up, as the app sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    from: InboxSeq,
    target: InboxSeq,
}

/// Where this device stands in its inbox.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// Everything up to here was taken in (and is stored or on its way to the store).
    pub(crate) received: InboxSeq,
    pub(crate) log_epoch: LogEpoch,
    pub(crate) rebuild: Option<Rebuild>,
    pub(crate) settle_until: Option<InboxSeq>,
    pub(crate) settle_by_history: bool,
    /// What SyncReset said in this session, until the rebuild is stored.
    pub(crate) reset: Option<(InboxSeq, LogEpoch)>,
    /// What is still to be searched for what an earlier device has done.
    pub(crate) search: Option<Vec<Search>>,
    /// Items of the lists were taken in up to here by the rebuild; `None`: none yet.
    pub(crate) items_after: Option<ItemKey>,
    /// Conversations stored by the rebuild so far.
    pub(crate) rebuilt: u64,
    session_epoch: LogEpoch,
    /// The log in which this device began at an empty inbox, if it did so in this run.
    begun_in: LogEpoch,
    /// The largest entry heard of.
    head: InboxSeq,
    /// The last entry confirmed to the server in this session.
    acked: InboxSeq,
    /// Entries known from answers to one's own commands, above `received`.
    own: BTreeSet<InboxSeq>,
    pub(crate) pull: Pull,
    run: Option<Run>,
}

impl Inbox {
    /// As it was stored.
    pub(crate) fn new(device: &DeviceState) -> Self {
        Self {
            received: device.cursor,
            log_epoch: device.log_epoch,
            rebuild: device.rebuild.clone(),
            settle_until: device.settle_until,
            settle_by_history: device.settle_by_history,
            reset: None,
            search: None,
            items_after: None,
            rebuilt: 0,
            session_epoch: LogEpoch::ZERO,
            begun_in: LogEpoch::ZERO,
            head: InboxSeq::ZERO,
            acked: InboxSeq::ZERO,
            own: BTreeSet::new(),
            pull: Pull::No,
            run: None,
        }
    }

    /// A rebuild runs in this session.
    pub(crate) const fn is_rebuilding(&self) -> bool {
        self.rebuild.is_some() && self.reset.is_some()
    }

    /// The cursor is void, and with it what answers said of entries.
    pub(crate) fn begin_reset(&mut self, at: InboxSeq, log_epoch: LogEpoch) {
        self.reset = Some((at, log_epoch));
        self.pull = Pull::No;
        self.run = None;
        self.rebuilt = 0;
        self.items_after = None;
        self.own.clear();
        // An unfinished rebuild of the same log goes on; if its `at` is too old the next page says so.
        if self.rebuild.as_ref().is_none_or(|rebuild| rebuild.log_epoch != log_epoch) {
            let unfinished = self.rebuild.replace(Rebuild { at, log_epoch, after: None });
            if let (LogEpoch::ZERO, Some(first)) = (self.log_epoch, unfinished) {
                // A new device's first: whatever is stored is of that log.
                self.log_epoch = first.log_epoch;
            }
        }
        self.settle_by_history |= self.settle_until.is_some();
    }

    /// Whether the server's log holds less than this device knows of: it is another one, or ends before the cursor.
    pub(crate) fn log_went_back(&self, rebuild: &Rebuild) -> bool {
        let had_cursor = self.log_epoch > LogEpoch::ZERO;
        had_cursor && (self.log_epoch != rebuild.log_epoch || self.received > rebuild.at)
    }

    /// The log followed until now, if it is another one than that of the rebuild.
    pub(crate) fn earlier_log(&self, rebuild: &Rebuild) -> LogEpoch {
        if self.log_epoch == rebuild.log_epoch { LogEpoch::ZERO } else { self.log_epoch }
    }

    /// Whether this session's log is another one than what is stored is of. Until that is of this one nothing new is
    /// sent: places of old messages would be taken by one's own before it is known which are lost. A new device stores
    /// which log it begins with before it sends anything.
    pub(crate) fn is_between_logs(&self, stored: &DeviceState) -> bool {
        let begun = stored.rebuild.as_ref().map_or(LogEpoch::ZERO, |rebuild| rebuild.log_epoch);
        let of = if stored.log_epoch > LogEpoch::ZERO { stored.log_epoch } else { begun };
        self.session_epoch != of
    }

    /// Nothing is missing, as far as was heard: what comes by other ways comes behind what came by this one.
    pub(crate) fn is_level(&self) -> bool {
        self.pull == Pull::No && self.received >= self.head && self.rebuild.is_none()
    }

    /// There is no session any more.
    pub(crate) fn link_lost(&mut self) {
        self.pull = Pull::No;
        self.reset = None;
        self.search = None;
        self.run = None;
    }

    /// When a page is overdue.
    pub(crate) const fn next_timer(&self) -> Option<Duration> {
        match self.pull {
            Pull::Outstanding(deadline) => Some(deadline),
            Pull::No | Pull::Wanted => None,
        }
    }

    /// Moves over entries that are known from answers; not while the cursor is void: it would pass for a good one.
    pub(crate) fn pass_own(&mut self) {
        if self.is_rebuilding() {
            return;
        }
        while self.own.remove(&self.received.next()) {
            self.received = self.received.next();
            self.log_epoch = self.session_epoch;
        }
        if self.own.first().is_some_and(|first| *first <= self.received) {
            self.own = self.own.split_off(&self.received.next());
        }
    }
}

impl Core {
    /// Welcome said where the inbox ends; the first page is on its way unless that is here.
    pub(crate) fn begin_sync(&mut self, head: InboxSeq, epoch: LogEpoch, now: Now) {
        let stored = self.store.confirmed().cursor;
        let inbox = &mut self.inbox;
        (inbox.session_epoch, inbox.head, inbox.acked) = (epoch, head, stored);
        // Not known yet (the largest number there is), or of a log that went back.
        inbox.settle_until = inbox.settle_until.map(|until| until.min(head));
        if inbox.log_epoch == LogEpoch::ZERO && head == InboxSeq::ZERO {
            // A new device of a user whose inbox is empty: it begins here, and what comes from now on is not history.
            (inbox.begun_in, inbox.log_epoch) = (epoch, epoch);
        }
        if head > stored {
            inbox.pull = Pull::Outstanding(now.mono + PAGE_WITHIN);
            inbox.run = Some(Run { from: stored, target: head });
            let missing = Some(head.0 - stored.0);
            self.tell(AppEvent::SyncStarted { missing });
        }
    }

    /// The server knows of an entry with this number.
    pub(crate) fn heard_of(&mut self, head: InboxSeq) {
        let inbox = &mut self.inbox;
        inbox.head = inbox.head.max(head);
        if head > inbox.received && inbox.pull == Pull::No && !inbox.is_rebuilding() {
            inbox.pull = Pull::Wanted;
        }
    }

    /// The answer to one's own command named its entry: nothing more is to be learned from it.
    pub(crate) fn own_entry(&mut self, inbox_seq: InboxSeq) {
        let inbox = &mut self.inbox;
        if inbox_seq > inbox.received {
            if inbox.own.len() >= OWN_MAX {
                inbox.own.clear();
            }
            inbox.own.insert(inbox_seq);
            inbox.head = inbox.head.max(inbox_seq);
            inbox.pass_own();
        }
    }

    /// Entries came: a push or a page.
    pub(crate) fn batch_came(&mut self, batch: ReceivedBatch) {
        if self.inbox.is_rebuilding() {
            return;
        }
        // The server goes on from the cursor, so an unfinished rebuild is not needed any more.
        self.inbox.rebuild = None;
        if batch.head.is_some() {
            self.inbox.pull = Pull::No;
        }
        self.inbox.pass_own();
        let mut no = batch.first;
        if no > self.inbox.received.next() {
            return self.heard_of(no.max(batch.head.unwrap_or_default()));
        }
        for event in batch.events {
            if no > self.inbox.received {
                if !self.store.has_room() {
                    break;
                }
                self.take_entry(no, event);
                self.inbox.received = no;
                self.inbox.log_epoch = self.inbox.session_epoch;
                self.inbox.pass_own();
            }
            no = no.next();
        }
        // Whatever was not taken is above `received` and is pulled.
        self.heard_of(no.previous().max(batch.head.unwrap_or_default()));
    }

    fn take_entry(&mut self, inbox_seq: InboxSeq, event: ReceivedEvent) {
        self.store.begin_entry(event.raw.len());
        let (entry, whole) = match event.kind {
            ReceivedKind::Known(known) => {
                self.read_entry(v1::Event { event: Some(known) }, &event.raw)
            }
            ReceivedKind::Unknown { .. } => (None, false),
        };
        if let Some(entry) = entry {
            self.understand(inbox_seq, entry);
        }
        if !whole {
            // A copy of its own: a slice would keep the whole page in memory.
            let raw = Bytes::copy_from_slice(&event.raw);
            self.store.put_page(Record::UnknownStored(UnknownEvent { inbox_seq, raw }));
        }
    }

    /// What an entry says, and whether that is all of it: fields of a newer version are not understood, and the entry
    /// must be kept for the upgrade.
    fn read_entry(&mut self, event: v1::Event, raw: &Bytes) -> (Option<Entry>, bool) {
        let length = event.encoded_len();
        let entry = translate::entry(&self.me.user, &mut self.direct, event);
        let whole = entry.is_some() && length == raw.len();
        (entry, whole)
    }

    fn understand(&mut self, inbox_seq: InboxSeq, entry: Entry) {
        match entry {
            Entry::Message(message, peer) => self.take_message(inbox_seq, message, peer),
            Entry::ReadSync(conversation, peer, up_to) => {
                self.own_read_moved(conversation, peer.as_ref(), up_to, true);
            }
            Entry::Change(change) => self.take_change(inbox_seq, change),
            Entry::Unavailable(gap) => {
                self.store.put_page(Record::UnavailableStored(gap.clone()));
                self.store.after_page(Then::Tell(AppEvent::Unavailable(gap)));
            }
        }
    }

    fn take_message(&mut self, inbox_seq: InboxSeq, message: Message, peer: Option<UserId>) {
        let new = self.mark(message.conversation, peer.as_ref()).note(message.seq);
        let new = self.channel_message_by_inbox(&message).unwrap_or(new);
        self.keep_message(Some(inbox_seq), message, peer, new);
    }

    fn take_change(&mut self, inbox_seq: InboxSeq, change: Change) {
        // Of a group one need not be in, or of no conversation that is shown at all.
        if matches!(change.kind, ChangeKind::Item(_)) {
            return self.take_item(inbox_seq, change);
        }
        match self.channel_change_by_inbox(&change) {
            ByInbox::News => self.keep_change(Some(inbox_seq), change, true, false),
            ByInbox::Known => self.keep_change(Some(inbox_seq), change, false, false),
            ByInbox::Later => {}
        }
    }

    fn take_item(&mut self, inbox_seq: InboxSeq, change: Change) {
        let inbox_seq = Some(inbox_seq);
        self.store.put_page(Record::ChangeStored { change: change.clone(), inbox_seq });
        self.store.after_page(Then::Tell(AppEvent::ListChanged { change }));
    }

    /// A transaction is durable: confirm it, ask for more, say how far it is.
    pub(crate) fn progress_is_durable(&mut self, now: Now) {
        let stored = self.store.confirmed().cursor;
        if self.inbox.rebuild.is_none() && self.inbox.reset.is_some_and(|(at, _)| stored >= at) {
            self.inbox.reset = None;
        }
        if self.inbox.is_rebuilding() || !self.link.is_up() {
            return self.go_on_rebuilding(now);
        }
        if stored > self.inbox.acked && self.inbox.pull != Pull::Wanted {
            self.inbox.acked = stored;
            self.say(now, |session, out| session.ack(stored, 0, out));
        }
        if let Some(run) = self.inbox.run
            && stored > run.from
        {
            let done = stored.0 - run.from.0;
            let missing = Some(run.target.0.saturating_sub(stored.0));
            self.tell(AppEvent::SyncProgress { done, missing });
            if stored >= run.target {
                self.inbox.run = None;
                self.tell(AppEvent::SyncFinished);
            }
        }
    }

    /// Confirms everything stored and asks for the next page in one frame, once nothing is on its way to the store.
    pub(crate) fn pull_if_wanted(&mut self, now: Now) {
        let stored = self.store.confirmed();
        let caught_up = stored.cursor == self.inbox.received
            && stored.log_epoch == self.inbox.log_epoch
            && self.store.retry_at().is_none();
        if self.inbox.pull != Pull::Wanted || !caught_up || self.inbox.is_rebuilding() {
            return;
        }
        let (cursor, want) = (self.inbox.received, self.config.page_entries.max(1));
        if self.say(now, |session, out| session.ack(cursor, want, out)) {
            self.inbox.acked = cursor;
            self.inbox.pull = Pull::Outstanding(now.mono + PAGE_WITHIN);
        }
    }

    /// Time has passed: a page that did not come is asked for again, on a link that is checked.
    pub(crate) fn inbox_time_passed(&mut self, now: Now) {
        if self.inbox.next_timer().is_some_and(|deadline| deadline <= now.mono) {
            self.inbox.pull = Pull::Wanted;
            self.check_link(now);
        }
    }

    /// The store did not take a page: as if it had never come.
    pub(crate) fn forget_unstored_entries(&mut self) {
        let stored = self.store.confirmed();
        let inbox = &mut self.inbox;
        inbox.received = stored.cursor;
        // Where a new device began is no entry that could be had again.
        let nothing_yet = stored.log_epoch == LogEpoch::ZERO;
        inbox.log_epoch = if nothing_yet { inbox.begun_in } else { stored.log_epoch };
        inbox.rebuild = stored.rebuild.clone();
        inbox.own.clear();
        if let Some((at, log_epoch)) = inbox.reset {
            inbox.begin_reset(at, log_epoch);
        }
        self.marks.values_mut().for_each(crate::marks::Mark::forget);
        self.channels.forget_unstored();
    }

    /// The store is tried again: so is what it did not take.
    pub(crate) fn want_missing_entries(&mut self, now: Now) {
        if self.inbox.is_rebuilding() {
            self.go_on_rebuilding(now);
        } else if self.link.is_up() {
            self.inbox.pull = Pull::Wanted;
        }
    }

    /// Entries an earlier version kept unread: those this version understands are taken in now.
    pub(crate) fn read_again(&mut self, kept: Vec<UnknownEvent>) {
        for UnknownEvent { inbox_seq, raw } in kept {
            let Ok(event) = v1::Event::decode(raw.clone()) else { continue };
            if let (Some(entry), true) = self.read_entry(event, &raw) {
                self.understand(inbox_seq, entry);
                self.store.put_page(Record::UnknownResolved { inbox_seq });
            }
        }
    }
}
