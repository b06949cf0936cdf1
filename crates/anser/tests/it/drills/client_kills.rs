//! A client of the SDK, a process of its own, dies at named points of its store and its connection and at every step of
//! the six packets; it goes on with what was stored. Nothing it composed or received is lost or doubled.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anser_sdk::Client;
use anser_sim::checker::Journal;
use rand::RngExt;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use super::client_process::{MESSAGES, Other, end_of};
use super::length;
use super::proxy::Proxy;
use super::steps::{Step, steps};
use super::strace::{Injection, under_strace};
use super::weather::Packet;
use crate::people::{Board, PATIENCE, Person, judge_journals, sign_up};
use crate::program::{Home, Server};

/// Where a client dies: what it cuts, the system calls, and which call of a thread from and to.
const POINTS: &[(&str, &str, u32, u32)] = &[
    ("its store is opened", "openat", 40, 70),
    ("a page of its store is read", "pread64", 2, 12),
    ("it connects", "connect", 1, 1),
    ("a message is written to the outbox", "pwrite64", 3, 30),
    ("the outbox is synced", "fdatasync,fsync", 2, 12),
    ("a packet is sent (msg:R, ack:R)", "sendto,writev,sendmsg", 2, 12),
    ("a packet is read (msg:A, msg:N, ack:A)", "recvfrom", 3, 14),
    ("a thread is told", "futex", 5, 25),
    ("a sleeping thread is woken", "write", 8, 30),
];

/// How many packets of a kind one run of the process surely meets: the trap is for one of those.
const fn surely_met(packet: Packet) -> usize {
    match packet {
        Packet::MessageRequest | Packet::MessageAck => 8,
        // These come as long as the person talks to it.
        Packet::MessageNotify | Packet::AckRequest | Packet::AckAck => 4,
        // The person's client may acknowledge everything at once.
        Packet::AckNotify | Packet::Other => 1,
    }
}

/// A process that is killed again and again, the person it talks to, and a proxy between the process and the server.
struct Drill {
    home: Home,
    server: Server,
    board: Board,
    proxy: Proxy,
    other: Other,
    person: Person,
    random: SmallRng,
    kills: usize,
}

impl Drill {
    async fn begin(mut random: SmallRng) -> Self {
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let proxy = Proxy::start(server.address("tcp"), &mut random).await;
        let mut signed_in = sign_up(&server, 2).await;
        let (process, person) = (signed_in.pop().unwrap(), signed_in.pop().unwrap());
        let other = Other {
            endpoint: proxy.endpoint(),
            store: home.path().join("process"),
            journal: home.path().join("journal"),
            to: person.user.clone(),
            compose: 0,
            receive: 0,
            stays: false,
        };
        let head = Journal::new(process.user.clone(), process.device).head_line() + "\n";
        std::fs::write(&other.journal, head).unwrap();
        let to = process.user.clone();
        // Its device is made here; the process resumes it.
        let first = Client::builder()
            .endpoint(other.endpoint.parse().unwrap())
            .store_directory(&other.store)
            .login_as(process)
            .await
            .unwrap();
        first.wait_connected().await.unwrap();
        first.close().await;
        let direct = format!("tcp://{}", server.address("tcp"));
        let person = Person::sign_in(home.path(), &direct, person, to, board.clone()).await;
        Self { home, server, board, proxy, other, person, random, kills: 0 }
    }

    /// The person says enough for the process to have something to receive, and not more than it can read before it is
    /// killed again.
    async fn talk(&mut self) {
        while self.other.receive < self.other.lines(" received ") + MESSAGES {
            let text = format!("before kill {}, {}", self.kills, self.other.receive);
            self.person.say(&self.board, text).await;
            self.other.receive += 1;
        }
    }

    async fn kill_at(&mut self, (name, syscalls, from, to): (&str, &'static str, u32, u32)) {
        self.talk().await;
        let when = self.random.random_range(from..=to).to_string();
        let injection = Injection { syscalls, what: "signal=KILL", when, files: &[] };
        let strace = under_strace(&self.other.program(), &injection, self.home.path());
        let at = format!("{name} ({syscalls} no. {})", injection.when);
        let other = &self.other;
        let status = end_of(other.start(strace), &at, || other.said()).await;
        assert_eq!(status.signal(), Some(9), "{at}: {status}\n{}", other.said());
        self.was_killed(&at);
    }

    /// The process dies when this packet of its connection is at this place.
    async fn kill_with(&mut self, step: &Step) {
        self.talk().await;
        let skip = self.random.random_range(0..surely_met(step.packet));
        let at = step.at(skip);
        let mut snapped = self.proxy.trap(step.packet, skip, step.share);
        self.other.stays = true;
        let program = self.other.program();
        let mut process = self.other.start(program);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while snapped.try_recv().is_err() {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "{at}: it ended, {ended:?}\n{}", self.other.said());
            let is_late = tokio::time::Instant::now() > deadline;
            assert!(!is_late, "{at}: never reached\n{}", self.other.said());
            self.talk().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        self.was_killed(&at);
        // What the trap held ends with its connection.
        self.proxy.drop_all();
    }

    fn was_killed(&mut self, at: &str) {
        self.kills += 1;
        println!("client killed: {at}");
    }

    /// The process runs to its end, and the checker is asked.
    async fn end(self) {
        let Self { home, server, board, proxy, mut other, person, kills, .. } = self;
        other.stays = false;
        let last = other.program();
        let status = end_of(other.start(last), "the last run", || other.said()).await;
        assert!(status.success(), "{status}\n{}", other.said());
        for id in &person.sent {
            person.client.wait_sent(*id).await.unwrap();
        }
        let composed = other.compose as u64;
        board.reaches("messages received", &board.received, composed).await;
        assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
        let journal = std::fs::read_to_string(&other.journal).unwrap();
        let journal = Journal::from_text(&journal).unwrap();
        println!("{kills} client kills");
        judge_journals(&home, vec![person.leave().await, journal]).await;
        drop(proxy);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

#[test]
fn requirement_a4_a_client_killed_at_named_points_goes_on_and_nothing_is_lost_or_doubled() {
    runtime().block_on(async {
        let mut drill = Drill::begin(length::random("client kills")).await;
        let mut points = POINTS.to_vec();
        while drill.kills < length::kills(points.len()) {
            points.shuffle(&mut drill.random);
            for point in &points {
                drill.kill_at(*point).await;
            }
        }
        drill.end().await;
    });
}

#[test]
fn requirement_a4_a_client_killed_at_every_step_of_the_six_packets_goes_on() {
    runtime().block_on(async {
        let mut drill = Drill::begin(length::random("client kills at packets")).await;
        let mut steps = steps();
        while drill.kills < length::kills(steps.len()) {
            steps.shuffle(&mut drill.random);
            for step in &steps {
                drill.kill_with(step).await;
            }
        }
        drill.end().await;
    });
}
