//! The loop: whatever happens goes into the core as an input, whatever the core wants is carried out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anser_client::core::Core;
use anser_client::io::{AppEvent, Attempt, Identity, Input, Now, Output, Ticket};
use anser_client::records::Record;
use anser_types::limits::REQUEST_DEADLINE_MS;
use anser_types::{Clock, Command, ErrorCode, MessageId, Refusal, UnixMs};
use bytes::Bytes;
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::completions::{Completions, answer};
use super::connection::{Connection, ConnectionEvent};
use super::credentials::Need;
use super::drafts::{self, Drafts};
use super::forgetting::Forgetting;
use super::gateways::GatewayLists;
use super::naming::Naming;
use super::requests::{Composed, Request};
use super::tell::{Told, tell};
use super::waits::{Work, room, until, work_of};
use crate::client::ConnectionState;
use crate::error::Error;
use crate::events::{Event, EventQueue};
use crate::http::SignedIn;
use crate::store::{Applied, ArrivalNo, Forgotten, KeptDraft, Store, StoreError};
use crate::transports::Dialer;

/// Events of connections waiting for the driver; a full queue makes the reader wait, and so the server.
const CONNECTION_EVENTS: usize = 32;
/// Pause before a confirmation that could not be stored is tried again.
const CONFIRM_RETRY: Duration = Duration::from_secs(1);

/// How long a message waits for the store to take it, and how long the store may fail before nothing more is taken.
const STORE_PATIENCE: Duration = Duration::from_millis(REQUEST_DEADLINE_MS);

/// One transaction under way.
struct Persisting {
    ticket: Ticket,
    confirm: Option<ArrivalNo>,
    work: Work<Result<Applied, StoreError>>,
}

/// A confirmation under way that no transaction took along.
struct Confirming {
    up_to: ArrivalNo,
    work: Work<Result<Applied, StoreError>>,
}

/// What a driver is made of.
pub(crate) struct DriverParts {
    pub(crate) core: Core,
    pub(crate) store: Store,
    pub(crate) dialer: Dialer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Arc<EventQueue>,
    pub(crate) state: watch::Sender<ConnectionState>,
    /// A session is open and everything its Welcome named as missed is stored.
    pub(crate) synced: watch::Sender<bool>,
    pub(crate) requests: mpsc::Receiver<Request>,
    /// To the task that gets new tokens and devices; it decides what the app hears when it cannot.
    pub(crate) needs: mpsc::Sender<Need>,
    pub(crate) gateways: GatewayLists,
    /// Drafts that an earlier run kept and did not send.
    pub(crate) kept_drafts: Vec<KeptDraft>,
    /// When the first stored message's time is over.
    pub(crate) next_expiry: Option<UnixMs>,
    /// Credentials had just now for a store that held another device or token.
    pub(crate) take: Option<SignedIn>,
}

/// The task that runs the core.
pub(crate) struct Driver {
    parts: DriverParts,
    started: Instant,
    connection: Option<Connection>,
    /// The last connection that was given up, saying goodbye.
    leaving: Option<JoinHandle<()>>,
    connection_events: mpsc::Receiver<(Attempt, ConnectionEvent)>,
    connection_events_from: mpsc::Sender<(Attempt, ConnectionEvent)>,
    /// What the connection's queue had no room for.
    backlog: VecDeque<Bytes>,
    persisting: Option<Persisting>,
    confirming: Option<Confirming>,
    completions: Completions,
    drafts: Drafts,
    forgetting: Forgetting,
    /// Something missed is being read.
    syncing: bool,
    /// An alteration whose message is looked up.
    naming: Option<Naming>,
    /// Those who wait until everything of all channels is here.
    levels: Vec<oneshot::Sender<()>>,
    /// Why the last attempt failed; the core keeps only the text.
    failure: Option<Refusal>,
    /// Since when the store takes nothing, and what it said last.
    store_fails: Option<(Instant, Refusal)>,
}

/// What woke the driver.
enum Wake {
    Request(Option<Request>),
    Connection(Attempt, ConnectionEvent),
    Persisted(Result<Applied, StoreError>),
    Confirmed(Result<Applied, StoreError>),
    ConfirmationWanted,
    RoomToSend,
    Timer,
    /// A message has waited long enough to be stored.
    Overdue,
    /// A draft has waited long enough for a newer one.
    DraftsDue,
    /// A message's time may be over.
    SomethingOver,
    Forgotten(Result<Forgotten, StoreError>),
    Named(Option<MessageId>),
}

impl Driver {
    pub(crate) fn new(parts: DriverParts) -> Self {
        let (connection_events_from, connection_events) = mpsc::channel(CONNECTION_EVENTS);
        Self {
            forgetting: Forgetting::from(parts.next_expiry),
            parts,
            started: Instant::now(),
            connection: None,
            leaving: None,
            connection_events,
            connection_events_from,
            backlog: VecDeque::new(),
            persisting: None,
            confirming: None,
            completions: Completions::default(),
            drafts: Drafts::default(),
            syncing: false,
            naming: None,
            levels: Vec::new(),
            failure: None,
            store_fails: None,
        }
    }

    /// Runs until the client is closed or all its handles are dropped.
    pub(crate) async fn run(mut self) {
        if let Some(signed_in) = self.parts.take.take() {
            let now = self.now();
            self.use_credentials(&signed_in, now);
            self.carry_out();
        }
        self.input(Input::Start);
        let kept = std::mem::take(&mut self.parts.kept_drafts);
        self.send_drafts(kept);
        let closing = loop {
            self.start_confirming();
            match self.next_wake().await {
                Wake::Request(Some(Request::Close { reply })) => break Some(reply),
                Wake::Request(None) => break None,
                Wake::Request(Some(request)) => self.handle_request(request),
                Wake::Connection(attempt, event) => self.connection_event(attempt, event),
                Wake::Persisted(result) => self.persisted(result),
                Wake::Confirmed(result) => self.confirmed(result),
                Wake::ConfirmationWanted => {}
                Wake::RoomToSend => self.send_backlog(),
                Wake::Timer => self.input(Input::Timer),
                Wake::Overdue => self.take_back_what_is_overdue(),
                Wake::SomethingOver => {
                    let now = self.certain_now();
                    self.forgetting.begin(&self.parts.store, now);
                }
                Wake::Forgotten(result) => self.forgotten(result),
                Wake::Named(name) => self.named(name),
                Wake::DraftsDue => {
                    let due = self.drafts.due(Instant::now());
                    self.send_drafts(due);
                }
            }
        };
        self.shut_down().await;
        if let Some(reply) = closing {
            answer(reply, ());
        }
    }

    async fn next_wake(&mut self) -> Wake {
        let timer = self.parts.core.next_timer().map(|at| self.started + at);
        let outgoing = self
            .connection
            .as_ref()
            .filter(|_| !self.backlog.is_empty())
            .map(|connection| connection.outgoing.clone());
        let over = self.forgetting.due(self.certain_now());
        tokio::select! {
            biased;
            result = work_of(self.persisting.as_mut().map(|p| &mut p.work)) => Wake::Persisted(result),
            result = work_of(self.confirming.as_mut().map(|c| &mut c.work)) => Wake::Confirmed(result),
            Some((attempt, event)) = self.connection_events.recv() => Wake::Connection(attempt, event),
            name = work_of(self.naming.as_mut().map(|naming| &mut naming.work)) => Wake::Named(name),
            request = self.parts.requests.recv(), if self.naming.is_none() => Wake::Request(request),
            () = room(outgoing) => Wake::RoomToSend,
            () = self.parts.queue.confirmed(), if self.confirming.is_none() => Wake::ConfirmationWanted,
            () = until(self.completions.next_deadline()) => Wake::Overdue,
            result = work_of(self.forgetting.work.as_mut()) => Wake::Forgotten(result),
            () = until(over) => Wake::SomethingOver,
            () = until(self.drafts.next_due()) => Wake::DraftsDue,
            () = until(timer) => Wake::Timer,
        }
    }

    fn now(&self) -> Now {
        Now { mono: self.started.elapsed(), wall: self.parts.clock.now() }
    }

    /// The server's time, as far as it is known.
    fn server_now(&self) -> UnixMs {
        let now = self.now();
        self.parts.core.server_time(now).unwrap_or(now.wall)
    }

    /// The same, or earlier: what must be forgotten is not forgotten before its time.
    fn certain_now(&self) -> UnixMs {
        let now = self.now();
        self.parts.core.server_time_at_least(now).unwrap_or(now.wall)
    }

    fn forgotten(&mut self, result: Result<Forgotten, StoreError>) {
        let Some(forgotten) = self.forgetting.done(result) else { return };
        for of in forgotten.messages.chunk_by(|one, other| one.0 == other.0) {
            let (conversation, seqs) = (of[0].0, of.iter().map(|(_, seq)| *seq).collect());
            self.parts.queue.push(Event::MessagesExpired { conversation, seqs });
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        self.parts.core.handle_input(input, now);
        self.carry_out();
    }

    /// Carries out everything the core wants. Belongs after every call of the core.
    fn carry_out(&mut self) {
        while let Some(output) = self.parts.core.poll_output() {
            match output {
                Output::Connect { attempt, endpoint, others } => {
                    self.connection = Some(Connection::start(
                        attempt,
                        endpoint,
                        others,
                        self.parts.dialer.clone(),
                        self.connection_events_from.clone(),
                    ));
                    self.backlog.clear();
                }
                Output::Transmit { attempt, bytes } => {
                    if self.connection.as_ref().is_some_and(|open| open.attempt == attempt) {
                        self.backlog.push_back(bytes);
                        self.send_backlog();
                    }
                }
                Output::Disconnect { attempt } => {
                    if let Some(given_up) = self.connection.take_if(|open| open.attempt == attempt)
                    {
                        self.backlog.clear();
                        self.leaving = Some(given_up.leave());
                    }
                }
                Output::Persist { ticket, records } => self.persist(ticket, records),
                Output::AskEndpointList => self.parts.gateways.ask(),
                Output::Event(event) => self.tell(event),
                Output::QueryDone { query_no, result } => {
                    self.completions.answered(query_no, result);
                }
            }
        }
        if !self.levels.is_empty() && self.parts.core.channels_are_level() {
            self.levels.drain(..).for_each(|reply| answer(reply, ()));
        }
        // After all outputs: a session that has to sync says so right after it said that it is open.
        let synced = !self.syncing && *self.parts.state.borrow() == ConnectionState::Connected;
        self.parts.synced.send_if_modified(|known| std::mem::replace(known, synced) != synced);
    }

    fn send_backlog(&mut self) {
        let Some(connection) = &self.connection else { return };
        while let Some(bytes) = self.backlog.pop_front() {
            match connection.outgoing.try_send(bytes) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(bytes)) => {
                    self.backlog.push_front(bytes);
                    return;
                }
                // The connection has ended; it says so itself.
                Err(mpsc::error::TrySendError::Closed(_)) => self.backlog.clear(),
            }
        }
    }

    fn connection_event(&mut self, attempt: Attempt, event: ConnectionEvent) {
        let input = match event {
            ConnectionEvent::Opened(by) => Input::Opened { attempt, by },
            ConnectionEvent::Bytes(bytes) => Input::Bytes { attempt, bytes },
            ConnectionEvent::Failed(refusal) => {
                let detail = refusal.to_string();
                self.failure = Some(refusal);
                Input::Failed { attempt, detail }
            }
            ConnectionEvent::Closed(detail) => Input::Closed { attempt, detail },
        };
        self.input(input);
        self.failure = None;
    }

    fn persist(&mut self, ticket: Ticket, records: Arc<Vec<Record>>) {
        let with_message = self.completions.persisting(ticket, &records);
        let confirm = with_message.max(self.parts.queue.confirmation());
        let store = self.parts.store.clone();
        let work: Work<_> = Box::pin(async move { store.apply(records, confirm).await });
        self.persisting = Some(Persisting { ticket, confirm, work });
    }

    fn persisted(&mut self, result: Result<Applied, StoreError>) {
        let Some(Persisting { ticket, confirm, .. }) = self.persisting.take() else { return };
        match result {
            Ok(applied) => {
                if let Some(up_to) = confirm {
                    self.parts.queue.confirmation_stored(up_to);
                }
                self.parts.queue.raise(applied.newest_arrival);
                self.forgetting.heard(applied.next_expiry);
                self.store_fails = None;
                self.completions.persisted();
                self.input(Input::Persisted { ticket });
            }
            Err(error) => {
                tracing::error!(%error, "the local store failed; it is tried again");
                self.completions.persist_failed();
                let full = matches!(error, StoreError::Full(_));
                let since = self.store_fails.take().map_or_else(Instant::now, |(since, _)| since);
                self.store_fails = Some((since, Refusal::from(error)));
                self.input(Input::PersistFailed { ticket, full });
            }
        }
    }

    /// A message that the store did not take in time goes, and its caller is told why: nothing of it has left this
    /// device, because a command is transmitted only once it is stored.
    fn take_back_what_is_overdue(&mut self) {
        let (tokio_now, now) = (Instant::now(), self.now());
        for local_no in self.completions.overdue(tokio_now) {
            self.parts.core.delete(local_no, now);
            let why = match &self.store_fails {
                Some((_, said)) => said.clone(),
                None => Refusal::because(ErrorCode::StoreFailed, "the local store is too slow"),
            };
            self.completions.taken_back(local_no, why);
        }
        self.carry_out();
    }

    /// Puts drafts into the outbox. One that it does not take waits once more.
    fn send_drafts(&mut self, drafts: Vec<KeptDraft>) {
        for draft in drafts {
            let (tokio_now, now) = (Instant::now(), self.now());
            let refused = self.takes_nothing().is_some()
                || self.parts.core.compose(drafts::command_of(&draft), now).is_err();
            if refused {
                self.drafts.saved(draft, tokio_now);
            }
        }
        self.carry_out();
    }

    /// Why nothing may be composed: the store has failed for so long that it would only pile up in memory.
    fn takes_nothing(&self) -> Option<Refusal> {
        let (since, said) = self.store_fails.as_ref()?;
        (since.elapsed() >= STORE_PATIENCE).then(|| said.clone())
    }

    fn start_confirming(&mut self) {
        if self.persisting.is_some() || self.confirming.is_some() {
            return;
        }
        let Some(up_to) = self.parts.queue.confirmation() else { return };
        let store = self.parts.store.clone();
        let work: Work<_> = Box::pin(async move {
            let result = store.apply(Arc::default(), Some(up_to)).await;
            if result.is_err() {
                tokio::time::sleep(CONFIRM_RETRY).await;
            }
            result
        });
        self.confirming = Some(Confirming { up_to, work });
    }

    fn confirmed(&mut self, result: Result<Applied, StoreError>) {
        let Some(Confirming { up_to, .. }) = self.confirming.take() else { return };
        match result {
            Ok(_) => self.parts.queue.confirmation_stored(up_to),
            Err(error) => {
                tracing::warn!(%error, "the app's confirmation is not stored yet; it is tried again");
            }
        }
    }

    fn tell(&mut self, mut event: AppEvent) {
        if let AppEvent::CommandDone { local_no, outcome } = &event {
            self.completions.executed(*local_no, outcome);
        }
        match &event {
            AppEvent::Connected { .. } | AppEvent::SyncFinished => self.syncing = false,
            AppEvent::SyncStarted { .. } => self.syncing = true,
            _ => {}
        }
        let need = match &event {
            AppEvent::TokenExpired { reason } => Some(Need::Token(reason.clone())),
            AppEvent::StoreWasRestored => Some(Need::Device),
            _ => None,
        };
        let failure = self.failure.take();
        if let (AppEvent::Disconnected { reason, .. }, Some(failure)) = (&mut event, failure) {
            *reason = failure;
        }
        let Told { event, state, settled } = tell(event);
        if let Some(state) = state {
            self.parts.state.send_replace(state);
        }
        if let Some((id, how)) = settled {
            self.completions.settled(id.local_no, &how);
        }
        match need {
            Some(need) => {
                if self.parts.needs.try_send(need).is_err() {
                    // A full queue means that the same need is being dealt with.
                    tracing::debug!("new credentials are being had already");
                }
            }
            None => event.into_iter().for_each(|event| self.parts.queue.push(event)),
        }
    }

    fn compose(&mut self, command: Command, confirm: Option<ArrivalNo>, reply: Composed) {
        let (deadline, now) = (Instant::now() + STORE_PATIENCE, self.now());
        let taken = match self.takes_nothing() {
            Some(why) => Err(why),
            None => self.parts.core.compose(command, now),
        };
        match taken {
            Ok(local_no) => self.completions.composed(local_no, confirm, deadline, reply),
            Err(refusal) => refuse(reply, refusal),
        }
    }

    /// An alteration knows its message now.
    fn named(&mut self, name: Option<MessageId>) {
        if let Some(naming) = self.naming.take() {
            let (command, confirm, reply) = naming.named(name);
            self.compose(command, confirm, reply);
            self.carry_out();
        }
    }

    fn handle_request(&mut self, request: Request) {
        let now = self.now();
        match request {
            Request::Compose { command, confirm, reply } => {
                let me = &self.parts.core.identity().user;
                match Naming::place(me, &command) {
                    Some(place) => {
                        let store = self.parts.store.clone();
                        self.naming = Some(Naming::begin(store, place, command, confirm, reply));
                    }
                    None => self.compose(command, confirm, reply),
                }
            }
            Request::Query { query, reply } => {
                let query_no = self.parts.core.query(query, now);
                self.completions.asked(query_no, reply);
            }
            Request::Watch { local_no, ready, reply } => {
                self.completions.watch(local_no, reply);
                answer(ready, ());
            }
            Request::Retry { id, reply } => {
                answer(reply, self.parts.core.retry(id.local_no, now));
            }
            Request::Delete { id, reply } => {
                let done = self.parts.core.delete(id.local_no, now);
                if done {
                    self.completions.deleted(id.local_no);
                }
                answer(reply, done);
            }
            Request::DraftSaved(draft) => self.drafts.saved(draft, Instant::now()),
            Request::Left { conversation, reply } => {
                let left = self.drafts.left(conversation);
                self.send_drafts(left.into_iter().collect());
                answer(reply, ());
            }
            Request::Follow { users, reply } => {
                answer(reply, self.parts.core.follow(&users, now));
            }
            Request::Unfollow { users } => self.parts.core.unfollow(&users, now),
            Request::Level { reply } => {
                self.levels.retain(|waiting| !waiting.is_closed());
                self.levels.push(reply);
                self.parts.core.compare_channels(now);
            }
            Request::ServerTime { reply } => answer(reply, self.server_now()),
            Request::Typing { target, stopped } => self.parts.core.typing(&target, stopped, now),
            Request::NetworkChanged { network } => {
                self.parts.dialer.network_changed();
                self.parts.core.handle_input(Input::NetworkChanged { network }, now);
            }
            Request::EndpointList(signed) => {
                self.parts.core.handle_input(Input::EndpointList(signed), now);
            }
            Request::ScreenOn => self.parts.core.handle_input(Input::ScreenOn, now),
            Request::Foreground(foreground) => {
                self.parts.core.handle_input(Input::Foreground(foreground), now);
            }
            Request::Online { reply } => {
                self.input(Input::Start);
                answer(reply, ());
            }
            Request::Offline { reply } => {
                self.input(Input::Stop);
                self.parts.state.send_replace(ConnectionState::Offline);
                answer(reply, ());
            }
            Request::UseCredentials { signed_in, reply } => {
                self.use_credentials(&signed_in, now);
                answer(reply, ());
            }
            // The loop ends before a Close gets here.
            Request::Close { reply } => answer(reply, ()),
        }
        self.carry_out();
    }

    fn use_credentials(&mut self, signed_in: &SignedIn, now: Now) {
        let token = signed_in.token.expose_secret().to_owned();
        let me = self.parts.core.identity();
        if me.device == signed_in.device {
            self.parts.core.renew_token(token, now);
        } else {
            let identity = Identity { device: signed_in.device, token, ..me.clone() };
            self.parts.core.take_device(identity, now);
            self.parts.queue.push(Event::DeviceTaken);
        }
    }

    /// Says goodbye, finishes what the store was given, and closes it.
    async fn shut_down(&mut self) {
        self.parts.requests.close();
        // Into the outbox: another device may be the next that looks at them.
        let left = self.drafts.all();
        self.send_drafts(left);
        self.input(Input::Stop);
        while let Some(persisting) = &mut self.persisting {
            let result = (&mut persisting.work).await;
            self.persisted(result);
        }
        if let Some(confirming) = self.confirming.take() {
            let result = confirming.work.await;
            drop(result);
        }
        if let Some(up_to) = self.parts.queue.confirmation()
            && let Err(error) = self.parts.store.apply(Arc::default(), Some(up_to)).await
        {
            tracing::warn!(%error, "the last confirmation is not stored: some events will come again");
        }
        // A program may end right after this, and nobody would say goodbye for it.
        if let Some(leaving) = self.leaving.take()
            && let Err(error) = leaving.await
        {
            tracing::debug!(%error, "the connection ended without a goodbye");
        }
        self.parts.store.close().await;
        self.parts.queue.close();
        self.parts.state.send_replace(ConnectionState::Offline);
    }
}

fn refuse(reply: Composed, refusal: Refusal) {
    match reply {
        Composed::Stored(reply) => answer(reply, Err(Error::Refused(refusal))),
        Composed::Executed(reply) => answer(reply, Err(Error::Refused(refusal))),
        Composed::Taken(reply) => answer(reply, Err(Error::Refused(refusal))),
    }
}
