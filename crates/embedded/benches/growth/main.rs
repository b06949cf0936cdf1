//! What a message costs as a store grows, in messages and in conversations; and how long a large store takes to open
//! after its process was killed, and after it was closed.
//!
//! `cargo bench -p anser-embedded --bench growth -- --messages 10000000 --conversations 1000`
//!
//! The store is loaded by a process of its own, which is killed (SIGKILL) when it has loaded everything; each opening
//! is another process. So memory is that of a fresh process each time; the system's page cache is warm. Processor time
//! is that of all threads: store, log, tables with their compaction, and the making of the messages.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../workload/mod.rs"]
mod workload;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anser_embedded::{EmbeddedStore, Options};
use workload::{argument, directory, disk_bytes, fill, introduce};

/// Messages in each store of the second series, whatever its number of conversations.
const SAME_MESSAGES: u64 = 200_000;

/// A number in `/proc/self/status`, in MiB.
fn status_mib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Processor time of all threads that live, in microseconds.
fn processor_us() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let of = |path: PathBuf| -> u64 {
        // A thread that has just ended has no figure any more.
        let Ok(figures) = std::fs::read_to_string(path.join("schedstat")) else { return 0 };
        figures.split_whitespace().next().unwrap().parse().unwrap()
    };
    threads.map(|thread| of(thread.unwrap().path())).sum::<u64>() as f64 / 1000.0
}

/// Sends messages until there are `upto`, and says what each of the last half of them cost.
async fn grow(
    store: &EmbeddedStore,
    talks: &mut [workload::Talk],
    (from, upto): (u64, u64),
    dir: &Path,
) {
    let half = from.max(upto / 2);
    fill(&*store.ledger(), talks, half - from).await;
    let (before, cpu, begun) = (store.counters(), processor_us(), Instant::now());
    fill(&*store.ledger(), talks, upto - half).await;
    let (after, count) = (store.counters(), (upto - half) as f64);
    println!(
        "{upto} messages, {} conversations: {:.1} us of processor, {:.2} table writes, {:.2} table reads a message; \
         {:.0} messages/s; {} MiB resident, {:.0} bytes of disk a message",
        talks.len(),
        (processor_us() - cpu) / count,
        (after.table_writes - before.table_writes) as f64 / count,
        (after.table_reads - before.table_reads) as f64 / count,
        count / begun.elapsed().as_secs_f64(),
        status_mib("VmRSS"),
        disk_bytes(dir) as f64 / upto as f64,
    );
}

/// Ten times more messages each time, then waits to be killed.
async fn load(dir: &Path, messages: u64, conversations: u64) {
    let store = EmbeddedStore::open(dir, Options::default()).unwrap();
    let mut talks = introduce(&*store.ledger(), conversations).await;
    let (mut from, mut upto) = (0, 1_000);
    while from < messages {
        grow(&store, &mut talks, (from, upto.min(messages)), dir).await;
        from = upto.min(messages);
        upto *= 10;
    }
    println!("loaded, {} MiB resident at the most", status_mib("VmHWM"));
    std::thread::park();
}

/// The same number of messages in ten times more conversations each time.
async fn spread(most: u64) {
    let mut conversations = 100;
    while conversations <= most {
        let dir = directory();
        let store = EmbeddedStore::open(dir.path(), Options::default()).unwrap();
        let mut talks = introduce(&*store.ledger(), conversations).await;
        grow(&store, &mut talks, (0, SAME_MESSAGES), dir.path()).await;
        store.close().await.unwrap();
        conversations *= 10;
    }
}

async fn open(dir: &Path, after: &str) {
    let begun = Instant::now();
    let store = EmbeddedStore::open(dir, Options::default()).unwrap();
    println!(
        "opened after {after}: {:.2} s, {} table reads, {} MiB resident, {} at the most",
        begun.elapsed().as_secs_f64(),
        store.counters().table_reads,
        status_mib("VmRSS"),
        status_mib("VmHWM"),
    );
    store.close().await.unwrap();
}

/// This program again, in another role.
fn role(role: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(std::env::args().skip(1)).arg("--role").arg(role).arg(dir);
    command
}

/// Passes on what the loading process says, and kills it when it has loaded everything.
fn load_and_kill(dir: &Path) {
    let mut loading = role("load", dir).stdout(Stdio::piped()).spawn().unwrap();
    for line in BufReader::new(loading.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        println!("{line}");
        if line.starts_with("loaded") {
            loading.kill().unwrap();
        }
    }
    loading.wait().unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let messages = argument("--messages", 1_000_000);
    let conversations = argument("--conversations", 1_000);
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--role") {
        let dir = Path::new(&arguments[at + 2]);
        match arguments[at + 1].as_str() {
            "load" => load(dir, messages, conversations).await,
            after => open(dir, after).await,
        }
        return;
    }
    let dir = directory();
    load_and_kill(dir.path());
    for after in ["a kill", "a close"] {
        assert!(role(after, dir.path()).status().unwrap().success());
    }
    drop(dir);
    spread(argument("--spread", 100_000)).await;
}
