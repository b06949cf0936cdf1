//! A host for the core: it carries out every output, keeps what must be stored, and judges what leaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_client::{
    Attempt, Config, Core, DeviceState, Endpoint, Identity, Input, Now, OutboxItem, Output, Record,
    Snapshot, Ticket, TransportKind,
};
use anser_proto::codec::FrameDecoder;
use anser_proto::session::server::{Request, ServerSession};
use anser_proto::v1;
use anser_types::{Command, DeviceClass, DeviceNo, LocalNo, UnixMs, UserId};
use bytes::{Bytes, BytesMut};

/// Outputs after one input; a core that gives more turns in a circle.
const OUTPUTS: usize = 10_000;

/// The server's end of the current connection: only to judge what the client says.
struct Wire {
    attempt: Attempt,
    opened: bool,
    welcomed: bool,
    session: ServerSession,
    decoder: FrameDecoder,
}

/// What a host has stored.
struct Disk {
    identity: Identity,
    device: DeviceState,
    outbox: BTreeMap<LocalNo, OutboxItem>,
}

/// The machine around one core.
pub struct Host {
    core: Core,
    disk: Disk,
    now: Duration,
    wire: Option<Wire>,
    ticket: Option<(Ticket, Arc<Vec<Record>>)>,
    last_command: u64,
    boots: u64,
}

fn config(seed: u64) -> Config {
    let endpoint = |host: &str, transport| Endpoint {
        transport,
        host: host.to_owned(),
        port: 7410,
        network: String::new(),
    };
    let mut config = Config::new(endpoint("one", TransportKind::Tcp), seed);
    config.endpoints.push(endpoint("two", TransportKind::Wss));
    config
}

impl Host {
    pub fn new() -> Self {
        let identity = Identity {
            user: UserId::new("alice").expect("a user id"),
            device: DeviceNo(1),
            class: DeviceClass::Desktop,
            token: "token".to_owned(),
        };
        let core = Core::new(config(0), Snapshot::new(identity.clone()));
        let disk = Disk { identity, device: DeviceState::default(), outbox: BTreeMap::new() };
        let now = Duration::from_secs(1);
        Self { core, disk, now, wire: None, ticket: None, last_command: 0, boots: 0 }
    }

    fn now(&self) -> Now {
        let wall = 1_800_000_000_000 + u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX);
        Now { mono: self.now, wall: UnixMs(wall) }
    }

    pub const fn last_command(&self) -> u64 {
        self.last_command
    }

    pub fn with(&mut self, act: impl FnOnce(&mut Core, Now)) {
        let now = self.now();
        act(&mut self.core, now);
        self.carry_out();
    }

    pub fn input(&mut self, input: Input) {
        self.with(|core, now| core.handle_input(input, now));
    }

    pub fn compose(&mut self, command: Command) {
        self.with(|core, now| {
            let _refused = core.compose(command, now);
        });
    }

    pub fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    /// The moment of the next timer.
    pub fn timer(&mut self) {
        if let Some(due) = self.core.next_timer() {
            self.now = self.now.max(due);
            self.input(Input::Timer);
        }
    }

    pub fn opened(&mut self) {
        if let Some(wire) = self.wire.as_mut().filter(|wire| !wire.opened) {
            wire.opened = true;
            let attempt = wire.attempt;
            self.input(Input::Opened { attempt, by: None });
        }
    }

    pub fn failed(&mut self) {
        if self.wire.as_ref().is_some_and(|wire| !wire.opened) {
            self.end(|attempt, detail| Input::Failed { attempt, detail });
        }
    }

    pub fn closed(&mut self) {
        if self.wire.as_ref().is_some_and(|wire| wire.opened) {
            self.end(|attempt, detail| Input::Closed { attempt, detail });
        }
    }

    fn end(&mut self, input: impl FnOnce(Attempt, String) -> Input) {
        if let Some(wire) = self.wire.take() {
            self.input(input(wire.attempt, String::new()));
        }
    }

    pub fn bytes(&mut self, bytes: Bytes) {
        if let Some(wire) = self.wire.as_ref().filter(|wire| wire.opened) {
            let attempt = wire.attempt;
            self.input(Input::Bytes { attempt, bytes });
        }
    }

    /// A whole frame of the server, which may be the Welcome that opens the session.
    pub fn frame(&mut self, frame: &v1::ServerFrame) {
        let mut out = BytesMut::new();
        anser_proto::codec::encode_frame(frame, &mut out);
        if let (Some(wire), Some(v1::server_frame::Frame::Welcome(welcome))) =
            (self.wire.as_mut().filter(|wire| wire.opened), &frame.frame)
            && wire.session.version() > 0
            && !wire.welcomed
        {
            wire.session.welcome(welcome.clone(), &mut BytesMut::new());
            wire.welcomed = true;
        }
        self.bytes(out.freeze());
    }

    pub fn persisted(&mut self) {
        let Some((ticket, records)) = self.ticket.take() else { return };
        for record in records.iter() {
            self.store(record);
        }
        self.input(Input::Persisted { ticket });
    }

    pub fn persist_failed(&mut self, full: bool) {
        if let Some((ticket, _)) = self.ticket.take() {
            self.input(Input::PersistFailed { ticket, full });
        }
    }

    /// The process dies; another one goes on with what was stored.
    pub fn crash(&mut self) {
        self.boots += 1;
        (self.wire, self.ticket) = (None, None);
        let mut snapshot = Snapshot::new(self.disk.identity.clone());
        snapshot.device = self.disk.device.clone();
        snapshot.outbox = self.disk.outbox.values().cloned().collect();
        self.core = Core::new(config(self.boots), snapshot);
        self.carry_out();
    }

    fn store(&mut self, record: &Record) {
        match record {
            Record::OutboxPut(item) => {
                self.disk.outbox.insert(item.id.local_no, item.clone());
            }
            Record::OutboxState { local_no, state } => {
                if let Some(item) = self.disk.outbox.get_mut(local_no) {
                    item.state = state.clone();
                }
            }
            Record::OutboxDeleteWanted { local_no } => {
                if let Some(item) = self.disk.outbox.get_mut(local_no) {
                    item.delete_wanted = true;
                }
            }
            Record::OutboxSettled { local_no, .. } => {
                self.disk.outbox.remove(local_no);
            }
            Record::DeviceState(device) => {
                let before = &self.disk.device;
                assert!(device.answered_up_to <= device.highest_used, "answers follow numbers");
                assert!(device.last_local_no >= before.last_local_no, "identities only grow");
                self.disk.device = device.clone();
            }
            Record::IdentityTaken(identity) => self.disk.identity = identity.clone(),
            _ => {}
        }
    }

    fn carry_out(&mut self) {
        for _ in 0..OUTPUTS {
            let Some(output) = self.core.poll_output() else { return };
            match output {
                Output::Connect { attempt, .. } => {
                    assert!(self.wire.is_none(), "one connection at a time");
                    let session = ServerSession::new();
                    let decoder = FrameDecoder::new(session.frame_limit());
                    let (opened, welcomed) = (false, false);
                    self.wire = Some(Wire { attempt, opened, welcomed, session, decoder });
                }
                Output::Transmit { attempt, bytes } => self.transmitted(attempt, &bytes),
                Output::Disconnect { attempt } => {
                    // One that has ended may be given up as well.
                    self.wire.take_if(|wire| wire.attempt == attempt);
                }
                Output::Persist { ticket, records } => {
                    assert!(self.ticket.is_none(), "one ticket at a time");
                    self.ticket = Some((ticket, records));
                }
                Output::Event(_) | Output::QueryDone { .. } | Output::AskEndpointList => {}
            }
        }
        panic!("more than {OUTPUTS} outputs after one input");
    }

    fn transmitted(&mut self, attempt: Attempt, bytes: &[u8]) {
        let wire = self.wire.as_mut().expect("a connection to transmit on");
        assert!(wire.attempt == attempt && wire.opened, "only on the current, open connection");
        wire.decoder.set_max(wire.session.frame_limit());
        wire.decoder.push(bytes);
        while let Some(frame) = wire.decoder.next().expect("whole frames within the limit") {
            match wire.session.receive(&frame).expect("nothing that a server refuses") {
                Request::Command(received) => {
                    let no = received.command.command_no;
                    assert!(no <= self.disk.device.highest_used.0, "a number is durable first");
                    self.last_command = no;
                }
                Request::Ack(ack) => {
                    assert!(ack.inbox_seq <= self.disk.device.cursor.0, "an ack follows the store");
                }
                _ => {}
            }
        }
        assert_eq!(wire.decoder.pending_bytes(), 0, "whole frames");
    }
}
