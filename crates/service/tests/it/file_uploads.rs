//! Uploads: that what has arrived stays, that only what is whole is a file, and how much anybody may send.

use anser_backend::Accounts as _;
use anser_service::{Caller, NewUpload, UploadProgress, Variant};
use anser_types::limits::UPLOAD_KEEP_MS;
use anser_types::{Clock as _, Command, ErrorCode, FileId, Refusal};
use bytes::Bytes;

use crate::files::{caller, sha256, upload, with};
use crate::world::{World, id as id_of, quick_settings, to};

fn of(length: u64) -> NewUpload {
    NewUpload { length: Some(length), ..NewUpload::default() }
}

async fn append(
    world: &World,
    who: &Caller,
    (id, offset): (FileId, u64),
    bytes: &[u8],
) -> Result<UploadProgress, Refusal> {
    let mut into = world.service.write_upload(who, id, offset, None).await?;
    into.write(Bytes::copy_from_slice(bytes)).await?;
    into.finish().await
}

fn code<T>(result: Result<T, Refusal>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(refusal) => refusal.code,
    }
}

#[tokio::test]
async fn requirement_h2_an_upload_goes_on_where_it_broke_off_also_after_a_crash() {
    let mut world = World::new();
    let alice = caller(&world, "alice").await;
    let id = world.service.begin_upload(&alice, of(10)).await.unwrap().id;
    append(&world, &alice, (id, 0), b"12345").await.unwrap();
    // A request that breaks off in the middle.
    let mut into = world.service.write_upload(&alice, id, 5, None).await.unwrap();
    into.write(Bytes::from_static(b"67")).await.unwrap();
    drop(into);
    world.crash();
    let alice = caller(&world, "alice").await;
    let so_far = world.service.upload(&alice, id).await.unwrap();
    assert_eq!((so_far.offset, so_far.length, so_far.file), (7, Some(10), None));
    let wrong = append(&world, &alice, (id, 5), b"67890").await;
    assert_eq!(code(wrong), ErrorCode::UploadConflict);
    let done = append(&world, &alice, (id, 7), b"890").await.unwrap();
    let file = done.file.expect("it is complete");
    assert_eq!((file.id, file.sha256), (id, sha256(b"1234567890")));
    // Asking again, and sending the end again, says the same.
    assert_eq!(world.service.upload(&alice, id).await.unwrap().offset, 10);
    assert_eq!(code(append(&world, &alice, (id, 7), b"890").await), ErrorCode::UploadConflict);
}

#[tokio::test]
async fn requirement_h2_a_voice_is_sent_while_it_is_recorded() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let begun = world.service.begin_upload(&alice, NewUpload::default()).await.unwrap();
    assert_eq!(begun.length, None);
    append(&world, &alice, (begun.id, 0), b"some ").await.unwrap();
    append(&world, &alice, (begun.id, 5), b"words").await.unwrap();
    let mut last = world.service.write_upload(&alice, begun.id, 10, Some(11)).await.unwrap();
    last.write(Bytes::from_static(b"!")).await.unwrap();
    let file = last.finish().await.unwrap().file.expect("its length is known now");
    assert_eq!(file.sha256, sha256(b"some words!"));
}

#[tokio::test]
async fn guarantee_g21_a_file_is_good_for_nothing_before_all_of_it_is_here_and_right() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let mut device = world.connect("alice").await;
    let announced = NewUpload { sha256: Some(sha256(b"right")), ..of(5) };
    let id = world.service.begin_upload(&alice, announced.clone()).await.unwrap().id;
    append(&world, &alice, (id, 0), b"ri").await.unwrap();
    assert_eq!(code(world.service.file(&alice, id, None).await), ErrorCode::FileIncomplete);
    let say = |id| Command::SendMessage { to: to("alice"), content: with(&[id]) };
    assert_eq!(device.refused(say(id)).await, ErrorCode::FileIncomplete);
    assert_eq!(code(append(&world, &alice, (id, 2), b"GHT").await), ErrorCode::ChecksumMismatch);
    assert_eq!(code(world.service.upload(&alice, id).await), ErrorCode::FileUnknown);
    assert_eq!(device.refused(say(id)).await, ErrorCode::FileUnknown);
    let again = world.service.begin_upload(&alice, announced).await.unwrap().id;
    append(&world, &alice, (again, 0), b"right").await.unwrap();
    device.done(say(again)).await;
}

#[tokio::test]
async fn a_later_request_takes_an_upload_over_and_nobody_elses() {
    let world = World::new();
    let (alice, bob) = (caller(&world, "alice").await, caller(&world, "bob").await);
    let id = world.service.begin_upload(&alice, of(6)).await.unwrap().id;
    let mut slow = world.service.write_upload(&alice, id, 0, None).await.unwrap();
    slow.write(Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(code(world.service.upload(&bob, id).await), ErrorCode::FileUnknown);
    assert_eq!(code(append(&world, &bob, (id, 3), b"xyz").await), ErrorCode::FileUnknown);
    assert_eq!(code(world.service.give_up_upload(&bob, id).await), ErrorCode::FileUnknown);
    let so_far = world.service.upload(&alice, id).await.unwrap();
    assert_eq!(so_far.offset, 3, "what came before the break is here");
    assert_eq!(code(slow.write(Bytes::from_static(b"d")).await), ErrorCode::UploadConflict);
    let file = append(&world, &alice, (id, 3), b"def").await.unwrap().file.unwrap();
    assert_eq!(file.sha256, sha256(b"abcdef"));
}

#[tokio::test]
async fn parts_become_one_file_in_the_order_in_which_they_are_named() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let mut parts = Vec::new();
    for bytes in [b"one,", b"two,"] {
        let part = NewUpload { part: true, ..of(4) };
        let id = world.service.begin_upload(&alice, part).await.unwrap().id;
        let done = append(&world, &alice, (id, 0), bytes).await.unwrap();
        assert_eq!((done.file, done.part), (None, true));
        parts.push(id);
    }
    let whole = NewUpload { name: "list".into(), ..NewUpload::default() };
    let ordinary = world.service.begin_upload(&alice, of(9)).await.unwrap().id;
    let wrong = world.service.join_uploads(&alice, whole.clone(), vec![parts[0], ordinary]).await;
    assert_eq!(code(wrong), ErrorCode::InvalidArgument);
    parts.reverse();
    let joined = world.service.join_uploads(&alice, whole, parts.clone()).await.unwrap();
    let file = joined.file.expect("it is complete");
    assert_eq!((file.sha256, &*file.name), (sha256(b"two,one,"), "list"));
    assert_eq!(code(world.service.upload(&alice, parts[0]).await), ErrorCode::FileUnknown);
}

#[tokio::test]
async fn nobody_sends_more_than_they_may_and_is_told_how_much_that_is() {
    let mut settings = quick_settings();
    (settings.files.file_bytes, settings.files.user_bytes) = (100, 250);
    let world = World::with(settings);
    let alice = caller(&world, "alice").await;
    let begin = |new: NewUpload| world.service.begin_upload(&alice, new);
    let too_large = begin(of(101)).await.unwrap_err();
    assert_eq!((too_large.code, too_large.detail.contains("100")), (ErrorCode::FileTooLarge, true));
    let growing = begin(NewUpload::default()).await.unwrap().id;
    let mut into = world.service.write_upload(&alice, growing, 0, None).await.unwrap();
    into.write(Bytes::from_static(&[0; 100])).await.unwrap();
    assert_eq!(code(into.write(Bytes::from_static(b"1")).await), ErrorCode::FileTooLarge);
    into.finish().await.unwrap();
    // What is on its way counts as well as what is here.
    upload(&world, &alice, &[1; 100]).await;
    let over = begin(of(51)).await.unwrap_err();
    assert_eq!((over.code, over.detail.contains("250")), (ErrorCode::QuotaExceeded, true));
    world.service.give_up_upload(&alice, growing).await.unwrap();
    upload(&world, &alice, &[2; 51]).await;
    for name in ["a/b", "a\0b", &"x".repeat(256)] {
        let named = NewUpload { name: name.to_owned(), ..of(1) };
        assert_eq!(code(begin(named).await), ErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn uploads_at_once_are_limited_also_over_a_restart_and_old_ones_are_given_up() {
    let mut world = World::new();
    let alice = caller(&world, "alice").await;
    for _ in 0..64 {
        world.service.begin_upload(&alice, of(9)).await.unwrap();
    }
    let refused = world.service.begin_upload(&alice, of(9)).await;
    assert_eq!(code(refused), ErrorCode::LimitReached);
    world.crash();
    let alice = caller(&world, "alice").await;
    assert_eq!(code(world.service.begin_upload(&alice, of(9)).await), ErrorCode::LimitReached);
    world.clock.forward(UPLOAD_KEEP_MS);
    world.service.collect_files(world.clock.now()).await.unwrap();
    world.service.begin_upload(&alice, of(9)).await.unwrap();
}

#[tokio::test]
async fn an_upload_is_not_given_up_while_something_comes() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let id = world.service.begin_upload(&alice, of(3)).await.unwrap().id;
    let mut into = world.service.write_upload(&alice, id, 0, None).await.unwrap();
    for byte in [b"a", b"b", b"c"] {
        world.clock.forward(UPLOAD_KEEP_MS / 2 + 1);
        into.write(Bytes::from_static(byte)).await.unwrap();
        world.service.collect_files(world.clock.now()).await.unwrap();
    }
    assert_eq!(into.finish().await.unwrap().file.map(|file| file.sha256), Some(sha256(b"abc")));
}

#[tokio::test]
async fn who_removes_a_file_removes_only_what_no_message_holds() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let mut device = world.connect("alice").await;
    let (held, unheld) = (upload(&world, &alice, b"1").await, upload(&world, &alice, b"2").await);
    device.done(Command::SendMessage { to: to("alice"), content: with(&[held.id]) }).await;
    assert_eq!(code(world.service.give_up_upload(&alice, held.id).await), ErrorCode::NotAllowed);
    world.service.give_up_upload(&alice, unheld.id).await.unwrap();
    assert_eq!(code(world.service.file(&alice, unheld.id, None).await), ErrorCode::FileUnknown);
    let empty = world.service.begin_upload(&alice, of(0)).await.unwrap();
    assert_eq!(empty.file.map(|file| file.sha256), Some(sha256(b"")));
}

#[tokio::test]
async fn guarantee_g26_who_is_signed_out_sends_and_fetches_no_more_within_seconds() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let file = upload(&world, &alice, &[7; 1_000_000]).await;
    let id = world.service.begin_upload(&alice, of(6)).await.unwrap().id;
    let mut into = world.service.write_upload(&alice, id, 0, None).await.unwrap();
    let mut reader =
        world.service.read_file(Some(&alice), &file, Variant::Whole, None).await.unwrap();
    reader.read().await.unwrap();
    into.write(Bytes::from_static(b"abc")).await.unwrap();
    world.clock.forward(2_000);
    into.write(Bytes::from_static(b"d")).await.unwrap();
    let user = world.store.user(id_of("alice")).await.unwrap().unwrap().no;
    world.store.revoke(user, Some(alice.device())).await.unwrap();
    world.clock.forward(2_000);
    assert_eq!(code(into.write(Bytes::from_static(b"ef")).await), ErrorCode::SignedOut);
    assert_eq!(code(reader.read().await), ErrorCode::SignedOut);
}
