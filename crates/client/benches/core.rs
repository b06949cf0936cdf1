//! What the core costs per message, without a network and without a disk: `cargo bench -p anser-client`.
//!
//! - send: composed, numbered, stored, transmitted, answered, stored again;
//! - receive: pushed, stored, told, acknowledged.
//!
//! One message at a time, as in a chat; the store answers at once. The server's frames are encoded beforehand.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock; the core does not")]

use std::time::{Duration, Instant};

use anser_client::{
    Attempt, Config, Core, Endpoint, Identity, Input, Now, Output, Snapshot, TransportKind,
};
use anser_proto::session::server::{ServerSession, encode_event};
use anser_proto::{time, v1};
use anser_types::{Command, Content, DeviceClass, DeviceNo, InboxSeq, Target, UnixMs, UserId};
use bytes::{Bytes, BytesMut};

/// Messages of one round.
const MESSAGES: u64 = 20_000;
/// Rounds; the median is reported.
const ROUNDS: usize = 7;
const TEXT: &str = "A message of ordinary length, as people write them to each other all day.";
const WALL: UnixMs = UnixMs(1_795_169_730_250);

/// A core in session, and what it has done.
struct Client {
    core: Core,
    now: Now,
    attempt: Attempt,
    transmitted: u64,
}

impl Client {
    /// Signed in at an empty inbox. Also gives the server's half of the session, for its frames.
    fn online() -> (Self, ServerSession) {
        let endpoint = Endpoint {
            transport: TransportKind::Tcp,
            host: "127.0.0.1".to_owned(),
            port: 7410,
            network: String::new(),
        };
        let identity = Identity {
            user: UserId::new("alice").unwrap(),
            device: DeviceNo(1),
            class: DeviceClass::Desktop,
            token: "token".to_owned(),
        };
        let core = Core::new(Config::new(endpoint, 1), Snapshot::new(identity));
        let now = Now { mono: Duration::from_secs(1), wall: WALL };
        let mut client = Self { core, now, attempt: Attempt::default(), transmitted: 0 };
        client.input(Input::Start);
        client.input(Input::Opened { attempt: client.attempt, by: None });
        let (server, welcome) = welcome();
        client.hear(welcome);
        assert!(client.core.is_connected());
        (client, server)
    }

    fn input(&mut self, input: Input) {
        self.core.handle_input(input, self.now);
        self.serve();
    }

    fn hear(&mut self, bytes: Bytes) {
        self.input(Input::Bytes { attempt: self.attempt, bytes });
    }

    /// A host whose store is as fast as a store can be.
    fn serve(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Connect { attempt, .. } => self.attempt = attempt,
                Output::Transmit { bytes, .. } => self.transmitted += bytes.len() as u64,
                Output::Persist { ticket, .. } => {
                    self.core.handle_input(Input::Persisted { ticket }, self.now);
                }
                Output::Disconnect { .. } => panic!("the session ended"),
                Output::Event(_) | Output::QueryDone { .. } | Output::AskEndpointList => {}
            }
        }
    }
}

/// The server's half after Welcome, and the Welcome.
fn welcome() -> (ServerSession, Bytes) {
    let mut hello = BytesMut::new();
    anser_proto::session::client::ClientSession::new().hello(v1::Hello::default(), &mut hello);
    let mut server = ServerSession::new();
    server.receive(&hello.split_off(1).freeze()).unwrap();
    let welcome = v1::Welcome {
        server_time_unix_ms: WALL.0,
        user: "alice".to_owned(),
        log_epoch: 1,
        ..v1::Welcome::default()
    };
    let mut out = BytesMut::new();
    server.welcome(welcome, &mut out);
    (server, out.freeze())
}

/// Microseconds of one message sent.
fn send() -> f64 {
    let (mut client, server) = Client::online();
    let answers: Vec<Bytes> = (1..=MESSAGES)
        .map(|n| {
            let ack =
                v1::CommandAck { command_no: n, seq: n, inbox_seq: n, ..v1::CommandAck::default() };
            let mut out = BytesMut::new();
            server.command_ack(&ack, &mut out);
            out.freeze()
        })
        .collect();
    let to = Target::User(UserId::new("bob").unwrap());
    let start = Instant::now();
    for answer in answers {
        let command = Command::SendMessage { to: to.clone(), content: Content::text(TEXT) };
        client.core.compose(command, client.now).unwrap();
        client.serve();
        client.hear(answer);
    }
    let spent = start.elapsed();
    assert!(client.core.unsettled() == 0 && client.transmitted > MESSAGES * TEXT.len() as u64);
    per_message(spent)
}

/// Microseconds of one message received.
fn receive() -> f64 {
    let (mut client, server) = Client::online();
    let pushes: Vec<(Bytes, Bytes)> = (1..=MESSAGES)
        .map(|n| {
            let message = v1::Message {
                peer: "bob".to_owned(),
                seq: n,
                server_time_ms: time::to_wire(WALL),
                sent_before_ms: 38,
                device_no: 2,
                local_no: n,
                content: Bytes::from_static(TEXT.as_bytes()),
                ..v1::Message::default()
            };
            let event = encode_event(&v1::Event { event: Some(v1::event::Event::Direct(message)) });
            let (mut push, mut ok) = (BytesMut::new(), BytesMut::new());
            server.event_batch(InboxSeq(n), std::iter::once(&event), None, &mut push);
            server.ack_ok(InboxSeq(n), &mut ok);
            (push.freeze(), ok.freeze())
        })
        .collect();
    let before = client.transmitted;
    let start = Instant::now();
    for (push, ok) in pushes {
        client.hear(push);
        client.hear(ok);
    }
    let spent = start.elapsed();
    assert!(client.transmitted - before >= MESSAGES * 4, "each was acknowledged");
    per_message(spent)
}

fn per_message(spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e6 / MESSAGES as f64
}

fn median(round: fn() -> f64) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    println!("core, one message at a time, {MESSAGES} messages, median of {ROUNDS} rounds");
    println!("send     {:6.2} µs per message", median(send));
    println!("receive  {:6.2} µs per message", median(receive));
}
