//! Megabytes per second of backup and restore, each with its fsyncs, and what a backup costs those who write meanwhile.
//!
//! `cargo bench -p anser-embedded --bench backup -- --messages 1000000`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../workload/mod.rs"]
mod workload;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::Instant;

use anser_embedded::{EmbeddedStore, Options, RestoreOptions, Snapshot, restore};
use anser_types::{LogEpoch, UnixMs};
use workload::{PAIRS, argument, directory, disk_bytes, fill, introduce};

/// Writes an archive and syncs it; seconds and bytes.
fn write(snapshot: &Snapshot, to: &Path) -> (f64, u64) {
    let begun = Instant::now();
    let out = BufWriter::with_capacity(1 << 20, File::create(to).unwrap());
    let (out, summary) = snapshot.write_archive(out, UnixMs(0)).unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
    (begun.elapsed().as_secs_f64(), summary.bytes)
}

fn tell(what: &str, (seconds, bytes): (f64, u64)) {
    let mb = bytes as f64 / 1e6;
    println!("{what}: {mb:.1} MB in {seconds:.2} s, {:.0} MB/s", mb / seconds);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let messages = argument("--messages", 1_000_000);
    let dir = directory();
    let place = dir.path().join("store");
    let store = EmbeddedStore::open(&place, Options::default()).unwrap();
    let ledger = store.ledger();
    let mut talks = introduce(&*ledger, PAIRS).await;
    fill(&*ledger, &mut talks, messages).await;
    println!("{messages} messages, {:.1} MB of disk", disk_bytes(&place) as f64 / 1e6);

    let archive = dir.path().join("quiet.anser");
    let snapshot = store.snapshot().await.unwrap();
    tell("backup, nobody writes, fsync included", write(&snapshot, &archive));

    let snapshot = store.snapshot().await.unwrap();
    let loaded = dir.path().join("loaded.anser");
    let backup = std::thread::spawn(move || write(&snapshot, &loaded));
    let (begun, mut worst, mut written) = (Instant::now(), 0.0_f64, 0);
    while !backup.is_finished() {
        let batch = Instant::now();
        fill(&*ledger, &mut talks, 256).await;
        worst = worst.max(batch.elapsed().as_secs_f64());
        written += 256;
    }
    let rate = f64::from(written) / begun.elapsed().as_secs_f64();
    tell("backup, under load, fsync included", backup.join().unwrap());
    println!("written meanwhile: {rate:.0} messages/s, worst batch of 256 {:.1} ms", worst * 1e3);
    store.close().await.unwrap();

    for verify in [false, true] {
        let options =
            RestoreOptions { least_log_epoch: LogEpoch(0), verify, store: Options::default() };
        let (from, to) = (archive.clone(), dir.path().join(format!("restored-{verify}")));
        let begun = Instant::now();
        let input = BufReader::with_capacity(1 << 20, File::open(from).unwrap());
        let done = std::thread::spawn(move || restore(input, &to, &options).unwrap());
        let restored = done.join().unwrap();
        let took = (begun.elapsed().as_secs_f64(), restored.archive.bytes);
        tell(if verify { "restore with --verify" } else { "restore" }, took);
    }
}
