//! Messages per second and CPU per message of the embedded store: one client, batches one after the other.
//!
//! `cargo bench -p anser-embedded --bench append_batch -- --batch 256 --messages 1000000`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../workload/mod.rs"]
mod workload;

use std::time::Instant;

use anser_embedded::{EmbeddedStore, Options};
use workload::{PAIRS, argument, directory, introduce};

/// User and system time of this process so far, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// CPU seconds of every thread, by name.
fn threads() -> String {
    let mut used = std::collections::BTreeMap::<String, f64>::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        let (head, tail) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        let name = head.split_once('(').unwrap().1.to_owned();
        *used.entry(name).or_default() += (ticks(11) + ticks(12)) / 100.0;
    }
    used.iter().map(|(name, seconds)| format!("{name} {seconds:.2}  ")).collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (batch, messages) = (argument("--batch", 256), argument("--messages", 1_000_000));
    let dir = directory();
    let store = EmbeddedStore::open(dir.path(), Options::default()).unwrap();
    let ledger = store.ledger();
    let mut talks = introduce(&*ledger, PAIRS).await;
    let before = store.counters();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut turn = 0;
    let mut sent = 0;
    let mut worst = 0.0_f64;
    while sent < messages {
        let appends = (0..batch)
            .map(|_| {
                turn = (turn + 1) % talks.len();
                talks[turn].next(sent)
            })
            .collect();
        let began = Instant::now();
        ledger.append_batch(appends).await.unwrap();
        worst = worst.max(began.elapsed().as_secs_f64());
        sent += batch;
    }
    let seconds = start.elapsed().as_secs_f64();
    let acked = cpu_seconds() - cpu;
    let threads = threads();
    store.close().await.unwrap();
    let (closed, total) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let after = store.counters();
    println!("CPU seconds by thread: {threads}");
    let per_message = |value: f64| value / sent as f64;
    println!(
        "{sent} messages, {batch} per batch: {:.0} messages/s acknowledged, worst batch {:.1} ms; \
         CPU µs/message {:.1} until the last ack, {:.1} until everything was in the tables ({:.1} s after it); \
         table operations/message {:.2} written, {:.2} read",
        sent as f64 / seconds,
        worst * 1e3,
        per_message(acked * 1e6),
        per_message(total * 1e6),
        closed - seconds,
        per_message((after.table_writes - before.table_writes) as f64),
        per_message((after.table_reads - before.table_reads) as f64),
    );
}
