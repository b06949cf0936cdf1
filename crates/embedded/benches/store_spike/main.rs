//! The spike behind ADR 0001: commit latency under an open loop of 5,000 messages a second, one fsync per batch,
//! batches as they come; fjall alone (four operations a message), and the store with its commit log in front.
//!
//! `cargo bench -p anser-embedded --bench store_spike -- --secs 300`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../workload/mod.rs"]
mod workload;

use std::time::{Duration, Instant};

use anser_embedded::{EmbeddedStore, Options};
use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use hdrhistogram::Histogram;
use workload::{argument, directory, introduce};

const RATE: u64 = 5_000;
const CAP: usize = 256;

/// Hands out what is due, and counts the time from when it was due to its commit.
struct OpenLoop {
    start: Instant,
    done: u64,
    total: u64,
    latencies: Histogram<u64>,
}

impl OpenLoop {
    fn new(secs: u64) -> Self {
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
        Self { start: Instant::now(), done: 0, total: secs * RATE, latencies }
    }

    fn due(n: u64) -> Duration {
        Duration::from_nanos(n * 1_000_000_000 / RATE)
    }

    /// Waits for the next message; how many are due then, at most one batch.
    fn next(&self) -> Option<u64> {
        if self.done >= self.total {
            return None;
        }
        std::thread::sleep(Self::due(self.done).saturating_sub(self.start.elapsed()));
        let elapsed = self.start.elapsed();
        let due = (self.done..self.total).take_while(|n| Self::due(*n) <= elapsed);
        Some(u64::try_from(due.take(CAP).count()).unwrap().max(1))
    }

    fn committed(&mut self, count: u64) {
        let now = self.start.elapsed();
        for n in self.done..self.done + count {
            let late = now.saturating_sub(Self::due(n)).as_micros();
            self.latencies.saturating_record(u64::try_from(late).unwrap());
        }
        self.done += count;
    }

    fn report(&self, name: &str) {
        let ms = |quantile| self.latencies.value_at_quantile(quantile) as f64 / 1e3;
        println!(
            "{name}: {:.0} messages/s, commit latency ms p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2}",
            self.done as f64 / self.start.elapsed().as_secs_f64(),
            ms(0.5),
            ms(0.99),
            ms(0.999),
            self.latencies.max() as f64 / 1e3,
        );
    }
}

fn fjall_alone(secs: u64) {
    let dir = directory();
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
    let mut load = OpenLoop::new(secs);
    while let Some(count) = load.next() {
        let mut batch = db.batch();
        for n in load.done..load.done + count {
            let (pair, seq) = (n % workload::PAIRS, n / workload::PAIRS);
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
        }
        batch.durability(Some(PersistMode::SyncData)).commit().unwrap();
        load.committed(count);
    }
    load.report("fjall alone");
}

async fn commit_log_in_front(secs: u64) {
    let dir = directory();
    let store = EmbeddedStore::open(dir.path(), Options::default()).unwrap();
    let ledger = store.ledger();
    let mut talks = introduce(&*ledger, workload::PAIRS).await;
    let mut load = OpenLoop::new(secs);
    while let Some(count) = load.next() {
        let appends = (load.done..load.done + count)
            .map(|n| talks[usize::try_from(n % workload::PAIRS).unwrap()].next(n))
            .collect();
        ledger.append_batch(appends).await.unwrap();
        load.committed(count);
    }
    load.report("commit log in front");
    store.close().await.unwrap();
}

fn main() {
    let secs = argument("--secs", 300);
    fjall_alone(secs);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(commit_log_in_front(secs));
}
