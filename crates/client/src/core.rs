//! The core and its driving contract.
//!
//! # The contract
//! **After every call that takes `&mut self`: call [`Core::poll_output`] until it returns `None` and carry out each
//! output in that order; then read [`Core::next_timer`] and arrange for [`Input::Timer`] at that moment (or earlier, or
//! never if it is `None`). Answer every `Connect` with `Opened` or `Failed`, every `Persist` with `Persisted` or
//! `PersistFailed`, when it is true and not before. [`Now::mono`] never goes back. After a crash, load a
//! [`Snapshot`] from what was stored and go on: nothing else is needed.**
//!
//! What the core promises in return:
//! - an `Ack`, an event for the app and a command's first byte leave only after `Persisted` of their records;
//! - there is at most one unanswered ticket, and memory is bounded whatever the server sends or the store does;
//! - nothing the user composed is lost or executed twice, whenever a connection, the server or this process ends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anser_types::limits::{CONTENT_MAX_BYTES, FRAME_MAX_BYTES};
use anser_types::{Command, ConversationId, ErrorCode, LocalNo, Refusal, Target, UnixMs};
use bytes::BytesMut;

use crate::asks::Asks;
use crate::channels::Channels;
use crate::clock::ServerClock;
use crate::endpoint_list::KnownList;
use crate::endpoints::Endpoints;
use crate::io::{
    AppEvent, Attempt, Config, Endpoint, Identity, Input, MessageState, Now, Output, Ticket,
};
use crate::marks::Mark;
use crate::networks::Networks;
use crate::outbox::{OUTBOX_MAX, Outbox};
use crate::presence::Follows;
use crate::reconnect::Reconnect;
use crate::records::{DeviceState, OutboxItem, OutboxState, Record, Settled, Snapshot};
use crate::rng::Rng;
use crate::session::Link;
use crate::store::{Store, Then};
use crate::sync::Inbox;
use crate::translate::{self, DirectIds};

/// Room that a frame needs beside a command's body.
const FRAME_HEAD_BYTES: usize = 64;

/// One device of one user. See the module's head for how to drive it.
#[derive(Debug)]
pub struct Core {
    pub(crate) config: Config,
    pub(crate) me: Identity,
    pub(crate) background: bool,
    pub(crate) rng: Rng,
    pub(crate) networks: Networks,
    pub(crate) link: Link,
    pub(crate) last_attempt: Attempt,
    pub(crate) reconnect: Reconnect,
    pub(crate) endpoints: Endpoints,
    pub(crate) known_list: KnownList,
    pub(crate) clock: ServerClock,
    pub(crate) store: Store,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    pub(crate) marks: BTreeMap<ConversationId, Mark>,
    pub(crate) channels: Channels,
    pub(crate) direct: DirectIds,
    pub(crate) asks: Asks,
    pub(crate) follows: Follows,
    pub(crate) outputs: VecDeque<Output>,
    /// Frames for the current attempt that were not handed out yet.
    pub(crate) out: BytesMut,
}

impl Core {
    /// A core that goes on where the snapshot stands. It is offline until [`Input::Start`].
    #[must_use]
    pub fn new(mut config: Config, snapshot: Snapshot) -> Self {
        let Snapshot {
            identity,
            device,
            outbox,
            conversations,
            unknown,
            endpoints,
            endpoint_list,
            networks,
        } = snapshot;
        let known_list = KnownList::new(config.list_trust, endpoint_list.as_ref());
        let mut endpoints = Endpoints::new(std::mem::take(&mut config.endpoints), endpoints);
        if let Some(list) = known_list.list() {
            endpoints.set_listed(&list.gateways, identity.user.as_str());
        }
        let mut core = Self {
            background: config.background,
            rng: Rng::new(config.seed),
            networks: Networks::new(&config.network, networks),
            link: Link::default(),
            last_attempt: Attempt::default(),
            reconnect: Reconnect::default(),
            endpoints,
            known_list,
            clock: ServerClock::default(),
            outbox: Outbox::load(outbox, device.highest_used, device.last_local_no),
            inbox: Inbox::new(&device),
            store: Store::new(device),
            channels: Channels::load(&conversations),
            marks: conversations.into_iter().map(|mark| (mark.conversation, mark.into())).collect(),
            direct: DirectIds::default(),
            asks: Asks::default(),
            follows: Follows::default(),
            outputs: VecDeque::new(),
            out: BytesMut::new(),
            me: identity,
            config,
        };
        core.read_again(unknown);
        core
    }

    /// Takes in what happened outside.
    pub fn handle_input(&mut self, input: Input, now: Now) {
        match input {
            Input::Start => self.start(now),
            Input::Stop => self.stop(),
            Input::Opened { attempt, by } => self.opened(attempt, by, now),
            Input::Failed { attempt, detail } | Input::Closed { attempt, detail } => {
                self.transport_ended(attempt, detail, now);
            }
            Input::Bytes { attempt, bytes } => self.bytes_came(attempt, &bytes, now),
            Input::Timer => self.timer(now),
            Input::Persisted { ticket } => self.persisted(ticket, now),
            Input::PersistFailed { ticket, full } => self.persist_failed(ticket, full, now),
            Input::NetworkChanged { network } => self.network_changed(network, now),
            Input::Foreground(foreground) => self.foreground(foreground, now),
            Input::ScreenOn => self.somebody_looks(now),
            Input::EndpointList(signed) => self.endpoint_list_came(&signed),
        }
        self.settle_down(now);
    }

    /// The next thing to do, or `None` if nothing is to be done now.
    #[must_use = "every output must be carried out, in order"]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front().or_else(|| {
            let attempt = self.link.attempt()?;
            let bytes = (!self.out.is_empty()).then(|| self.out.split().freeze())?;
            Some(Output::Transmit { attempt, bytes })
        })
    }

    /// When [`Input::Timer`] is due, on [`Now::mono`]. A moment in the past means at once.
    #[must_use]
    pub fn next_timer(&self) -> Option<Duration> {
        [
            self.link_timer(),
            self.outbox_timer(),
            self.inbox.next_timer(),
            self.asks.next_timer(self.link.is_up()),
            self.store.retry_at(),
            self.follows.next_timer(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Puts a command into the outbox: it is executed exactly once, in order, as soon as there is a connection. Stored
    /// by the next ticket.
    ///
    /// # Errors
    /// `CONTENT_TOO_LARGE`, `INVALID_ARGUMENT` or `UNSUPPORTED`: no server could execute it. `OVERLOADED`: the outbox
    /// is full.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a command is handed over; it lives on as its bytes"
    )]
    pub fn compose(&mut self, command: Command, now: Now) -> Result<LocalNo, Refusal> {
        if self.outbox.entries.len() >= OUTBOX_MAX {
            return Err(Refusal::because(ErrorCode::Overloaded, "too many unsent commands"));
        }
        let local_no = self.outbox.last_local_no.next();
        let sent_at = self.clock.server_time(now.mono).unwrap_or(now.wall);
        let body = translate::body_of_command(local_no, sent_at, &command)?;
        let conversation = match &command {
            Command::SendMessage { to, content } => {
                if content.body.len() > CONTENT_MAX_BYTES {
                    return Err(Refusal::new(ErrorCode::ContentTooLarge));
                }
                Some(self.conversation_of(to))
            }
            _ => None,
        };
        if body.len() + FRAME_HEAD_BYTES > FRAME_MAX_BYTES {
            return Err(Refusal::new(ErrorCode::FrameTooLarge));
        }
        if let Command::MarkRead { at, up_to } = &command {
            self.supersede_mark_read(at, *up_to);
        }
        self.outbox.last_local_no = local_no;
        let id = anser_types::MessageId { device: self.me.device, local_no };
        let state = OutboxState::Queued;
        let item = OutboxItem { id, conversation, sent_at, body, state, delete_wanted: false };
        self.outbox.insert(item, false);
        if let Some(conversation) = conversation {
            let state = MessageState::Queued;
            let event = AppEvent::MessageStateChanged { id, conversation, state };
            self.store.after(Then::Tell(event));
        }
        self.settle_down(now);
        Ok(local_no)
    }

    /// Sends a failed message again, under the same identity. `false` if it is not a failed one.
    pub fn retry(&mut self, local_no: LocalNo, now: Now) -> bool {
        let done = self.retry_failed(local_no);
        self.settle_down(now);
        done
    }

    /// Deletes a message that is not settled. One that may have arrived goes when that is known: if it arrived, it is
    /// hidden here. `false` if there is no such message in the outbox.
    pub fn delete(&mut self, local_no: LocalNo, now: Now) -> bool {
        let done = self.delete_unsettled(local_no);
        self.settle_down(now);
        done
    }

    /// Uses this token from now on, and goes on if the old one was refused.
    pub fn renew_token(&mut self, token: String, now: Now) {
        self.me.token = token;
        self.store.put(Record::IdentityTaken(self.me.clone()));
        self.signed_in_again(now);
        self.settle_down(now);
    }

    /// Replaces the addresses that the program came with.
    pub fn set_endpoints(&mut self, endpoints: Vec<Endpoint>) {
        self.endpoints.set_built_in(endpoints);
    }

    /// The server's time by the best of the last exchanges; `None` before the first session of this run.
    #[must_use]
    pub fn server_time(&self, now: Now) -> Option<UnixMs> {
        self.clock.server_time(now.mono)
    }

    /// What the server's time is at the least: what must be forgotten is forgotten by this, never before its time. It may
    /// be behind by as long as a Welcome was on its way. `None` before the first session of this run.
    #[must_use]
    pub fn server_time_at_least(&self, now: Now) -> Option<UnixMs> {
        self.clock.at_least(now.mono)
    }

    /// Whether a session is open.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// Commands that are not settled.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.outbox.entries.len()
    }

    /// Who this is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.me
    }

    pub(crate) fn conversation_of(&mut self, target: &Target) -> ConversationId {
        match target {
            Target::User(peer) => self.direct.of(&self.me.user, peer),
            Target::Conversation(id) => *id,
        }
    }

    pub(crate) fn tell(&mut self, event: AppEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// The last step of every call: what became possible is done, what is to be stored leaves.
    pub(crate) fn settle_down(&mut self, now: Now) {
        self.settle_restored(now);
        self.give_numbers();
        self.transmit_due(now);
        self.pull_if_wanted(now);
        self.follow_channels(now);
        self.read_channels(now);
        self.ask_unsent(now);
        self.flush();
    }

    fn flush(&mut self) {
        if self.store.is_free() {
            self.channels.put_positions(&mut self.store);
        }
        let (inbox, outbox) = (&self.inbox, &self.outbox);
        let state = || DeviceState {
            cursor: inbox.received,
            log_epoch: inbox.log_epoch,
            answered_up_to: outbox.answered_up_to(),
            highest_used: outbox.highest_used,
            last_local_no: outbox.last_local_no,
            rebuild: inbox.rebuild.clone(),
            settle_until: inbox.settle_until,
            settle_by_history: inbox.settle_by_history,
        };
        let output = self.store.flush(state);
        self.outputs.extend(output);
    }

    fn persisted(&mut self, ticket: Ticket, now: Now) {
        let Some(then) = self.store.persisted(ticket) else { return };
        for then in then {
            match then {
                Then::Tell(event) => self.tell(event),
                Then::Number(local_no, numbering) => self.number_is_durable(local_no, numbering),
                Then::ChannelStored(done) => self.channels.are_stored(&done),
            }
        }
        self.progress_is_durable(now);
    }

    fn persist_failed(&mut self, ticket: Ticket, full: bool, now: Now) {
        let Some(retry_in) = self.store.failed(ticket, now.mono) else { return };
        self.forget_unstored_entries();
        self.tell(AppEvent::StoreFailing { full, retry_in });
    }

    /// An unsent read position of the same conversation that a new one covers is not worth sending.
    fn supersede_mark_read(&mut self, at: &Target, up_to: anser_types::Seq) {
        let covered: Vec<LocalNo> = self
            .outbox
            .queue
            .iter()
            .filter(|local_no| {
                let entry = self.outbox.entries.get(local_no);
                let command = entry.filter(|e| !e.is_message()).and_then(|e| e.item.command());
                matches!(command, Some(Command::MarkRead { at: there, up_to: old }) if there == *at && old <= up_to)
            })
            .copied()
            .collect();
        for local_no in covered {
            self.leave_outbox(local_no, Settled::Superseded);
        }
    }
}
