//! A full disk: said to the app, nothing lost, and it goes on by itself once there is space.
//!
//! The store lies on a small file system of its own, which only a process in a namespace of its own may mount; where
//! that is not allowed the test says so and ends.

use std::process::Command;

use anser_gateway::ListenerKind;
use anser_sdk::types::ErrorCode;
use anser_sdk::{Client, Event};
use tempfile::tempdir;

use crate::world::{World, id, soon, until};

#[test]
fn a_full_disk_is_reported_and_healed() {
    let place = tempdir().unwrap();
    let script = "mount -t tmpfs -o size=768k tmpfs \"$PLACE\" && exec \"$0\" \"$@\"";
    let allowed = Command::new("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(std::process::Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: this machine lets nobody mount a small file system");
        return;
    }
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "full_disk::the_process_with_a_small_disk"])
        .env("PLACE", place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "started as a process by the test above"]
async fn the_process_with_a_small_disk() {
    let Ok(place) = std::env::var("PLACE") else { return };
    let place = std::path::PathBuf::from(place);
    let world = World::new();
    world.device("bob").await;
    let alice = world
        .builder(ListenerKind::Tcp, &place.join("store"))
        .login_with(world.devices("alice"))
        .await
        .unwrap();
    soon(alice.send_text(id("bob"), "before")).await.unwrap();
    let mut events = alice.events();

    // Everything that is left is taken.
    let ballast = place.join("ballast");
    let mut size = 1024 * 1024;
    while size >= 512 {
        let grown = std::fs::metadata(&ballast).map_or(0, |meta| meta.len());
        let bytes = vec![7; usize::try_from(grown).unwrap() + size];
        if std::fs::write(&ballast, bytes).is_err() {
            size /= 2;
        }
    }
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

    // A store that cannot even be made says the same.
    std::fs::write(&ballast, vec![7; 8 * 1024 * 1024]).unwrap_err();
    let error = world
        .builder(ListenerKind::Tcp, &place.join("second"))
        .login_with(world.devices("carol"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LocalDiskFull);
}
