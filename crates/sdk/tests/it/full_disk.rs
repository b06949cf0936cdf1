//! A full disk: said to the app, nothing lost, and it goes on by itself once there is space.
//!
//! The store lies on a small file system of its own, which only a process in a namespace of its own may mount; where
//! that is not allowed the test says so and ends.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anser_gateway::ListenerKind;
use anser_sdk::types::ErrorCode;
use anser_sdk::{Client, Event, TransferState};
use tempfile::tempdir;

use crate::files::{bytes, upload};
use crate::world::{World, id, soon, until};

#[test]
fn a_full_disk_is_reported_and_healed() {
    with_a_small_disk("the_process_with_a_small_disk");
}

#[test]
fn a_download_waits_for_room_and_goes_on() {
    with_a_small_disk("the_download_to_a_small_disk");
}

/// Runs a test of this file in a process that has one.
fn with_a_small_disk(test: &str) {
    let place = tempdir().unwrap();
    let script = "mount -t tmpfs -o size=2m tmpfs \"$PLACE\" && exec \"$0\" \"$@\"";
    let allowed = Command::new("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(std::process::Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        // Past what the test program keeps to itself of tests that pass.
        let why = "this machine lets nobody mount a small file system";
        let mut aloud = std::io::stderr().lock();
        writeln!(aloud, "── SKIPPED: full_disk::{test}, {why}").unwrap();
        return;
    }
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &format!("full_disk::{test}")])
        .env("PLACE", place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// Where it is mounted, in such a process.
fn small_disk() -> Option<PathBuf> {
    std::env::var_os("PLACE").map(PathBuf::from)
}

/// Takes everything that is left.
fn fill(ballast: &Path) {
    let mut size = 1024 * 1024;
    while size >= 512 {
        let grown = std::fs::metadata(ballast).map_or(0, |meta| meta.len());
        let bytes = vec![7; usize::try_from(grown).unwrap() + size];
        if std::fs::write(ballast, bytes).is_err() {
            size /= 2;
        }
    }
}

/// Longer than a message may wait for its store, so that one that waits for ever is found out.
async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("an outcome within a minute")
}

#[tokio::test]
#[ignore = "started as a process by the test above"]
async fn the_download_to_a_small_disk() {
    let Some(place) = small_disk() else { return };
    let world = World::new();
    let store = tempdir().unwrap();
    let alice = world.client("alice", store.path()).await;
    let sent = bytes(1_500_000, 24);
    let file = upload(&alice, sent.clone()).await;
    let ballast = place.join("ballast");
    std::fs::write(&ballast, vec![7; 1 << 20]).unwrap();
    let target = place.join("back.bin");
    let transfer = alice.download(&file, &target).unwrap();
    let mut watch = transfer.watch();
    let full = |state: &TransferState| match state {
        TransferState::Waiting { reason, .. } => reason.code == ErrorCode::LocalDiskFull,
        _ => false,
    };
    soon(watch.wait_for(|now| full(&now.state))).await.unwrap();
    std::fs::remove_file(&ballast).unwrap();
    transfer.resume();
    soon(transfer.done()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), sent);
    assert!(!place.join("back.bin.part").exists());
}

#[tokio::test]
#[ignore = "started as a process by the test above"]
async fn the_process_with_a_small_disk() {
    let Some(place) = small_disk() else { return };
    let world = World::new();
    world.device("bob").await;
    let alice = world
        .builder(ListenerKind::Tcp, &place.join("store"))
        .login_with(world.devices("alice"))
        .await
        .unwrap();
    soon(alice.send_text(id("bob"), "before")).await.unwrap();
    let mut events = alice.events();

    let ballast = place.join("ballast");
    fill(&ballast);
    let text = "x".repeat(60_000);
    let sending = tokio::spawn({
        let alice = alice.clone();
        async move { alice.send_message(id("bob"), Client::create_text_message(text)).await }
    });
    let full = until(&mut events, |event| match event {
        Event::StoreFailing { full, .. } => Some(*full),
        _ => None,
    })
    .await;
    assert!(full);
    assert!(!sending.is_finished(), "what is not stored is not promised");

    std::fs::remove_file(&ballast).unwrap();
    let stored = soon(sending).await.unwrap().unwrap();
    let sent = soon(alice.wait_sent(stored)).await.unwrap();
    assert_eq!(sent.seq.0, 2);

    // Space does not come: every message has an outcome within a time, and what was refused is never sent.
    fill(&ballast);
    let before = tokio::time::Instant::now();
    let mut refused = Vec::new();
    for number in 0..3 {
        let text = format!("{number}{}", "x".repeat(60_000));
        let outcome =
            within_a_minute(alice.send_message(id("bob"), Client::create_text_message(text)));
        refused.push(outcome.await.unwrap_err().code());
    }
    assert_eq!(refused, [ErrorCode::LocalDiskFull; 3]);
    let marked = within_a_minute(alice.mark_as_read(id("bob"), sent.seq)).await;
    assert_eq!(marked.unwrap_err().code(), ErrorCode::LocalDiskFull, "nothing piles up in memory");
    println!("three messages were refused after {:?}", before.elapsed());
    std::fs::remove_file(&ballast).unwrap();
    let next = loop {
        match within_a_minute(alice.send_text(id("bob"), "after")).await {
            Ok(next) => break next,
            // The store is tried again at its own time.
            Err(error) => assert_eq!(error.code(), ErrorCode::LocalDiskFull),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(next.seq.0, 3, "nothing that was refused was sent before it");

    // A store that cannot even be made says the same.
    std::fs::write(&ballast, vec![7; 8 * 1024 * 1024]).unwrap_err();
    let error = world
        .builder(ListenerKind::Tcp, &place.join("second"))
        .login_with(world.devices("carol"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LocalDiskFull);
}
