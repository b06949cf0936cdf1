//! Downloads through the client: resumable, checked before they get their name, and never over something else.

use anser_sdk::types::ErrorCode;
use anser_sdk::{FileAt, TransferState};
use tempfile::tempdir;

use crate::files::{alice_on_a_line, bytes, over, upload, waits};
use crate::world::{World, soon};

#[tokio::test]
async fn requirement_h2_a_download_goes_on_where_it_stopped_also_after_a_restart() {
    let (world, a, line, alice) = alice_on_a_line().await;
    let sent = bytes(6 << 20, 15);
    let file = upload(&alice, sent.clone()).await;
    let target = a.path().join("back.bin");
    line.cut_after_received(2 << 20);
    let transfer = alice.download(&file, &target).unwrap();
    waits(&transfer).await;
    assert!(transfer.progress().moved > 1 << 20, "{:?}", transfer.progress());
    alice.close().await;
    line.mend();
    let alice = over(&world, &line, "alice", a.path()).await;
    let before = line.received();
    line.cut_after_received(2 << 20);
    let transfer = alice.download(&file, &target).unwrap();
    waits(&transfer).await;
    line.mend();
    assert!(!target.exists());
    let got = soon(transfer.done()).await.unwrap();
    assert_eq!(got, file);
    assert_eq!(std::fs::read(&target).unwrap(), sent);
    assert!(line.received() - before < (5 << 20), "{} bytes", line.received() - before);
    assert!(!a.path().join("back.bin.part").exists());
    let error = alice.download(&file, &target).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotEmpty);
}

#[tokio::test]
async fn requirement_h2_a_download_is_paused_and_goes_on_with_what_it_has() {
    let (_world, a, line, alice) = alice_on_a_line().await;
    let sent = bytes(6 << 20, 22);
    let file = upload(&alice, sent.clone()).await;
    let target = a.path().join("back.bin");
    let before = line.received();
    line.cut_after_received(3 << 20);
    let transfer = alice.download(&file, &target).unwrap();
    waits(&transfer).await;
    transfer.pause();
    let mut watch = transfer.watch();
    soon(watch.wait_for(|now| now.state == TransferState::Paused)).await.unwrap();
    line.mend();
    transfer.resume();
    soon(transfer.done()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), sent);
    assert!(line.received() - before < (7 << 20), "{} bytes", line.received() - before);
    // One that is cancelled leaves nothing.
    let other = a.path().join("other.bin");
    line.cut_after_received(3 << 20);
    let transfer = alice.download(&file, &other).unwrap();
    waits(&transfer).await;
    transfer.cancel();
    let error = soon(transfer.done()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileIncomplete);
    assert!(!other.exists() && !a.path().join("other.bin.part").exists());
}

#[tokio::test]
async fn a_proxy_that_always_gives_everything_gives_a_download_its_file_all_the_same() {
    let (_world, a, line, alice) = alice_on_a_line().await;
    let sent = bytes(3 << 20, 23);
    let file = upload(&alice, sent.clone()).await;
    let target = a.path().join("back.bin");
    line.forget_ranges();
    line.cut_after_received(1 << 20);
    let transfer = alice.download(&file, &target).unwrap();
    waits(&transfer).await;
    let before = line.received();
    line.mend();
    soon(transfer.done()).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), sent);
    assert!(line.received() - before > (3 << 20), "all of it came once more");
    assert!(!a.path().join("back.bin.part").exists());
}

#[tokio::test]
async fn what_is_not_what_was_sent_never_gets_the_name_of_a_download() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let sent = bytes(400_000, 16);
    let file = upload(&alice, sent.clone()).await;
    let (target, part) = (a.path().join("back.bin"), a.path().join("back.bin.part"));
    // The message names another hash than the server.
    let wrong = FileAt { sha256: Some(anser_sdk::types::Sha256([7; 32])), ..FileAt::from(file.id) };
    let error = soon(alice.download(wrong, &target).unwrap().done()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ChecksumMismatch);
    let error = soon(alice.file_bytes(wrong, 1 << 20)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ChecksumMismatch);
    assert!(!target.exists() && !part.exists());
    // The beginning of another file, and one that is longer: all of it is fetched.
    for rest in [bytes(100_000, 17), bytes(400_000, 18), bytes(500_000, 19)] {
        std::fs::write(&part, rest).unwrap();
        soon(alice.download(&file, &target).unwrap().done()).await.unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), sent);
        assert!(!part.exists());
        std::fs::remove_file(&target).unwrap();
    }
    // Somebody writes there meanwhile: it is not overwritten, and what came is kept.
    let transfer = alice.download(&file, &target).unwrap();
    std::fs::write(&target, "mine").unwrap();
    let error = soon(transfer.done()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotEmpty);
    assert_eq!(std::fs::read(&target).unwrap(), b"mine");
    assert!(part.exists());
}

#[tokio::test]
async fn nothing_is_written_through_a_link_that_lies_where_a_part_goes() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let file = upload(&alice, bytes(100_000, 21)).await;
    let (target, diary) = (a.path().join("back.bin"), a.path().join("diary"));
    std::fs::write(&diary, "dear diary").unwrap();
    std::os::unix::fs::symlink(&diary, a.path().join("back.bin.part")).unwrap();
    let error = soon(alice.download(&file, &target).unwrap().done()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotEmpty);
    assert!(error.to_string().contains("back.bin.part is a symbolic link"), "{error}");
    assert_eq!(std::fs::read(&diary).unwrap(), b"dear diary");
}
