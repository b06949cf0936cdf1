//! What the interpolation sort costs: `cargo bench -p anser-client --bench order`.
//!
//! A window of a conversation as a screen asks for it, and one as large as a jump in history can make it; in the order
//! of the server, as after a reconnect (each device's neighbours swapped here and there), and turned round within reach.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock; the core does not")]

use std::hint::black_box;
use std::time::Instant;

use anser_client::order::{REACH_SEQS, Slot, display_order};
use anser_types::{DeviceNo, LocalNo, MessageId, Seq, UserId};

/// Messages ordered in one round, whatever the window.
const MESSAGES: usize = 400_000;
/// Rounds; the median is reported.
const ROUNDS: usize = 7;
/// People in the conversation, each with one device.
const PEOPLE: usize = 5;

/// How a device's messages lie in the server's order.
#[derive(Clone, Copy)]
enum Mixed {
    /// As they were composed.
    Not,
    /// Two neighbours of one device in every eight have overtaken each other.
    Some,
    /// Stretches as long as can be put right are the wrong way round.
    Fully,
}

fn window(messages: usize, mixed: Mixed) -> Vec<Slot> {
    let people: Vec<UserId> =
        (0..PEOPLE).map(|n| UserId::new(&format!("person-{n}")).unwrap()).collect();
    let stretch = usize::try_from(REACH_SEQS).unwrap() / PEOPLE;
    (0..messages)
        .map(|n| {
            let turn = n / PEOPLE;
            let local_no = match mixed {
                Mixed::Not => turn,
                Mixed::Some if turn % 8 < 2 => turn ^ 1,
                Mixed::Some => turn,
                Mixed::Fully => turn / stretch * stretch + (stretch - 1 - turn % stretch),
            };
            Slot {
                seq: Seq(n as u64 + 1),
                sender: people[n % PEOPLE].clone(),
                id: MessageId { device: DeviceNo(1), local_no: LocalNo(local_no as u64 + 1) },
            }
        })
        .collect()
}

/// Nanoseconds of a message in one window.
fn cost(window: &[Slot]) -> f64 {
    let times = MESSAGES / window.len();
    let start = Instant::now();
    for _ in 0..times {
        black_box(display_order(black_box(window)));
    }
    start.elapsed().as_secs_f64() * 1e9 / (times * window.len()) as f64
}

fn main() {
    println!("interpolation sort, {PEOPLE} devices, median of {ROUNDS} rounds");
    for messages in [50, 300, 10_000] {
        for (name, mixed) in [
            ("in order", Mixed::Not),
            ("a quarter of them swapped", Mixed::Some),
            ("every stretch turned round", Mixed::Fully),
        ] {
            let window = window(messages, mixed);
            let moved =
                display_order(&window).iter().enumerate().filter(|(at, i)| at != *i).count();
            let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| cost(&window)).collect();
            rounds.sort_by(f64::total_cmp);
            let each = rounds[ROUNDS / 2];
            println!(
                "{messages:>6} messages, {name:<27} {each:>6.0} ns per message, {:>8.1} µs in all; {moved} moved",
                each * messages as f64 / 1e3
            );
        }
    }
}
