//! The spike behind ADR 0001: commit latency of fjall with one fsync per batch under an open loop.
//!
//! `cargo bench -p anser-embedded --bench store_spike -- --secs 300`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use hdrhistogram::Histogram;

const RATE: u64 = 5_000;
const CAP: u64 = 256;

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args();
    while let Some(argument) = arguments.next() {
        if argument == name {
            return arguments.next().unwrap().parse().unwrap();
        }
    }
    default
}

fn main() {
    let secs = argument("--secs", 300);
    let dir = tempfile::tempdir_in(std::env::var("ANSER_BENCH_DIR").unwrap_or(".".into())).unwrap();
    let db = Database::builder(dir.path())
        .worker_threads(2)
        .manual_journal_persist(true)
        .journal_compression(fjall::CompressionType::None)
        .open()
        .unwrap();
    let options = || KeyspaceCreateOptions::default().max_memtable_size(16 << 20);
    let messages = db.keyspace("messages", options).unwrap();
    let inbox = db.keyspace("inbox", options).unwrap();
    let devices = db.keyspace("devices", options).unwrap();
    let mut latencies = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).unwrap();
    let start = Instant::now();
    let due = |n: u64| Duration::from_nanos(n * 1_000_000_000 / RATE);
    let total = secs * RATE;
    let mut done = 0;
    while done < total {
        let elapsed = start.elapsed();
        if due(done) > elapsed {
            std::thread::sleep(due(done) - elapsed);
        }
        let elapsed = start.elapsed();
        let mut batch = db.batch();
        let first = done;
        while done < total && done - first < CAP && due(done) <= elapsed {
            let pair = done % 200;
            let seq = done / 200;
            let mut key = [0; 24];
            key[..8].copy_from_slice(&pair.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            key[16..].copy_from_slice(&seq.to_be_bytes());
            batch.insert(&messages, key, vec![7_u8; 110]);
            for user in [pair * 2, pair * 2 + 1] {
                let mut key = [0; 16];
                key[..8].copy_from_slice(&user.to_be_bytes());
                key[8..].copy_from_slice(&seq.to_be_bytes());
                batch.insert(&inbox, key, vec![1_u8; 26]);
            }
            batch.insert(&devices, pair.to_be_bytes(), vec![2_u8; 100]);
            done += 1;
        }
        batch.durability(Some(PersistMode::SyncData)).commit().unwrap();
        let now = start.elapsed();
        for n in first..done {
            latencies.saturating_record(u64::try_from((now - due(n)).as_micros()).unwrap());
        }
    }
    let per_second = total as f64 / start.elapsed().as_secs_f64();
    println!(
        "fjall alone: {per_second:.0} messages/s, commit latency ms p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2}",
        latencies.value_at_quantile(0.5) as f64 / 1e3,
        latencies.value_at_quantile(0.99) as f64 / 1e3,
        latencies.value_at_quantile(0.999) as f64 / 1e3,
        latencies.max() as f64 / 1e3,
    );
}
