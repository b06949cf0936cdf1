//! One session's mailbox: bounded queues of events and signals, and one integer that is never dropped.
//!
//! The log is the truth, the mailbox only a hint: when its queue is full the queued copies go and `known_head` stays,
//! so the session notices by arithmetic that it must read its inbox (guarantee G16).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anser_backend::Heads;
use anser_types::{ConversationId, Event, InboxSeq, UserId, limits};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::api::{Ended, Signal, UserPresence};
use crate::fanout::feeds::raised;
use crate::metrics::{self, Lost};

/// One entry of a user's inbox on its way to one of their devices.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number.
    pub inbox_seq: InboxSeq,
    /// What it is.
    pub event: Event,
    /// In a direct conversation, the other one as this user sees it.
    pub peer: Option<UserId>,
    /// The user's own message (for their other devices).
    pub own: bool,
    /// Filled by whoever encodes it first; shared by all receivers that see the same bytes.
    pub encoded: Arc<OnceLock<Bytes>>,
}

/// One entry of a channel's log on its way to one of its followers. All of them see the same bytes.
#[derive(Clone, Debug)]
pub struct ChannelDelivery {
    /// Which channel.
    pub conversation: ConversationId,
    /// Its number in one of the two counters; the other one is zero.
    pub at: Heads,
    /// A message or a change.
    pub event: Event,
    /// Filled by whoever encodes it first.
    pub encoded: Arc<OnceLock<Bytes>>,
}

#[derive(Debug, Default)]
struct Queues {
    events: VecDeque<Delivery>,
    signals: VecDeque<Signal>,
    channels: Channels,
    /// The newest of every user that is watched; bounded by how many may be.
    presences: BTreeMap<UserId, UserPresence>,
    ended: Option<Ended>,
    /// Something came since the last wake: the publisher wakes each mailbox once per batch.
    dirty: bool,
}

/// What came in followed channels: events as long as there is room, else where their logs end. Bounded by
/// `MAILBOX_CHANNEL_EVENTS` and by `CHANNELS_PER_SESSION`.
#[derive(Debug, Default)]
struct Channels {
    events: VecDeque<ChannelDelivery>,
    behind: BTreeMap<ConversationId, Heads>,
    gone: BTreeSet<ConversationId>,
}

impl Channels {
    fn fall_behind(&mut self, id: ConversationId, heads: Heads) {
        let known = self.behind.entry(id).or_default();
        *known = raised(*known, heads);
    }
}

/// The shared half: the publisher puts in, the session takes out.
#[derive(Debug)]
pub(crate) struct Slot {
    known_head: AtomicU64,
    events_max: usize,
    /// Something of a channel waits: most sessions need not look.
    channel_news: AtomicBool,
    queues: Mutex<Queues>,
    changed: Notify,
}

impl Slot {
    pub(crate) fn new(events_max: usize) -> Self {
        Self {
            known_head: AtomicU64::new(0),
            events_max: events_max.max(1),
            channel_news: AtomicBool::new(false),
            queues: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn known_head(&self) -> InboxSeq {
        InboxSeq(self.known_head.load(Ordering::Acquire))
    }

    /// Raises the largest number heard of; true if it was news.
    pub(crate) fn raise_head(&self, head: InboxSeq) -> bool {
        self.known_head.fetch_max(head.0, Ordering::AcqRel) < head.0
    }

    /// Queues an event without waking. Returns true if this is the first news since the last wake.
    pub(crate) fn push_event(&self, delivery: Delivery) -> bool {
        self.raise_head(delivery.inbox_seq);
        let mut queues = self.queues.lock();
        if queues.events.len() >= self.events_max {
            queues.events.clear();
            metrics::mailbox_overflow();
        }
        queues.events.push_back(delivery);
        !std::mem::replace(&mut queues.dirty, true)
    }

    /// Queues a signal without waking; the oldest goes if there are too many. See [`Slot::push_event`].
    pub(crate) fn push_signal(&self, signal: Signal) -> bool {
        let mut queues = self.queues.lock();
        if queues.signals.len() >= limits::MAILBOX_SIGNALS {
            queues.signals.pop_front();
            metrics::signal_dropped(Lost::Full);
        }
        queues.signals.push_back(signal);
        !std::mem::replace(&mut queues.dirty, true)
    }

    /// Queues what came in a channel, without waking. Whoever does not keep up is told where the log ends instead: it
    /// reads what it missed. See [`Slot::push_event`].
    pub(crate) fn push_channel(&self, delivery: ChannelDelivery) -> bool {
        let mut queues = self.queues.lock();
        self.channel_news.store(true, Ordering::Release);
        let channels = &mut queues.channels;
        if channels.events.len() >= limits::MAILBOX_CHANNEL_EVENTS {
            for dropped in std::mem::take(&mut channels.events) {
                channels.fall_behind(dropped.conversation, dropped.at);
            }
            metrics::mailbox_overflow();
        }
        if channels.behind.contains_key(&delivery.conversation) {
            channels.fall_behind(delivery.conversation, delivery.at);
        } else {
            channels.events.push_back(delivery);
        }
        !std::mem::replace(&mut queues.dirty, true)
    }

    /// A channel's log goes up to here. See [`Slot::push_event`].
    pub(crate) fn channel_behind(&self, id: ConversationId, heads: Heads) -> bool {
        let mut queues = self.queues.lock();
        self.channel_news.store(true, Ordering::Release);
        queues.channels.fall_behind(id, heads);
        !std::mem::replace(&mut queues.dirty, true)
    }

    /// A channel is not followed any more; what came before that still stands. See [`Slot::push_event`].
    pub(crate) fn channel_gone(&self, id: ConversationId) -> bool {
        let mut queues = self.queues.lock();
        self.channel_news.store(true, Ordering::Release);
        queues.channels.gone.insert(id);
        !std::mem::replace(&mut queues.dirty, true)
    }

    /// Queues how a user is without waking, in place of what waits of them. See [`Slot::push_event`].
    pub(crate) fn push_presence(&self, presence: UserPresence) -> bool {
        let mut queues = self.queues.lock();
        if queues.presences.insert(presence.user.clone(), presence).is_some() {
            metrics::signal_dropped(Lost::Replaced);
        }
        !std::mem::replace(&mut queues.dirty, true)
    }

    /// The user is watched no more: what waits of them is not told either.
    pub(crate) fn forget_presence(&self, user: &UserId) {
        self.queues.lock().presences.remove(user);
    }

    /// Says why the session ends (the first reason stays) and wakes it.
    pub(crate) fn end(&self, ended: Ended) {
        {
            let mut queues = self.queues.lock();
            queues.ended.get_or_insert(ended);
            queues.dirty = true;
        }
        self.wake();
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.queues.lock().ended.clone()
    }

    /// Wakes the session; what comes afterwards is news again.
    pub(crate) fn wake(&self) {
        self.queues.lock().dirty = false;
        self.changed.notify_one();
    }
}

/// What waits for one session. Reading never blocks and never loses `known_head`.
#[derive(Debug)]
pub struct Mailbox {
    slot: Arc<Slot>,
}

impl Mailbox {
    pub(crate) const fn new(slot: Arc<Slot>) -> Self {
        Self { slot }
    }

    /// The largest inbox number heard of. Only grows, never dropped.
    #[must_use]
    pub fn known_head(&self) -> InboxSeq {
        self.slot.known_head()
    }

    /// Ends when something came since it last ended: an event, a signal, a raised head, or the end of the session.
    /// May end without cause. One task at a time may wait. Cancel safe.
    pub async fn changed(&self) {
        self.slot.changed.notified().await;
    }

    /// The event with exactly this number if it is at hand; older ones are thrown away. `None` while
    /// `known_head() >= expected` means: read the inbox.
    #[must_use]
    pub fn take(&self, expected: InboxSeq) -> Option<Delivery> {
        let mut queues = self.slot.queues.lock();
        while queues.events.front().is_some_and(|front| front.inbox_seq < expected) {
            queues.events.pop_front();
        }
        let found = queues
            .events
            .front()
            .is_some_and(|front| front.inbox_seq == expected)
            .then(|| queues.events.pop_front())
            .flatten();
        // A burst must not leave its memory with an idle session.
        if queues.events.is_empty() && queues.events.capacity() > 64 {
            queues.events = VecDeque::new();
        }
        found
    }

    /// All signals that wait, oldest first; how users are stands in one of them, at the end.
    #[must_use]
    pub fn take_signals(&self) -> Vec<Signal> {
        let mut queues = self.slot.queues.lock();
        if queues.signals.is_empty() && queues.presences.is_empty() {
            return Vec::new();
        }
        let mut signals: Vec<Signal> = std::mem::take(&mut queues.signals).into();
        if !queues.presences.is_empty() {
            let presences = std::mem::take(&mut queues.presences);
            signals.push(Signal::Presence(presences.into_values().collect()));
        }
        signals
    }

    /// Whether something of a channel waits. Cheap.
    #[must_use]
    pub fn has_channel_news(&self) -> bool {
        self.slot.channel_news.load(Ordering::Acquire)
    }

    /// The next event of a followed channel, in the order of each channel's log.
    #[must_use]
    pub fn take_channel(&self) -> Option<ChannelDelivery> {
        let mut queues = self.slot.queues.lock();
        let found = queues.channels.events.pop_front();
        if queues.channels.events.is_empty() && queues.channels.events.capacity() > 64 {
            queues.channels.events = VecDeque::new();
        }
        found
    }

    /// Channels of which events were dropped, with where their logs end at least; and those that are not followed any
    /// more. Take the events that are at hand before.
    #[must_use]
    pub fn take_channel_heads(
        &self,
    ) -> (BTreeMap<ConversationId, Heads>, BTreeSet<ConversationId>) {
        let mut queues = self.slot.queues.lock();
        let channels = &mut queues.channels;
        if channels.events.is_empty() {
            self.slot.channel_news.store(false, Ordering::Release);
        }
        (std::mem::take(&mut channels.behind), std::mem::take(&mut channels.gone))
    }

    /// Why the service has ended this session, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.slot.ended()
    }
}
