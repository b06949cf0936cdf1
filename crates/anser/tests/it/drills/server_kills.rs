//! The server dies at named points of the six packets and of its store, while people talk; after each of them everything
//! that was accepted is in the store, and in the end the checker finds nothing.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rustix::process::Signal;

use super::length;
use super::proxy::Proxy;
use super::steps::{Step, steps};
use super::strace::{Injection, under_strace};
use crate::people::{
    Board, PATIENCE, Person, assert_kept, come_back, gather, judge, raw_copy, settle,
};
use crate::program::{Home, Server};

const PEOPLE: usize = 3;
/// Messages each of them keeps waiting while a kill is awaited.
const WAITING: usize = 12;
/// The n-th packet of a kind after the connections are back is caught, n at the most this.
const SKIP_MAX: usize = 6;

/// When in a server's life a point lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Stopping,
}

use Phase::{Running, Starting, Stopping};

/// A place in the server's work: the system call that is never executed.
struct Point {
    /// What the kill cuts.
    name: &'static str,
    phase: Phase,
    syscalls: &'static str,
    /// Which call of a thread, from and to.
    when: (u32, u32),
    files: &'static [&'static str],
}

const fn point(
    name: &'static str,
    phase: Phase,
    syscalls: &'static str,
    when: (u32, u32),
    files: &'static [&'static str],
) -> Point {
    Point { name, phase, syscalls, when, files }
}

/// Every place where the disk or the network can have one thing and not the next.
const POINTS: &[Point] = &[
    point("the last record is made durable anew at the start", Starting, "fdatasync", (1, 1), &[]),
    point("the store's directory is synced at the start", Starting, "fsync", (1, 3), &[]),
    point("a listener is bound", Starting, "bind", (1, 2), &[]),
    point("the addresses are announced", Starting, "rename", (1, 1), &["server.json.new"]),
    // Not more than people come: beyond that it depends on how they come whether it is called once more.
    point("a client connects", Running, "accept4", (2, 3), &[]),
    point("a packet is read", Running, "recvfrom", (4, 30), &[]),
    point("the disk is asked for room", Running, "fstatfs", (2, 8), &["store/log"]),
    point("a record is written", Running, "pwrite64", (3, 8), &[]),
    point("a written record is synced", Running, "fdatasync", (3, 8), &[]),
    point("a synced record is told to those who wait", Running, "futex", (60, 200), &[]),
    point("a sleeping thread is woken", Running, "write", (5, 30), &[]),
    point("a packet is sent", Running, "sendto,writev,sendmsg", (4, 30), &[]),
    point("the durable end is noted", Running, "pwrite64", (1, 2), &["store/log/durable"]),
    point(
        "the note of the durable end is synced",
        Running,
        "fdatasync",
        (1, 2),
        &["store/log/durable"],
    ),
    point("tables are synced at the end", Stopping, "fsync", (1, 2), &[]),
    point("a table's new version is named", Stopping, "renameat", (1, 1), &[]),
    point("the checkpoint is written", Stopping, "pwrite64", (1, 1), &["store/log/checkpoint.new"]),
    point("the checkpoint is named", Stopping, "rename", (1, 1), &["store/log/checkpoint.new"]),
];

/// A server that is killed again and again, and its people, who reach it through the proxy.
struct Drill {
    home: Home,
    ports: Vec<String>,
    proxy: Proxy,
    people: Vec<Person>,
    board: Board,
    random: SmallRng,
    round: usize,
}

impl Drill {
    async fn begin(mut random: SmallRng) -> Self {
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let proxy = Proxy::start(server.address("tcp"), &mut random).await;
        let people = gather(&home, &server, PEOPLE, &board, &proxy.endpoint()).await;
        let ports = server.ports();
        server.kill();
        Self { home, ports, proxy, people, board, random, round: 0 }
    }

    async fn talk(&mut self) {
        self.round += 1;
        for person in &mut self.people {
            person.keep_waiting(&self.board, WAITING, self.round).await;
        }
    }

    /// Starts the server, lets people talk until it has died at this point, and looks into its store.
    async fn kill_at(&mut self, point: &Point) {
        self.talk().await;
        let mut arguments = vec!["serve"];
        arguments.extend(self.ports.iter().map(String::as_str));
        let program = self.home.program(&arguments);
        let when = self.random.random_range(point.when.0..=point.when.1).to_string();
        let injection =
            Injection { syscalls: point.syscalls, what: "signal=KILL", when, files: point.files };
        let strace = under_strace(&program, &injection, &self.home.data_dir());
        let status = match self.home.launch(strace, "ready") {
            Err(status) => status,
            Ok(server) => self.wait_for_end(server, point).await,
        };
        let at = format!("{} ({} no. {})", point.name, point.syscalls, injection.when);
        assert_eq!(status.signal(), Some(9), "{at}: {status}\n{}", self.home.log());
        self.look_after(&at).await;
    }

    async fn wait_for_end(&mut self, mut server: Server, point: &Point) -> ExitStatus {
        come_back(&self.people).await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut ticks = 0_u32;
        loop {
            if let Some(status) = server.ended() {
                return status;
            }
            assert!(tokio::time::Instant::now() < deadline, "'{}' is never reached", point.name);
            ticks += 1;
            if ticks == 8 && point.phase == Stopping {
                server.signal(Signal::TERM);
            }
            // More load, until the point is reached.
            self.talk().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The server dies when this packet is at this place.
    async fn kill_with(&mut self, step: &Step) {
        self.talk().await;
        let server = self.home.serve_at(&self.ports);
        let skip = self.random.random_range(0..SKIP_MAX);
        let mut snapped = self.proxy.trap(step.packet, skip, step.share);
        come_back(&self.people).await;
        let at = step.at(skip);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while snapped.try_recv().is_err() {
            assert!(tokio::time::Instant::now() < deadline, "{at}: never reached");
            self.talk().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.kill();
        self.look_after(&at).await;
    }

    async fn look_after(&mut self, at: &str) {
        // What was trapped or stalled ends with its connection.
        self.proxy.drop_all();
        let store = raw_copy(&self.home).await;
        let messages: usize = store.iter().map(|log| log.messages.len()).sum();
        assert_kept(&store, &self.people, at);
        println!("killed: {at}; {messages} messages in the store");
    }

    /// The server stays; everybody gets everything, and the checker is asked.
    async fn end(self) {
        let Self { home, ports, proxy, people, board, .. } = self;
        let server = home.serve_at(&ports);
        come_back(&people).await;
        settle(&people, &board).await;
        let (status, _) = server.stop();
        assert_eq!(status.code(), Some(0), "{}", home.log());
        judge(&home, people).await;
        drop(proxy);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

#[test]
fn guarantee_g1_a_server_killed_at_named_system_calls_keeps_what_it_accepted() {
    runtime().block_on(async {
        let mut drill = Drill::begin(length::random("system calls")).await;
        let mut kills = 0;
        while kills < length::kills(POINTS.len()) {
            let mut order: Vec<&Point> = POINTS.iter().collect();
            order.shuffle(&mut drill.random);
            for point in order {
                drill.kill_at(point).await;
                kills += 1;
            }
        }
        println!("{kills} kills at {} points", POINTS.len());
        drill.end().await;
    });
}

#[test]
fn guarantee_g1_a_server_killed_at_every_step_of_the_six_packets_keeps_what_it_accepted() {
    runtime().block_on(async {
        let mut drill = Drill::begin(length::random("six packets")).await;
        let mut steps = steps();
        let mut kills = 0;
        while kills < length::kills(steps.len()) {
            steps.shuffle(&mut drill.random);
            for step in &steps {
                drill.kill_with(step).await;
                kills += 1;
            }
        }
        println!("{kills} kills at {} steps", steps.len());
        drill.end().await;
    });
}
