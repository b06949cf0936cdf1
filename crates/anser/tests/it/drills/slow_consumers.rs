//! Slow consumers beside healthy ones, measured: the same load in turn with consumers that all read (A) and with some
//! that read slowly or not at all (B). How long messages take for the healthy ones is printed, never asserted; that
//! nobody loses anything, and that the slow ones get everything in the end, is.
//!
//! The latencies are safe from coordinated omission: they count from when a message was due.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anser_sdk::http::SignedIn;
use anser_types::{InboxSeq, Seq, UserId};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::length;
use super::pace::Times;
use super::raw_session::RawSession;
use crate::http::request;
use crate::people::{PATIENCE, device};
use crate::program::{Home, Server};

/// Pairs that are measured, and the time between two messages of one.
const HEALTHY: usize = 8;
const HEALTHY_EVERY_MS: u64 = 20;
/// Consumers that are slow in B: half of them read nothing, half of them little.
const SLOW: usize = 4;
/// What each of them is sent. Between it and the server the kernel holds some MiB; a round of the long form is more.
const SLOW_EVERY_MS: u64 = 25;
const SLOW_BYTES: usize = 32 * 1024;
/// How long a consumer that reads little waits after each batch.
const SLOW_PAUSE: Duration = Duration::from_millis(400);
/// Messages of one healthy pair in one round: short ones, so that what else the machine does falls on both kinds.
const MESSAGES_SHORT: u64 = 100;
const MESSAGES_LONG: u64 = 250;
/// Rounds of each kind in the long form, times its factor.
const ROUNDS_LONG: usize = 3;
/// The ratio of the healthy p99 that the product owes.
const OWED: f64 = 1.10;

#[test]
fn guarantee_g16_slow_consumers_beside_healthy_ones() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let home = Home::new();
        let server = home.serve();
        let address = server.address("tcp");
        let mut pairs = Vec::new();
        for n in 0..HEALTHY + SLOW {
            let from = device(&server, &format!("from-{n}")).await;
            let to = device(&server, &format!("to-{n}")).await;
            pairs.push(Pair::open(address, &from, to, n >= HEALTHY).await);
        }
        // Not measured: everybody meets, caches fill.
        pairs = round(pairs, false, MESSAGES_SHORT).await.0;
        let (messages, rounds) = if length::is_long() {
            (MESSAGES_LONG, ROUNDS_LONG * length::factor())
        } else {
            (MESSAGES_SHORT, 1)
        };
        let (mut all_read, mut some_slow) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            for (are_slow, figures) in [(false, &mut all_read), (true, &mut some_slow)] {
                let (back, measured) = round(pairs, are_slow, messages).await;
                pairs = back;
                figures.push(measured);
            }
        }
        for pair in &pairs {
            let expected: Vec<Seq> = (1..=pair.said).map(Seq).collect();
            assert_eq!(pair.receiver.seqs, expected, "{}", pair.to.user);
        }
        drop(pairs);
        let behind = fell_behind(&server);
        println!("{behind} times a session fell behind");
        assert!(behind > 0 || !length::is_long(), "nobody was slow: nothing was measured");
        assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
        if length::is_long() {
            report(&all_read, &some_slow);
        }
    });
}

/// How often the server stopped pushing to a session that did not read.
fn fell_behind(server: &Server) -> u64 {
    let key = format!("authorization: Bearer {}\r\n", server.api_key());
    let metrics = request(server, "GET", "/metrics", &key, "").text;
    let line =
        metrics.lines().find_map(|line| line.strip_prefix("anser_sessions_fell_behind_total "));
    line.map_or(0, |count| count.parse().unwrap())
}

/// What the healthy ones met in one round.
struct Measured {
    answers: Times,
    messages: Times,
}

fn report(all_read: &[Measured], some_slow: &[Measured]) {
    println!(
        "{HEALTHY} healthy pairs beside {SLOW} consumers of {} KiB/s each; all read (A), {SLOW} slow (B)",
        SLOW_BYTES as u64 * 1000 / SLOW_EVERY_MS / 1024
    );
    for (n, (a, b)) in all_read.iter().zip(some_slow).enumerate() {
        println!("A {n}: send → receive {}; send → answer {}", a.messages, a.answers);
        println!("B {n}: send → receive {}; send → answer {}", b.messages, b.answers);
    }
    for (what, of) in [
        ("send → receive", (|round| &round.messages) as fn(&Measured) -> &Times),
        ("send → answer", |round| &round.answers),
    ] {
        let (without, with) = (median_p99(all_read, of), median_p99(some_slow, of));
        let ratio = with.as_secs_f64() / without.as_secs_f64();
        let verdict = if ratio <= OWED { "within 10 %" } else { "NOT within 10 %" };
        println!(
            "healthy p99 {what}: {:.2} ms without slow consumers, {:.2} ms with them; ratio {ratio:.2}: {verdict} \
             (medians of {} rounds each)",
            without.as_secs_f64() * 1e3,
            with.as_secs_f64() * 1e3,
            all_read.len()
        );
    }
}

/// One hiccup of the machine spoils one round, not the figure.
fn median_p99(rounds: &[Measured], of: fn(&Measured) -> &Times) -> Duration {
    let p99 = Times::new(rounds.iter().map(|round| of(round).within(990)).collect());
    p99.within(500)
}

/// One who sends and one who receives.
struct Pair {
    address: SocketAddr,
    to: SignedIn,
    sender: RawSession,
    receiver: RawSession,
    /// One of those that are slow in B.
    may_be_slow: bool,
    /// Messages so far.
    said: u64,
}

/// How a receiver reads until the others have finished; then it reads everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    AsItComes,
    Little,
    Nothing,
}

impl Pair {
    async fn open(address: SocketAddr, from: &SignedIn, to: SignedIn, may_be_slow: bool) -> Self {
        let sender = RawSession::open(address, from).await.unwrap();
        let receiver = RawSession::open(address, &to).await.unwrap();
        Self { address, to, sender, receiver, may_be_slow, said: 0 }
    }

    /// Sends and receives so many messages.
    async fn talk(
        mut self,
        reads: Reads,
        messages: u64,
        healthy_are_done: watch::Receiver<bool>,
    ) -> (Self, Measured) {
        let (every_ms, bytes) = if self.may_be_slow {
            (SLOW_EVERY_MS, SLOW_BYTES)
        } else {
            (HEALTHY_EVERY_MS, STAMP_BYTES)
        };
        self.said += messages;
        let (zero, head) = (Instant::now(), InboxSeq(self.said));
        let mut received = Vec::new();
        let (answers, ()) = tokio::join!(
            send(&mut self.sender, &self.to.user, messages, every_ms, bytes, zero),
            async {
                let show = |content: &Bytes| received.push(since(content, zero));
                receive(
                    &mut self.receiver,
                    (self.address, &self.to),
                    reads,
                    head,
                    healthy_are_done,
                    show,
                )
                .await;
            }
        );
        (self, Measured { answers: Times::new(answers), messages: Times::new(received) })
    }
}

/// Everybody talks at once; what the healthy pairs met.
async fn round(pairs: Vec<Pair>, are_slow: bool, messages: u64) -> (Vec<Pair>, Measured) {
    let (done, are_done) = watch::channel(false);
    let (mut healthy, mut beside) = (JoinSet::new(), JoinSet::new());
    for (n, pair) in pairs.into_iter().enumerate() {
        let reads = match (are_slow && pair.may_be_slow, n % 2) {
            (false, _) => Reads::AsItComes,
            (true, 0) => Reads::Little,
            (true, _) => Reads::Nothing,
        };
        // As long as the healthy ones talk, and not longer.
        let messages = match pair.may_be_slow {
            true => messages * HEALTHY_EVERY_MS / SLOW_EVERY_MS,
            false => messages,
        };
        let group = if pair.may_be_slow { &mut beside } else { &mut healthy };
        group.spawn(pair.talk(reads, messages, are_done.clone()));
    }
    let talk = async {
        let healthy = healthy.join_all().await;
        done.send_replace(true);
        (healthy, beside.join_all().await)
    };
    let (healthy, beside) = tokio::time::timeout(4 * PATIENCE, talk).await.expect("a round ends");
    let mut met = Measured { answers: Times::new(Vec::new()), messages: Times::new(Vec::new()) };
    let mut back = Vec::new();
    for (pair, measured) in healthy {
        met.answers = met.answers.and(measured.answers);
        met.messages = met.messages.and(measured.messages);
        back.push(pair);
    }
    back.extend(beside.into_iter().map(|(pair, _)| pair));
    (back, met)
}

/// Sends messages when they are due; how long each answer took from then.
async fn send(
    session: &mut RawSession,
    to: &UserId,
    messages: u64,
    every_ms: u64,
    bytes: usize,
    zero: Instant,
) -> Vec<Duration> {
    let mut due = (0..messages).map(|n| Duration::from_millis(n * every_ms));
    let mut next = due.next();
    let mut waiting = std::collections::VecDeque::new();
    let mut answers = Vec::new();
    while next.is_some() || session.unanswered() > 0 {
        let at = next.filter(|_| session.may_say());
        tokio::select! {
            biased;
            () = sleep_until(zero, at) => {
                let at = at.unwrap();
                session.say(to, stamped(at, bytes)).await.unwrap();
                waiting.push_back(at);
                next = due.next();
            }
            answered = session.answer(), if session.unanswered() > 0 => {
                answered.unwrap();
                answers.push(zero.elapsed().saturating_sub(waiting.pop_front().unwrap()));
            }
        }
    }
    answers
}

async fn sleep_until(zero: Instant, at: Option<Duration>) {
    match at {
        Some(at) => tokio::time::sleep_until((zero + at).into()).await,
        None => std::future::pending().await,
    }
}

/// Receives up to `head`, slowly or not at all until the healthy ones are done.
async fn receive(
    session: &mut RawSession,
    (address, who): (SocketAddr, &SignedIn),
    reads: Reads,
    head: InboxSeq,
    mut healthy_are_done: watch::Receiver<bool>,
    mut show: impl FnMut(&Bytes),
) {
    if reads == Reads::Nothing {
        healthy_are_done.wait_for(|are_done| *are_done).await.unwrap();
    }
    while session.cursor < head {
        if reads == Reads::Little && !*healthy_are_done.borrow() {
            let pause = healthy_are_done.wait_for(|are_done| *are_done);
            // The pause ends early when the healthy ones are done.
            let _pause_over = tokio::time::timeout(SLOW_PAUSE, pause).await;
        }
        if let Err(why) = session.read_batch(|message| show(&message.content)).await {
            assert!(reads != Reads::AsItComes, "{} was thrown out: {why}", who.user);
            println!("{} read up to {}, then: {why}", who.user, session.cursor.0);
            let so_far = (session.cursor, std::mem::take(&mut session.seqs));
            *session = RawSession::resume(address, who, so_far).await.unwrap();
        }
    }
}

/// Bytes of the time in a message.
const STAMP_BYTES: usize = 20;

/// A message that says when it was due.
fn stamped(at: Duration, bytes: usize) -> Bytes {
    format!("{:0>width$}", at.as_nanos(), width = bytes).into()
}

fn since(content: &Bytes, zero: Instant) -> Duration {
    let at: u64 = std::str::from_utf8(content).unwrap().parse().unwrap();
    zero.elapsed().saturating_sub(Duration::from_nanos(at))
}
