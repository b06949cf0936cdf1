//! One connection's session: commands in, answers out, and everything that reads.

use std::sync::Arc;

use anser_types::{
    ConversationId, DeviceClass, DeviceNo, ErrorCode, InboxSeq, Refusal, Seq, UserNo, limits,
};
use parking_lot::Mutex;
use std::sync::atomic::AtomicU64;

use crate::api::{
    Caller, ChannelPosition, CommandRequest, Ended, Followed, Opened, Query, Reply, Signal, Start,
};
use crate::directory::View;
use crate::fanout::feeds::Feeds;
use crate::fanout::mailbox::Slot;
use crate::fanout::registry::Registry;
use crate::lane::{Lane, Pending};
use crate::messages::decide::decide;
use crate::messages::request::{Actor, Request};
use crate::metrics::{self, Lost};
use crate::rate::Bucket;
use crate::service::Service;
use crate::sync::inbox;
pub use crate::sync::inbox::Page;
use crate::writer::batch::Job;
use crate::writer::publish::Asker;
use crate::writer::queue::Queue;
use crate::{pace, presence, receipts, sync};

/// A session's place in the registry, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    feeds: Arc<Feeds>,
    user: UserNo,
    id: u64,
}

impl Registration {
    pub(crate) fn new(
        (registry, feeds): (Arc<Registry>, Arc<Feeds>),
        user: UserNo,
        device: DeviceNo,
        class: DeviceClass,
        slot: Arc<Slot>,
    ) -> Self {
        let id = registry.register(user, device, class, slot);
        Self { registry, feeds, user, id }
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.unregister(self.user, self.id);
        self.feeds.leave_all(self.id);
    }
}

/// What a session and its readers share.
pub(crate) struct Shared {
    pub(crate) service: Arc<Service>,
    pub(crate) caller: Caller,
    pub(crate) opened: Opened,
    pub(crate) slot: Arc<Slot>,
    /// Its place in the registry.
    pub(crate) place: u64,
    signals: Mutex<Bucket>,
    /// When it was noted last that the device is connected.
    seen_at: AtomicU64,
}

/// One connection's session. Dropping it takes it out of the registry: nothing is delivered to it any more.
pub struct Session {
    reader: Reader,
    lane: Arc<Lane>,
    commands: Bucket,
    _registration: Registration,
}

/// Everything of a session but its commands. Cheap to clone; may be used while a command is being submitted.
#[derive(Clone)]
pub struct Reader(Arc<Shared>);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("caller", self.caller()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("caller", self.caller()).finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(
        service: Arc<Service>,
        caller: Caller,
        opened: Opened,
        slot: Arc<Slot>,
        registration: Registration,
    ) -> Self {
        let settings = service.settings();
        let commands = Bucket::new(settings.commands_per_second, settings.commands_burst);
        let signals = Bucket::new(settings.signals_per_second, settings.signals_per_second);
        let lane = Arc::new(Lane::new(Actor::of(&caller), Arc::downgrade(&service)));
        let shared = Shared {
            service,
            caller,
            opened,
            slot,
            place: registration.id(),
            signals: Mutex::new(signals),
            seen_at: AtomicU64::new(0),
        };
        Self { reader: Reader(Arc::new(shared)), lane, commands, _registration: registration }
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        self.reader.caller()
    }

    /// What Welcome says.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.reader.0.opened
    }

    /// A handle for everything but commands.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Takes in a command. Ends when its rules have run and its append is queued behind those of earlier commands;
    /// the returned [`Pending`] ends with the answer, after the durable commit.
    ///
    /// Consecutive messages share batches; any other command waits here until everything before it is committed.
    /// NOT cancel safe: drop this future only together with the session.
    pub async fn submit(&mut self, request: CommandRequest) -> Pending {
        let command_no = request.command_no;
        if let Err(refusal) = self.admit() {
            return Pending::refused(command_no, refusal);
        }
        let request = Arc::new(Request::of_session(&self.lane.actor, request));
        let service = &self.reader.0.service;
        let alone = !request.may_share_a_batch();
        self.lane.wait_below(if alone { 1 } else { limits::COMMANDS_IN_FLIGHT }).await;
        let mut decided = decide(service, &self.lane.actor, &request, View::Cached).await;
        // A message may be decided while those before it are being written; a "no" may not.
        if decided.as_ref().is_ok_and(|decided| decided.refused) && !self.lane.is_settled() {
            self.lane.wait_below(1).await;
            decided = decide(service, &self.lane.actor, &request, View::Cached).await;
        }
        let decided = match decided {
            Ok(decided) => decided,
            Err(refusal) => return Pending::refused(command_no, refusal),
        };
        let (ticket, pending) = self.lane.enter(request);
        let asker = Asker::lane(Arc::clone(&self.lane), ticket);
        let job = Job { append: decided.append, route: decided.route, asker };
        service.writer().submit(job, Queue::Sessions).await;
        pending
    }

    fn admit(&mut self) -> Result<(), Refusal> {
        let shared = &self.reader.0;
        if let Some(ended) = shared.slot.ended() {
            return Err(ended.into());
        }
        if shared.service.is_draining() {
            return Err(Refusal::new(ErrorCode::Draining).retry_after(2_000));
        }
        let (penalties, device) = (&shared.service.paces().penalties, self.lane.actor.key());
        let limited = |ms| Refusal::new(ErrorCode::RateLimited).retry_after(ms);
        penalties.admits(device).map_err(limited)?;
        self.commands.take().map_err(|wait| limited(penalties.refused(device, wait)))
    }

    /// See [`Reader::query`].
    ///
    /// # Errors
    /// See [`Reader::query`].
    pub async fn query(&self, query: Query) -> Result<Reply, Refusal> {
        self.reader.query(query).await
    }

    /// See [`Reader::read_inbox`].
    ///
    /// # Errors
    /// See [`Reader::read_inbox`].
    pub async fn read_inbox(&self, after: InboxSeq, entries: usize) -> Result<Page, Refusal> {
        self.reader.read_inbox(after, entries).await
    }

    /// See [`Reader::sweep`].
    ///
    /// # Errors
    /// See [`Reader::sweep`].
    pub async fn sweep(&self) -> Result<InboxSeq, Refusal> {
        self.reader.sweep().await
    }

    /// See [`Reader::acked`].
    pub fn acked(&self, up_to: InboxSeq, delivered: &[(ConversationId, Seq)]) {
        self.reader.acked(up_to, delivered);
    }

    /// See [`Reader::signal`].
    pub fn signal(&self, signal: Signal) {
        self.reader.signal(signal);
    }
}

impl Reader {
    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// What Welcome says.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.0.opened
    }

    /// See [`Service::query`].
    ///
    /// # Errors
    /// See [`Service::query`].
    pub async fn query(&self, query: Query) -> Result<Reply, Refusal> {
        self.0.service.query(&self.0.caller, query).await
    }

    /// Follows channels: what is committed there from here on comes by the mailbox. Returns where those end of which the
    /// caller does not have everything yet, and which cannot be followed. A channel that is followed already is compared
    /// again. At most `FOLLOW_PER_FRAME` at once.
    ///
    /// # Errors
    /// What the store says.
    pub async fn follow(&self, positions: &[ChannelPosition]) -> Result<Followed, Refusal> {
        let Shared { service, caller, slot, place, .. } = &*self.0;
        let session = sync::follow::Session { id: *place, caller, slot };
        sync::follow::follow(service, &session, positions).await
    }

    /// A page of one's own inbox: entries after a number, at most `entries` (0: the default).
    ///
    /// # Errors
    /// What the store says.
    pub async fn read_inbox(&self, after: InboxSeq, entries: usize) -> Result<Page, Refusal> {
        let page = inbox::page(&self.0.service, &self.0.caller, after, entries).await?;
        self.0.slot.raise_head(page.bounds.head);
        Ok(page)
    }

    /// Compares the mailbox with the inbox and raises `known_head`, so that not even a lost last hint stays lost.
    /// Call it every `SWEEP_MS`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn sweep(&self) -> Result<InboxSeq, Refusal> {
        let Shared { service, caller, slot, .. } = &*self.0;
        let bounds = service
            .conversations()
            .inbox_bounds(caller.user_no)
            .await
            .map_err(|error| service.store_refusal(&error))?;
        if slot.raise_head(bounds.head) {
            slot.wake();
        }
        presence::watch::note_seen(&self.0, &self.0.seen_at);
        Ok(bounds.head)
    }

    /// The device has stored its inbox up to here. `delivered` names the last message of each conversation among
    /// the entries that were sent to it and are covered by this: their senders hear that they were delivered.
    pub fn acked(&self, up_to: InboxSeq, delivered: &[(ConversationId, Seq)]) {
        if up_to > self.0.slot.known_head() {
            let detail = format!("acknowledged {up_to}, but the log ends before it");
            self.0.slot.end(Ended::because(ErrorCode::LogBehindClient, detail));
            return;
        }
        let after_reset = matches!(self.0.opened.start, Start::Reset { at, .. } if up_to <= at);
        receipts::acked(&self.0, up_to, delivered, after_reset);
    }

    /// The connection is gone: waits until the session may be taken down. When a whole town's connections break in one
    /// moment, their sessions go one after the other, and those who are still there have their turn between any two.
    pub async fn depart(&self) {
        self.0.service.departures().wait().await;
    }

    /// Passes a signal on (typing), or follows users. Too many are dropped and counted, and who is typing also while the
    /// server is busy; of users that are not followed
    /// therefore the client hears.
    pub fn signal(&self, signal: Signal) {
        if let Err(wait) = self.0.signals.lock().take() {
            metrics::signal_dropped(Lost::TooFast);
            if let Signal::Watch { users } = signal {
                let refusal = Refusal::new(ErrorCode::RateLimited).retry_after(pace::as_ms(wait));
                presence::watch::refuse(&self.0, users, refusal);
            }
            return;
        }
        match signal {
            Signal::Watch { users } => presence::watch::watch(&self.0, users),
            Signal::Unwatch { users } => presence::watch::unwatch(&self.0, &users),
            // Who is typing is no matter while messages wait, or a crowd at the door.
            _ if self.0.service.is_busy() => metrics::signal_dropped(Lost::Busy),
            other => receipts::typing(&self.0, other),
        }
    }
}
