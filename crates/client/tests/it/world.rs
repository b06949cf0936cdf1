//! One client, one server, one wire, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_client::{
    AppEvent, Attempt, Config, Core, Endpoint, Input, ListTrust, MessageState, Now, Output,
    TransportKind,
};
use anser_types::{Command, Content, LocalNo, LogEpoch, Seq, Target, UnixMs};
use bytes::Bytes;

use crate::host::{Disk, Heard, text, user};
use crate::server::{AHEAD_MS, START_MS, Server};

#[derive(Debug)]
enum Packet {
    Open(Attempt, Option<Endpoint>),
    ToServer(Attempt, Bytes),
    ToClient(Attempt, Bytes),
    ClientHearsEnd(Attempt),
}

/// What the store does with the next transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    Works,
    /// Every transaction fails: no space.
    Full,
    /// The process dies right before the n-th transaction from now is applied (0: the next one).
    DiesBefore(u64),
    /// The process dies right after it, before the core hears of it.
    DiesAfter(u64),
}

pub struct World {
    pub core: Option<Core>,
    pub disk: Disk,
    pub server: Server,
    pub heard: Heard,
    pub at: Duration,
    pub latency: Duration,
    pub store: StoreMode,
    /// Nothing gets through in either direction, and nobody is told.
    pub half_open: bool,
    /// The router on the way forgets a connection on which nothing went either way for longer, and tells nobody.
    pub nat: Option<Duration>,
    /// When something last went over each connection that the router remembers.
    remembered: BTreeMap<Attempt, Duration>,
    /// New connections are refused.
    pub refuse_connections: bool,
    /// Every connection attempt.
    pub connects: Vec<(Duration, Endpoint)>,
    /// What else might have been tried with the last one.
    pub others: Vec<Endpoint>,
    /// When the core asked for the servers' list.
    pub list_asked_for: Vec<Duration>,
    /// Whose lists the app believes.
    pub list_trust: ListTrust,
    /// The one transport that gets through, where the host tries several.
    pub passes: Option<TransportKind>,
    pub wall_skew_ms: i64,
    /// Cuts what the client gets into pieces of one byte.
    pub crumbs: bool,
    pub seed: u64,
    wire: BTreeMap<(Duration, u64), Packet>,
    sequence: u64,
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            core: None,
            disk: Disk::new(),
            server: Server::new(),
            heard: Heard::default(),
            at: Duration::from_secs(1),
            latency: Duration::from_millis(20),
            store: StoreMode::Works,
            half_open: false,
            nat: None,
            remembered: BTreeMap::new(),
            refuse_connections: false,
            connects: Vec::new(),
            others: Vec::new(),
            list_asked_for: Vec::new(),
            list_trust: ListTrust::First,
            passes: None,
            wall_skew_ms: 0,
            crumbs: false,
            seed: 42,
            wire: BTreeMap::new(),
            sequence: 0,
        };
        world.boot();
        world
    }

    /// A world whose device was online before, at an empty inbox: it is told of everything that comes.
    pub fn returning() -> Self {
        let mut world = Self::new();
        world.disk.device.log_epoch = LogEpoch(world.server.log_epoch);
        world.boot();
        world
    }

    /// A world in which alice is online.
    pub fn online() -> Self {
        let mut world = Self::new();
        world.input(Input::Start);
        world.run(Duration::from_secs(1));
        assert!(world.is_connected());
        world
    }

    /// The process starts: a new core from what was stored.
    pub fn boot(&mut self) {
        let transport = TransportKind::Tcp;
        let endpoint = Endpoint {
            transport,
            host: "127.0.0.1".to_owned(),
            port: 7410,
            network: String::new(),
        };
        let config = Config { list_trust: self.list_trust, ..Config::new(endpoint, self.seed) };
        let mut core = Core::new(config, self.disk.snapshot());
        assert!(core.poll_output().is_none(), "nothing happens before Start");
        self.core = Some(core);
    }

    /// The process dies: what was not stored is gone, connections end.
    pub fn crash(&mut self) {
        self.core = None;
        self.wire.clear();
        self.server.conns.clear();
    }

    /// The process dies and starts again.
    pub fn restart(&mut self) {
        self.crash();
        self.boot();
        self.input(Input::Start);
    }

    pub fn now(&self) -> Now {
        let ms = START_MS + u64::try_from(self.at.as_millis()).unwrap();
        Now { mono: self.at, wall: UnixMs(ms).offset_by(self.wall_skew_ms) }
    }

    pub fn is_connected(&self) -> bool {
        self.core.as_ref().is_some_and(Core::is_connected)
    }

    pub fn input(&mut self, input: Input) {
        let now = self.now();
        if let Some(core) = &mut self.core {
            core.handle_input(input, now);
        }
        self.drain();
    }

    pub fn with<T>(&mut self, act: impl FnOnce(&mut Core, Now) -> T) -> T {
        let now = self.now();
        let result = act(self.core.as_mut().unwrap(), now);
        self.drain();
        result
    }

    pub fn send(&mut self, peer: &str, text: &str) -> LocalNo {
        let command =
            Command::SendMessage { to: Target::User(user(peer)), content: Content::text(text) };
        self.with(|core, now| core.compose(command, now).unwrap())
    }

    pub fn mark_read(&mut self, peer: &str, up_to: u64) -> LocalNo {
        let command = Command::MarkRead { at: Target::User(user(peer)), up_to: Seq(up_to) };
        self.with(|core, now| core.compose(command, now).unwrap())
    }

    fn post(&mut self, packet: Packet) {
        self.sequence += 1;
        self.wire.insert((self.at + self.latency, self.sequence), packet);
    }

    fn drain(&mut self) {
        while let Some(output) = self.core.as_mut().and_then(Core::poll_output) {
            match output {
                Output::Connect { attempt, endpoint, others } => {
                    let passes = |other: &&Endpoint| Some(other.transport) == self.passes;
                    let by = others.iter().find(passes).cloned();
                    self.connects.push((self.at, endpoint));
                    self.others = others;
                    if !self.half_open {
                        self.post(Packet::Open(attempt, by));
                    }
                }
                Output::Transmit { attempt, bytes } => {
                    if self.passes(attempt) {
                        self.post(Packet::ToServer(attempt, bytes));
                    }
                }
                Output::Disconnect { attempt } => {
                    self.server.conns.remove(&attempt);
                }
                Output::Persist { ticket, records } => {
                    let input = match self.store {
                        StoreMode::Works => {
                            self.disk.apply(&records);
                            Input::Persisted { ticket }
                        }
                        StoreMode::Full => Input::PersistFailed { ticket, full: true },
                        StoreMode::DiesBefore(0) => return self.crash(),
                        StoreMode::DiesAfter(0) => {
                            self.disk.apply(&records);
                            return self.crash();
                        }
                        StoreMode::DiesBefore(n) => {
                            self.store = StoreMode::DiesBefore(n - 1);
                            self.disk.apply(&records);
                            Input::Persisted { ticket }
                        }
                        StoreMode::DiesAfter(n) => {
                            self.store = StoreMode::DiesAfter(n - 1);
                            self.disk.apply(&records);
                            Input::Persisted { ticket }
                        }
                    };
                    let now = self.now();
                    self.core.as_mut().unwrap().handle_input(input, now);
                }
                Output::AskEndpointList => self.list_asked_for.push(self.at),
                Output::Event(event) => self.heard.events.push(event),
                Output::QueryDone { result, .. } => self.heard.replies.push(result),
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        if self.half_open {
            return;
        }
        match packet {
            Packet::Open(attempt, _) if self.refuse_connections => {
                self.input(Input::Failed { attempt, detail: "refused".to_owned() });
            }
            Packet::Open(attempt, by) => {
                self.server.open(attempt);
                self.remembered.insert(attempt, self.at);
                self.input(Input::Opened { attempt, by });
            }
            Packet::ToServer(attempt, bytes) => {
                let (answer, ends) = self.server.receive(attempt, &bytes);
                if !answer.is_empty() {
                    self.post(Packet::ToClient(attempt, answer));
                }
                for (attempt, answer) in std::mem::take(&mut self.server.late) {
                    self.sequence += 1;
                    let at = self.at + self.latency + self.server.answers_late;
                    self.wire.insert((at, self.sequence), Packet::ToClient(attempt, answer));
                }
                if ends {
                    self.post(Packet::ClientHearsEnd(attempt));
                }
                self.push();
            }
            Packet::ToClient(attempt, bytes) if self.crumbs => {
                for i in 0..bytes.len() {
                    self.input(Input::Bytes { attempt, bytes: bytes.slice(i..=i) });
                }
            }
            Packet::ToClient(attempt, bytes) => self.input(Input::Bytes { attempt, bytes }),
            Packet::ClientHearsEnd(attempt) => {
                self.input(Input::Closed { attempt, detail: "end of stream".to_owned() });
            }
        }
    }

    /// Sends out what live sessions are to hear.
    pub fn push(&mut self) {
        for (attempt, bytes) in self.server.pushes() {
            if self.passes(attempt) {
                self.post(Packet::ToClient(attempt, bytes));
            }
        }
    }

    /// Whether the network carries something of this connection now.
    fn passes(&mut self, attempt: Attempt) -> bool {
        if let Some(forgets_after) = self.nat {
            let at = self.at;
            self.remembered.retain(|_, last| at - *last <= forgets_after);
            let Some(last) = self.remembered.get_mut(&attempt) else { return false };
            *last = at;
        }
        !self.half_open
    }

    /// Tells live sessions where the channels they follow end.
    pub fn sweep(&mut self) {
        for (attempt, bytes) in self.server.sweep() {
            self.post(Packet::ToClient(attempt, bytes));
        }
    }

    /// The connection breaks, and both sides hear of it.
    pub fn cut(&mut self) {
        self.wire.clear();
        let attempts: Vec<_> = self.server.conns.keys().copied().collect();
        self.server.conns.clear();
        for attempt in attempts {
            self.input(Input::Closed { attempt, detail: "reset".to_owned() });
        }
    }

    /// Lets this much time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.at + span;
        loop {
            let packet = self.wire.first_key_value().map(|((at, _), _)| *at);
            let timer = self.core.as_ref().and_then(Core::next_timer).map(|at| at.max(self.at));
            let next = packet.into_iter().chain(timer).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.set_time(next);
            if packet == Some(next) {
                let (_, packet) = self.wire.pop_first().unwrap();
                self.deliver(packet);
            } else {
                self.input(Input::Timer);
                let again = self.core.as_ref().and_then(Core::next_timer);
                assert!(again.is_none_or(|at| at > self.at), "a timer that was served stays due");
            }
        }
        self.set_time(end);
    }

    fn set_time(&mut self, at: Duration) {
        self.at = at;
        self.server.now_ms = START_MS + AHEAD_MS + u64::try_from(at.as_millis()).unwrap();
    }

    pub fn secs(&mut self, n: u64) {
        self.run(Duration::from_secs(n));
    }

    /// Runs until this holds; panics after a virtual hour.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..360_000 {
            if holds(self) {
                return;
            }
            self.run(Duration::from_millis(10));
        }
        panic!("{what} never came; heard {:#?}", self.heard.events);
    }

    /// The states one's own message went through.
    pub fn states(&self, local_no: LocalNo) -> Vec<MessageState> {
        let states = self.heard.events.iter().filter_map(|event| match event {
            AppEvent::MessageStateChanged { id, state, .. } if id.local_no == local_no => {
                Some(state.clone())
            }
            _ => None,
        });
        states.collect()
    }

    pub fn is_sent(&self, local_no: LocalNo) -> bool {
        matches!(self.states(local_no).last(), Some(MessageState::Sent { .. }))
    }

    /// The texts of new messages the app heard of, in order.
    pub fn new_texts(&self) -> Vec<String> {
        let messages = self.heard.events.iter().filter_map(|event| match event {
            AppEvent::NewMessage { message, .. } => Some(text(message)),
            _ => None,
        });
        messages.collect()
    }
}
