//! Files through the client: sent once, had by everybody who may see the message, resumable both ways.

use std::path::Path;

use anser_gateway::ListenerKind;
use anser_sdk::types::{Content, ErrorCode, MessageKind, Target};
use anser_sdk::{
    Client, FileInfo, ShowAs, Transfer, TransferState, UploadOptions, UploadSource, file_in,
};
use bytes::Bytes;
use tempfile::{TempDir, tempdir};

use crate::line::Line;
use crate::world::{World, id, soon, until};

/// Bytes that look like nothing else.
pub fn bytes(count: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut all: Vec<u8> = std::iter::repeat_with(word).take(count.div_ceil(8)).flatten().collect();
    all.truncate(count);
    all.into()
}

/// A client whose HTTP goes over this line.
pub async fn over(world: &World, line: &Line, user: &str, store: &Path) -> Client {
    let builder = world.builder(ListenerKind::Tcp, store).http(line.base());
    let client = builder.login_with(world.devices(user)).await.unwrap();
    soon(client.wait_connected()).await.unwrap();
    client
}

/// A world, the directory of alice, and alice, whose HTTP goes over this line.
pub async fn alice_on_a_line() -> (World, TempDir, Line, Client) {
    let world = World::new();
    let a = tempdir().unwrap();
    let line = Line::to(world.address(ListenerKind::Http)).await;
    let alice = over(&world, &line, "alice", a.path()).await;
    (world, a, line, alice)
}

/// Waits until a transfer waits.
pub async fn waits(transfer: &Transfer) {
    let mut watch = transfer.watch();
    let waiting = |state: &TransferState| matches!(state, TransferState::Waiting { .. });
    let now = soon(watch.wait_for(|now| waiting(&now.state) || now.state.is_final())).await;
    let now = now.unwrap().clone();
    assert!(waiting(&now.state), "{now:?}");
}

/// An upload whose line is cut after so many MiB; it waits.
async fn breaks_off(
    client: &Client,
    line: &Line,
    mib: u64,
    source: impl Into<UploadSource>,
) -> Transfer {
    line.cut_after_sent(mib << 20);
    let transfer = client.upload(source, UploadOptions::default()).await.unwrap();
    waits(&transfer).await;
    transfer
}

/// Tries now, and waits until the transfer waits again; gives the reason, or nothing if it has ended.
async fn waits_again(transfer: &Transfer) -> Option<ErrorCode> {
    let mut watch = transfer.watch();
    let before = watch.borrow().state.clone();
    transfer.resume();
    let ends = |state: &TransferState| {
        state.is_final() || matches!(state, TransferState::Waiting { .. }) && *state != before
    };
    match &soon(watch.wait_for(|now| ends(&now.state))).await.unwrap().state {
        TransferState::Waiting { reason, .. } => Some(reason.code),
        _ => None,
    }
}

pub async fn upload(client: &Client, source: impl Into<UploadSource>) -> FileInfo {
    let transfer = client.upload(source, UploadOptions::default()).await.unwrap();
    soon(transfer.done()).await.unwrap()
}

fn content(file: &FileInfo) -> Content {
    Client::create_file_message_of(file, ShowAs::WhatItIs, "look").unwrap()
}

#[tokio::test]
async fn requirement_h1_a_file_is_sent_once_and_a_group_has_it_also_who_was_away() {
    let world = World::new();
    let (a, b, c, d) =
        (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let bob = world.client("bob", b.path()).await;
    bob.close().await;
    let carol = world.client("carol", c.path()).await;
    let stranger = world.client("dave", d.path()).await;
    let alice = world.client("alice", a.path()).await;
    let members = vec![id("bob"), id("carol")];
    let group = soon(alice.create_group("tea", members, false)).await.unwrap();

    let sent = bytes(300_000, 1);
    let path = a.path().join("plan.bin");
    std::fs::write(&path, &sent).unwrap();
    let file = upload(&alice, path).await;
    assert_eq!((file.name.as_str(), file.bytes), ("plan.bin", 300_000));
    let to = Target::Conversation(group);
    let id_of = soon(alice.send_message(to.clone(), content(&file))).await.unwrap();
    soon(alice.wait_sent(id_of)).await.unwrap();

    let bob = world.client("bob", b.path()).await;
    for reader in [&bob, &carol] {
        soon(reader.wait_synced()).await.unwrap();
        let message = soon(reader.history(group, anser_sdk::PageBounds::newest(1))).await.unwrap();
        let message = &message.messages[0];
        let named = file_in(message.content.as_ref().unwrap()).unwrap();
        assert_eq!((named.name.as_str(), named.bytes), ("plan.bin", 300_000));
        let at = Client::file_at(message).unwrap();
        let target = b.path().join(format!("from-{}", reader.user()));
        let got = soon(reader.download(at, &target).unwrap().done()).await.unwrap();
        assert_eq!(got.sha256, file.sha256);
        assert_eq!(std::fs::read(target).unwrap(), sent);
        assert_eq!(soon(reader.file_bytes(at, 300_000)).await.unwrap(), sent);
        let most = soon(reader.file_bytes(at, 299_999)).await.unwrap_err();
        assert_eq!(most.code(), ErrorCode::InvalidArgument);
    }
    let error = soon(stranger.file_info(file.id)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileUnknown);
    assert_eq!(soon(alice.file_usage()).await.unwrap().bytes, 300_000);
}

#[tokio::test]
async fn requirement_h1_a_small_file_of_memory_and_an_empty_one() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let named = UploadOptions { name: Some("notes.txt".to_owned()), ..UploadOptions::default() };
    for text in ["hello", ""] {
        let source = Bytes::from_static(text.as_bytes());
        let transfer = alice.upload(source.clone(), named.clone()).await.unwrap();
        let file = soon(transfer.done()).await.unwrap();
        assert_eq!((file.name.as_str(), file.bytes), ("notes.txt", source.len() as u64));
        assert_eq!(soon(alice.file_bytes(&file, 10)).await.unwrap(), source);
        let target = a.path().join(format!("{}.txt", text.len()));
        soon(alice.download(&file, &target).unwrap().done()).await.unwrap();
        assert_eq!(std::fs::read(target).unwrap(), source);
    }
    assert_eq!(alice.uploads().await.unwrap(), []);
}

#[tokio::test]
async fn requirement_h2_an_upload_goes_on_by_itself_where_the_line_broke() {
    let (_world, _a, line, alice) = alice_on_a_line().await;
    let sent = bytes(5 << 20, 2);
    let transfer = breaks_off(&alice, &line, 2, sent.clone()).await;
    line.mend();
    let file = soon(transfer.done()).await.unwrap();
    assert_eq!(file.bytes, sent.len() as u64);
    assert_eq!(soon(alice.file_bytes(&file, 6 << 20)).await.unwrap(), sent);
    // What had arrived was not sent again.
    assert!(line.sent() < (5 << 20) + 500_000, "{} bytes", line.sent());
    assert_eq!(soon(alice.file_usage()).await.unwrap().files, 1);
}

#[tokio::test]
async fn requirement_h2_an_upload_goes_on_after_the_app_was_started_anew() {
    let (world, a, line, alice) = alice_on_a_line().await;
    let path = a.path().join("film.bin");
    let sent = bytes(6 << 20, 3);
    std::fs::write(&path, &sent).unwrap();
    let transfer = breaks_off(&alice, &line, 3, path.as_path()).await;
    let running = alice.uploads().await.unwrap();
    assert!(running.len() == 1 && running[0].running, "{running:?}");
    let twice = alice.upload(path.as_path(), UploadOptions::default()).await.unwrap_err();
    assert_eq!(twice.code(), ErrorCode::UploadBusy);
    alice.close().await;
    assert_eq!(soon(transfer.done()).await.unwrap_err().code(), ErrorCode::Unreachable);

    line.mend();
    let before = line.sent();
    let alice = over(&world, &line, "alice", a.path()).await;
    let left = alice.uploads().await.unwrap();
    let shown: Vec<_> =
        left.iter().map(|one| (one.name.as_str(), one.bytes, one.running)).collect();
    assert_eq!(shown, [("film.bin", 6 << 20, false)]);
    let file = soon(alice.resume_upload(left[0].no).await.unwrap().done()).await.unwrap();
    assert_eq!(soon(alice.file_bytes(&file, 6 << 20)).await.unwrap(), sent);
    assert!(line.sent() - before < (3 << 20) + 500_000, "{} bytes", line.sent() - before);
    assert_eq!(alice.uploads().await.unwrap(), []);
    let again = alice.resume_upload(left[0].no).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::FileUnknown);
}

#[tokio::test]
async fn a_path_whose_upload_broke_off_goes_on_and_one_that_was_changed_begins_anew() {
    // What is on its way counts too: there is room for the file that was changed once the old one is given up.
    let world = World::with(|settings| settings.files.user_bytes = 9 << 20);
    let a = tempdir().unwrap();
    let line = Line::to(world.address(ListenerKind::Http)).await;
    let path = a.path().join("film.bin");
    for changed in [false, true] {
        let sent = bytes(4 << 20, 4 + u64::from(changed));
        std::fs::write(&path, &sent).unwrap();
        let alice = over(&world, &line, "alice", a.path()).await;
        breaks_off(&alice, &line, 2, path.as_path()).await;
        alice.close().await;
        line.mend();
        let alice = over(&world, &line, "alice", a.path()).await;
        let no = alice.uploads().await.unwrap()[0].no;
        let (now, transfer) = if changed {
            let now = bytes((4 << 20) - 1, 99);
            std::fs::write(&path, &now).unwrap();
            (now, alice.resume_upload(no).await.unwrap())
        } else {
            (sent, alice.upload(path.as_path(), UploadOptions::default()).await.unwrap())
        };
        assert_eq!(alice.uploads().await.unwrap()[0].no, no);
        let file = soon(transfer.done()).await.unwrap();
        assert_eq!(soon(alice.file_bytes(&file, 4 << 20)).await.unwrap(), now);
        assert_eq!(alice.uploads().await.unwrap(), []);
        alice.close().await;
    }
}

#[tokio::test]
async fn requirement_h2_an_upload_outlasts_a_proxy_that_cannot_reach_the_server() {
    let (_world, a, line, alice) = alice_on_a_line().await;
    let path = a.path().join("film.bin");
    let sent = bytes(4 << 20, 20);
    std::fs::write(&path, &sent).unwrap();
    let transfer = breaks_off(&alice, &line, 2, path.as_path()).await;
    // Longer than anything is tried that the server itself cannot explain.
    line.answer_instead("502 Bad Gateway");
    for _ in 0..12 {
        assert_eq!(waits_again(&transfer).await, Some(ErrorCode::Unreachable));
    }
    line.answer_instead("500 Internal Server Error");
    while waits_again(&transfer).await.is_some() {}
    assert_eq!(soon(transfer.done()).await.unwrap_err().code(), ErrorCode::Internal);
    // Nothing was said of the file: it is still there to be gone on with.
    line.mend();
    let before = line.sent();
    let left = alice.uploads().await.unwrap();
    let transfer = alice.resume_upload(left[0].no).await.unwrap();
    let file = soon(transfer.done()).await.unwrap();
    assert_eq!(soon(alice.file_bytes(&file, 4 << 20)).await.unwrap(), sent);
    assert!(line.sent() - before < (2 << 20) + 500_000, "{} bytes", line.sent() - before);
    assert_eq!(alice.uploads().await.unwrap(), []);
}

#[tokio::test]
async fn requirement_h2_an_upload_goes_on_when_the_server_was_killed() {
    let (mut world, _a, line, alice) = alice_on_a_line().await;
    let sent = bytes(4 << 20, 6);
    let transfer = breaks_off(&alice, &line, 2, sent.clone()).await;
    world.kill();
    line.mend();
    // Nobody is there now.
    let mut watch = transfer.watch();
    watch.mark_unchanged();
    transfer.resume();
    soon(watch.changed()).await.unwrap();
    waits(&transfer).await;
    world.start();
    let file = soon(transfer.done()).await.unwrap();
    assert_eq!(soon(alice.file_bytes(&file, 4 << 20)).await.unwrap(), sent);
}

#[tokio::test]
async fn requirement_h2_a_voice_is_sent_while_it_is_recorded() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let line = Line::to(world.address(ListenerKind::Http)).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    let alice = over(&world, &line, "alice", a.path()).await;
    let (mut recording, source) = UploadSource::recording();
    let transfer = alice.upload(source, UploadOptions::default()).await.unwrap();
    let said = bytes(200_000, 7);
    recording.write(&said[..120_000]).await.unwrap();
    let mut watch = transfer.watch();
    soon(watch.wait_for(|now| now.moved >= 120_000)).await.unwrap();
    assert_eq!(transfer.progress().total, None);
    // The line breaks in the middle of a sentence.
    line.cut_after_sent(10_000);
    for frame in said[120_000..].chunks(60) {
        soon(recording.write(frame)).await.unwrap();
    }
    waits(&transfer).await;
    line.mend();
    recording.finish().await.unwrap();
    let file = soon(transfer.done()).await.unwrap();
    assert_eq!(file.bytes, 200_000);
    let voice = ShowAs::Voice { duration_ms: 2_500, waveform: Bytes::from_static(&[1, 9, 4]) };
    let content = Client::create_file_message_of(&file, voice.clone(), "").unwrap();
    assert_eq!(content.kind, MessageKind::Voice);
    assert_eq!(content.files, [file.id]);
    let captioned = Client::create_file_message_of(&file, voice, "hear").unwrap_err();
    assert_eq!(captioned.code, ErrorCode::InvalidArgument);
    soon(alice.send_message(id("bob"), content)).await.unwrap();
    let at = until(&mut of_bob, |event| match event {
        anser_sdk::Event::NewMessage(message) => Some(Client::file_at(message).unwrap()),
        _ => None,
    });
    assert_eq!(soon(bob.file_bytes(at.await, 200_000)).await.unwrap(), said);
}

#[tokio::test]
async fn a_recording_that_is_dropped_is_no_file() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let (mut recording, source) = UploadSource::recording();
    let transfer = alice.upload(source, UploadOptions::default()).await.unwrap();
    recording.write(bytes(5_000, 8)).await.unwrap();
    drop(recording);
    let error = soon(transfer.done()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileIncomplete);
    assert_eq!(soon(alice.file_usage()).await.unwrap().files, 0);
}

#[tokio::test]
async fn requirement_h3_what_the_server_has_is_not_sent_again() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let line = Line::to(world.address(ListenerKind::Http)).await;
    let alice = world.client("alice", a.path()).await;
    let bob = over(&world, &line, "bob", b.path()).await;
    for size in [70_000, 3 << 20] {
        let sent = bytes(size, 9);
        let first = upload(&alice, sent.clone()).await;
        let before = line.sent();
        let path = b.path().join("same.bin");
        std::fs::write(&path, &sent).unwrap();
        let second = upload(&bob, path).await;
        assert!(line.sent() - before < 5_000, "{} bytes", line.sent() - before);
        assert_eq!((second.sha256, second.name.as_str()), (first.sha256, "same.bin"));
        assert_ne!(second.id, first.id);
        assert_eq!(soon(bob.file_bytes(&second, 4 << 20)).await.unwrap(), sent);
        // Knowing a name gives nobody the file.
        let error = soon(bob.file_info(first.id)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::FileUnknown);
    }
    assert_eq!(bob.uploads().await.unwrap(), []);
}

#[tokio::test]
async fn an_upload_is_paused_goes_on_and_is_cancelled() {
    let (_world, a, line, alice) = alice_on_a_line().await;
    let path = a.path().join("film.bin");
    let sent = bytes(4 << 20, 10);
    std::fs::write(&path, &sent).unwrap();
    let transfer = breaks_off(&alice, &line, 2, path.as_path()).await;
    line.mend();
    transfer.pause();
    let mut watch = transfer.watch();
    soon(watch.wait_for(|now| now.state == TransferState::Paused)).await.unwrap();
    transfer.resume();
    let file = soon(transfer.done()).await.unwrap();
    assert_eq!(soon(alice.file_bytes(&file, 4 << 20)).await.unwrap(), sent);

    std::fs::write(&path, bytes(4 << 20, 11)).unwrap();
    let transfer = breaks_off(&alice, &line, 2, path.as_path()).await;
    line.mend();
    transfer.cancel();
    transfer.resume();
    let error = soon(transfer.done()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileIncomplete);
    assert_eq!(alice.uploads().await.unwrap(), []);
    let usage = soon(alice.file_usage()).await.unwrap();
    assert_eq!((usage.files, usage.bytes), (1, 4 << 20));
    soon(alice.remove_file(file.id)).await.unwrap();
    assert_eq!(soon(alice.file_usage()).await.unwrap().files, 0);
}

#[tokio::test]
async fn what_the_server_refuses_for_good_ends_an_upload_with_the_reason() {
    let world = World::with(|settings| {
        settings.files.file_bytes = 1 << 20;
        settings.files.user_bytes = 1_500_000;
    });
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let refused = async |size: usize, seed: u64| {
        let path = a.path().join("film.bin");
        std::fs::write(&path, bytes(size, seed)).unwrap();
        let transfer = alice.upload(path, UploadOptions::default()).await.unwrap();
        let code = soon(transfer.done()).await.unwrap_err().code();
        assert_eq!(alice.uploads().await.unwrap(), []);
        code
    };
    assert_eq!(refused((1 << 20) + 1, 12).await, ErrorCode::FileTooLarge);
    upload(&alice, bytes(1 << 20, 13)).await;
    assert_eq!(refused(1 << 20, 14).await, ErrorCode::QuotaExceeded);
    let nowhere = a.path().join("nowhere");
    let error = alice.upload(nowhere, UploadOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let no_file = alice.upload(a.path(), UploadOptions::default()).await.unwrap_err();
    assert_eq!(no_file.code(), ErrorCode::InvalidArgument);
}
