//! The link: from nothing over Connect, Hello and Welcome to a session, and what its end means.

use std::time::Duration;

use anser_proto::close::{CloseReason, advice_of, code_of};
use anser_proto::codec::FrameDecoder;
use anser_proto::compression::SUPPORTED;
use anser_proto::session::client::{ClientSession, Incoming};
use anser_proto::v1;
use anser_types::{CommandNo, ErrorCode, InboxSeq, LogEpoch, Refusal, UnixMs};
use bytes::{Bytes, BytesMut};

use crate::core::Core;
use crate::heartbeat::{Beat, Heartbeat};
use crate::io::{AppEvent, Attempt, Endpoint, Now, Output, REBUILD_ABOVE, TransportKind};
use crate::records::Record;
use crate::translate;

/// How long a transport may take to open, and a server to answer Hello.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// Commands in flight if the server does not say.
const IN_FLIGHT: u32 = 64;

/// Why the core is offline and stays so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Off {
    /// The user wants it so, or did not start yet.
    #[default]
    Stopped,
    /// A new token is needed.
    SignIn,
    /// Another session took over, or the server never wants to see this client again.
    Kicked,
    /// The store is an old copy; a new device is needed.
    Restored,
}

/// The bytes of one connection as a session.
#[derive(Debug)]
pub(crate) struct Wire {
    decoder: FrameDecoder,
    session: ClientSession,
}

/// The way to the server.
#[derive(Debug)]
pub(crate) enum Link {
    /// Offline until somebody acts.
    Off(Off),
    /// The next attempt comes by itself.
    Waiting { until: Duration },
    /// The host opens a transport.
    Connecting {
        attempt: Attempt,
        endpoint: Endpoint,
        /// What the host may try beside it.
        others: Vec<Endpoint>,
        deadline: Duration,
    },
    /// Hello was said.
    Greeting {
        attempt: Attempt,
        endpoint: Endpoint,
        wire: Box<Wire>,
        said: Duration,
        deadline: Duration,
    },
    /// In session.
    Up(Box<Up>),
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) attempt: Attempt,
    pub(crate) endpoint: Endpoint,
    pub(crate) wire: Wire,
    pub(crate) since: Duration,
    pub(crate) beat: Heartbeat,
    pub(crate) in_flight_max: usize,
}

impl Default for Link {
    fn default() -> Self {
        Self::Off(Off::Stopped)
    }
}

impl Link {
    /// The attempt that is current.
    pub(crate) fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Off(_) | Self::Waiting { .. } => None,
            Self::Connecting { attempt, .. } | Self::Greeting { attempt, .. } => Some(*attempt),
            Self::Up(up) => Some(up.attempt),
        }
    }

    /// Whether a session is open.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self, Self::Up(_))
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Off(_) | Self::Waiting { .. } => None,
            Self::Connecting { endpoint, .. } | Self::Greeting { endpoint, .. } => Some(endpoint),
            Self::Up(up) => Some(&up.endpoint),
        }
    }
}

/// What follows the end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Try again by level, not before the time the server gave.
    Retry(Option<Duration>),
    /// Stay offline.
    Stay(Off),
}

impl Core {
    /// The user wants to be online.
    pub(crate) fn start(&mut self, now: Now) {
        if let Link::Off(Off::Stopped | Off::Kicked) = self.link {
            self.reconnect.reset();
            self.connect(now);
        }
    }

    /// The user wants to be offline.
    pub(crate) fn stop(&mut self) {
        if matches!(self.link, Link::Off(_)) {
            return;
        }
        if let Link::Up(up) = &mut self.link {
            up.wire.session.close(&mut self.out);
            let (attempt, bytes) = (up.attempt, self.out.split().freeze());
            self.outputs.push_back(Output::Transmit { attempt, bytes });
        }
        self.release_link();
        self.link = Link::Off(Off::Stopped);
        let reason = Refusal::because(ErrorCode::Unreachable, "offline by choice");
        self.tell(AppEvent::Disconnected { retry_in: None, reason });
    }

    /// A token or device was given: go on if that is what was waited for.
    pub(crate) fn signed_in_again(&mut self, now: Now) {
        if let Link::Off(Off::SignIn | Off::Restored) = self.link {
            self.reconnect.reset();
            self.connect(now);
        }
    }

    /// The network is another one: what is open may be dead, what waits need not wait.
    pub(crate) fn network_changed(&mut self, network: String, now: Now) {
        let moved = self.networks.changed(network);
        self.reconnect.reset();
        match &self.link {
            Link::Off(_) => {}
            // A connection that is bound to the address is dead, and a check would only wait for answers that cannot come.
            Link::Up(up) if !moved || up.endpoint.transport.moves() => {
                self.say_background(now);
                self.check_link(now);
            }
            Link::Waiting { .. } => self.connect(now),
            Link::Up(_) | Link::Connecting { .. } | Link::Greeting { .. } => {
                self.release_link();
                self.connect(now);
            }
        }
    }

    /// The app came to the foreground or left it.
    pub(crate) fn foreground(&mut self, foreground: bool, now: Now) {
        self.background = !foreground;
        self.say_background(now);
        if foreground {
            self.somebody_looks(now);
        }
    }

    /// Somebody looks at the device: what is open may be dead, what waits need not wait.
    pub(crate) fn somebody_looks(&mut self, now: Now) {
        match &self.link {
            Link::Up(_) => self.check_link(now),
            Link::Waiting { .. } => {
                self.reconnect.reset();
                self.connect(now);
            }
            _ => {}
        }
    }

    /// Tells the server whether the app is in the background and how long it may be silent there, and beats accordingly.
    fn say_background(&mut self, now: Now) {
        let background = self.background;
        let foreground =
            v1::Foreground { background, silence_ms: self.networks.longest_silence_ms() };
        self.say(now, |session, out| session.foreground(foreground, out));
        self.pace_beats();
    }

    fn pace_beats(&mut self) {
        if let Link::Up(up) = &mut self.link {
            // Over UDP a router that forgot lets the next beat through and swallows what is pushed before it: what beats
            // find out there is not what pushes suffer (RFC 9000, section 10.1.2, asks for every 30 seconds).
            if self.background && up.endpoint.transport != TransportKind::Quic {
                up.beat.enter_background();
            } else {
                up.beat.leave_background();
            }
        }
    }

    fn connect(&mut self, now: Now) {
        let Some(endpoint) =
            self.endpoints.choose(self.networks.current(), now.mono, &mut self.rng)
        else {
            self.link = Link::Off(Off::Stopped);
            let reason = Refusal::because(ErrorCode::Unreachable, "no address is known");
            return self.tell(AppEvent::Disconnected { retry_in: None, reason });
        };
        self.last_attempt = Attempt(self.last_attempt.0 + 1);
        let (attempt, deadline) = (self.last_attempt, now.mono + OPEN_WITHIN);
        self.tell(AppEvent::Connecting);
        let others = self.endpoints.others_of(&endpoint);
        self.outputs.push_back(Output::Connect {
            attempt,
            endpoint: endpoint.clone(),
            others: others.clone(),
        });
        self.link = Link::Connecting { attempt, endpoint, others, deadline };
    }

    /// The transport is ready: say Hello.
    pub(crate) fn opened(&mut self, attempt: Attempt, by: Option<Endpoint>, now: Now) {
        let endpoint = match &self.link {
            Link::Connecting { attempt: current, endpoint, others, .. } if *current == attempt => {
                by.filter(|by| others.contains(by)).unwrap_or_else(|| endpoint.clone())
            }
            _ => return,
        };
        let methods = if self.config.compression { SUPPORTED } else { &[] };
        let mut session = ClientSession::compressing(methods);
        let stored = self.store.confirmed();
        // While a rebuild is unfinished there is no cursor. The void one must not be said again: a log that was behind
        // it may have grown past it since.
        let (log_epoch, cursor) = match stored.rebuild {
            Some(_) => (LogEpoch::ZERO, InboxSeq::ZERO),
            None => (stored.log_epoch, stored.cursor),
        };
        let follow = if stored.rebuild.is_some() {
            // Positions of channels are as void.
            self.channels.all_unsaid();
            Vec::new()
        } else {
            let named = self.channels.of_hello().into_iter();
            named.map(|(id, at)| translate::channel_position(id, at)).collect()
        };
        let hello = v1::Hello {
            token: self.me.token.clone(),
            device_no: self.me.device.0,
            device_class: u32::from(self.me.class.code()),
            log_epoch: log_epoch.0,
            inbox_cursor: cursor.0,
            background: self.background,
            silence_ms: self.networks.longest_silence_ms(),
            network: self.networks.current().to_owned(),
            endpoint_list_version: self.known_list.version(),
            client: self.config.client.clone(),
            want: self.config.page_entries,
            rebuild_above: if self.config.on_demand { REBUILD_ABOVE } else { 0 },
            follow,
            ..v1::Hello::default()
        };
        session.hello(hello, &mut self.out);
        let decoder = FrameDecoder::new(session.frame_limit());
        let wire = Box::new(Wire { decoder, session });
        let deadline = now.mono + OPEN_WITHIN;
        self.link = Link::Greeting { attempt, endpoint, wire, said: now.mono, deadline };
    }

    /// The transport has ended, or never opened.
    pub(crate) fn transport_ended(&mut self, attempt: Attempt, detail: String, now: Now) {
        if self.link.attempt() == Some(attempt) {
            let reason = Refusal::because(ErrorCode::Unreachable, detail);
            self.link_failed(reason, now);
        }
    }

    /// Bytes came: every whole frame in them is handled, as long as the session lasts.
    pub(crate) fn bytes_came(&mut self, attempt: Attempt, bytes: &Bytes, now: Now) {
        if self.link.attempt() != Some(attempt) {
            return;
        }
        if let Some(wire) = self.wire() {
            wire.decoder.push(bytes);
        }
        if let Link::Up(up) = &mut self.link
            && up.beat.note_heard(now.mono)
        {
            self.networks.held(&mut self.store);
        }
        while self.link.attempt() == Some(attempt) {
            match self.next_incoming() {
                Ok(Some(incoming)) => self.handle_incoming(incoming, now),
                Ok(None) => break,
                Err(broken) => self.broken(broken, now),
            }
        }
    }

    fn wire(&mut self) -> Option<&mut Wire> {
        match &mut self.link {
            Link::Greeting { wire, .. } => Some(wire),
            Link::Up(up) => Some(&mut up.wire),
            _ => None,
        }
    }

    fn next_incoming(&mut self) -> Result<Option<Incoming>, CloseReason> {
        let Some(wire) = self.wire() else { return Ok(None) };
        match wire.decoder.next()? {
            Some(frame) => wire.session.receive(&frame).map(Some),
            None => Ok(None),
        }
    }

    fn handle_incoming(&mut self, incoming: Incoming, now: Now) {
        match incoming {
            Incoming::Welcome(welcome) => self.welcomed(&welcome, now),
            Incoming::CommandAck(ack) => self.answered(ack, now),
            Incoming::EventBatch(batch) => self.batch_came(batch),
            Incoming::ChannelBatch(events) => self.channel_batch_came(events),
            Incoming::ChannelHeads(heads) => self.channel_heads_came(&heads),
            Incoming::EndpointList(signed) => self.endpoint_list_came(&signed),
            Incoming::AckOk(_) | Incoming::Ignored => {}
            Incoming::Pong(pong) => self.pong_came(pong, now),
            Incoming::Signal(signal) => self.signal_came(signal, now),
            Incoming::Reply(reply) => self.reply_came(reply, now),
            Incoming::Close(close) => self.closed_by_server(&close, now),
            Incoming::SyncReset(reset) => self.sync_reset(reset, now),
        }
    }

    fn welcomed(&mut self, welcome: &v1::Welcome, now: Now) {
        let Link::Greeting { attempt, endpoint, mut wire, said, .. } =
            std::mem::take(&mut self.link)
        else {
            return;
        };
        let limits = welcome.limits.unwrap_or_default();
        let server_time = UnixMs(welcome.server_time_unix_ms);
        self.clock.note_welcome(said, now.mono, server_time);
        self.endpoints.set_stale(self.known_list.is_stale(server_time));
        wire.decoder.set_max(wire.session.frame_limit());
        let in_flight =
            if limits.commands_in_flight == 0 { IN_FLIGHT } else { limits.commands_in_flight };
        let up = Up {
            attempt,
            endpoint: endpoint.clone(),
            wire: *wire,
            since: now.mono,
            beat: Heartbeat::new(now.mono, limits.heartbeat_ms),
            in_flight_max: usize::try_from(in_flight.min(IN_FLIGHT)).unwrap_or(1),
        };
        self.link = Link::Up(Box::new(up));
        self.networks.connected(now.mono, &mut self.store);
        self.networks.limit(Duration::from_millis(limits.heartbeat_max_ms.into()));
        self.pace_beats();
        if welcome.user != self.me.user.as_str() {
            let reason = Refusal::because(ErrorCode::TokenInvalid, "the token is another user's");
            return self.end_link(reason, Then::Stay(Off::SignIn), now);
        }
        if self.endpoints.succeeded(&endpoint, self.networks.current()) {
            let network = self.networks.current().to_owned();
            self.store.put(Record::EndpointRemembered { network, endpoint });
        }
        self.tell(AppEvent::Connected { user: self.me.user.clone() });
        if self.settle_numbers(CommandNo(welcome.last_command_no)) {
            self.begin_sync(InboxSeq(welcome.inbox_head), LogEpoch(welcome.log_epoch), now);
            self.ask_receipts(now);
            self.follow_again(now);
        } else {
            self.store_was_restored(now);
        }
    }

    fn closed_by_server(&mut self, close: &v1::Close, now: Now) {
        let code = code_of(close).unwrap_or(ErrorCode::Unsupported);
        let reason = Refusal::because(code, close.detail.clone());
        let advice = advice_of(close);
        let after = (advice.retry_after_ms > 0)
            .then(|| Duration::from_millis(advice.retry_after_ms.into()));
        let then = match advice.reconnect {
            v1::Reconnect::SignIn => Then::Stay(Off::SignIn),
            v1::Reconnect::Never => Then::Stay(Off::Kicked),
            v1::Reconnect::Now | v1::Reconnect::After => Then::Retry(after),
            v1::Reconnect::Elsewhere => {
                if let Some(here) = self.link.endpoint().cloned() {
                    self.endpoints.failed(&here, now.mono);
                    self.endpoints.set_alternatives(&close.alternatives, &here);
                }
                Then::Retry(after)
            }
        };
        self.end_link(reason, then, now);
    }

    fn broken(&mut self, broken: CloseReason, now: Now) {
        let advice = broken.advice();
        let then = match advice.reconnect {
            // It would be the same again until one of the two is another program.
            v1::Reconnect::Never => Then::Stay(Off::Kicked),
            _ => Then::Retry(Some(Duration::from_millis(advice.retry_after_ms.into()))),
        };
        let reason = Refusal::because(broken.code, broken.detail);
        self.end_link(reason, then, now);
    }

    /// The link died or did not come up: the address is tried later, another one sooner.
    pub(crate) fn link_failed(&mut self, reason: Refusal, now: Now) {
        let others = match &self.link {
            Link::Connecting { others, .. } => others.as_slice(),
            _ => &[],
        };
        for tried in self.link.endpoint().into_iter().chain(others) {
            self.endpoints.failed(tried, now.mono);
        }
        self.ask_for_endpoints(now);
        if let Link::Up(up) = &self.link
            && up.beat.is_probing()
        {
            self.networks.lost(now.mono);
        }
        self.end_link(reason, Then::Retry(None), now);
    }

    /// Ends the link and says what comes next.
    pub(crate) fn end_link(&mut self, reason: Refusal, then: Then, now: Now) {
        if let Link::Up(up) = &self.link {
            self.reconnect.session_ended(now.mono.saturating_sub(up.since));
        }
        self.release_link();
        match then {
            Then::Retry(after) => {
                let delay = self.reconnect.delay(&mut self.rng, after);
                self.link = Link::Waiting { until: now.mono + delay };
                self.tell(AppEvent::Disconnected { retry_in: Some(delay), reason });
            }
            Then::Stay(off) => {
                self.link = Link::Off(off);
                let disconnected =
                    AppEvent::Disconnected { retry_in: None, reason: reason.clone() };
                self.tell(disconnected);
                self.tell(match off {
                    Off::SignIn => AppEvent::TokenExpired { reason },
                    Off::Restored => AppEvent::StoreWasRestored,
                    Off::Kicked | Off::Stopped => AppEvent::KickedOffline { reason },
                });
            }
        }
    }

    /// Gives the current attempt up, if there is one, and everything that hung on it.
    fn release_link(&mut self) {
        if let Some(attempt) = self.link.attempt() {
            self.outputs.push_back(Output::Disconnect { attempt });
        }
        self.link = Link::default();
        self.out.clear();
        self.outbox.link_lost();
        self.inbox.link_lost();
        self.asks.link_lost();
        self.follows.link_lost();
    }

    /// Says something in session; nothing happens without one.
    pub(crate) fn say(
        &mut self,
        now: Now,
        write: impl FnOnce(&ClientSession, &mut BytesMut),
    ) -> bool {
        let Link::Up(up) = &mut self.link else { return false };
        write(&up.wire.session, &mut self.out);
        up.beat.note_sent(now.mono);
        true
    }

    /// Beats at once, unless a beat is unanswered already.
    pub(crate) fn check_link(&mut self, now: Now) {
        if let Link::Up(up) = &self.link
            && !up.beat.is_checking()
        {
            self.beat(now);
        }
    }

    fn beat(&mut self, now: Now) {
        let (head, rtt) = (self.inbox.received, self.clock.rtt());
        if let Link::Up(up) = &mut self.link {
            up.wire.session.ping(Some(head).filter(|head| *head > InboxSeq::ZERO), &mut self.out);
            up.beat.note_ping(now.mono, rtt, self.networks.search());
        }
    }

    fn pong_came(&mut self, pong: v1::Pong, now: Now) {
        if let Link::Up(up) = &mut self.link
            && let Some(rtt) = up.beat.note_pong(now.mono)
        {
            self.clock.note_rtt(rtt);
        }
        self.heard_of(InboxSeq(pong.inbox_head));
        self.link_is_alive(now);
    }

    /// When the link itself needs attention.
    pub(crate) fn link_timer(&self) -> Option<Duration> {
        match &self.link {
            Link::Off(_) => None,
            Link::Waiting { until } => Some(*until),
            Link::Connecting { deadline, .. } | Link::Greeting { deadline, .. } => Some(*deadline),
            Link::Up(up) => Some(up.beat.next(self.networks.search())),
        }
    }

    /// Time has passed.
    pub(crate) fn timer(&mut self, now: Now) {
        match &self.link {
            Link::Waiting { until } if *until <= now.mono => self.connect(now),
            Link::Connecting { deadline, .. } | Link::Greeting { deadline, .. }
                if *deadline <= now.mono =>
            {
                let reason = Refusal::because(ErrorCode::Unreachable, "no answer in time");
                self.link_failed(reason, now);
            }
            Link::Up(up) => match up.beat.due(now.mono, self.networks.search()) {
                Beat::Rest => {}
                Beat::Ping => self.beat(now),
                Beat::Dead => self.link_failed(Refusal::new(ErrorCode::Silent), now),
            },
            _ => {}
        }
        if self.store.resume(now.mono) {
            self.want_missing_entries(now);
        }
        self.outbox_time_passed(now);
        self.inbox_time_passed(now);
        self.asks_time_passed(now);
        self.presence_time_passed(now);
    }
}
