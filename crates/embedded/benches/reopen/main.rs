//! How long a store takes to open after it was killed, and after it was closed.
//!
//! `cargo bench -p anser-embedded --bench reopen -- --messages 1000000`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../workload/mod.rs"]
mod workload;

use std::path::Path;
use std::time::Instant;

use anser_embedded::{EmbeddedStore, Options};
use workload::{PAIRS, argument, directory, disk_bytes, fill, introduce};

/// Memory of this process that is in use, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn reopen(dir: &Path, after: &str) -> EmbeddedStore {
    let begun = Instant::now();
    let store = EmbeddedStore::open(dir, Options::default()).unwrap();
    println!(
        "opened after {after}: {:.2} s, {} table reads, {} MiB resident",
        begun.elapsed().as_secs_f64(),
        store.counters().table_reads,
        resident_mib()
    );
    store
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let messages = argument("--messages", 1_000_000);
    let dir = directory();
    let store = EmbeddedStore::open(dir.path(), Options::default()).unwrap();
    let mut talks = introduce(&*store.ledger(), PAIRS).await;
    let begun = Instant::now();
    fill(&*store.ledger(), &mut talks, messages).await;
    println!(
        "{messages} messages in {:.1} s, {:.0} bytes of disk each",
        begun.elapsed().as_secs_f64(),
        disk_bytes(dir.path()) as f64 / messages as f64
    );
    // Dropped without a farewell: nothing is flushed, as in a kill.
    drop(store);
    let store = reopen(dir.path(), "a kill");
    store.close().await.unwrap();
    drop(store);
    drop(reopen(dir.path(), "a close"));
}
