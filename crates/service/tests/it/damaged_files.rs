//! A disk that changes the bytes of files or loses them: nobody is given them, it is found out, and whoever has the file
//! mends it for everybody.

use std::time::Duration;

use anser_backend::{Blobs as _, Condition};
use anser_service::{Caller, Variant};
use anser_types::{ErrorCode, Refusal, StoredFile};
use bytes::Bytes;

use crate::files::{caller, claim, fetched, upload};
use crate::world::{World, quick_settings};

const FILM: &[u8] = b"a film of geese";

/// What somebody who wants a file is told.
async fn refused(world: &World, who: &Caller, file: &StoredFile) -> ErrorCode {
    let found = world.service.file(who, file.id, None).await.unwrap();
    let ranges = [None, Some(5..file.bytes)];
    let mut codes = Vec::new();
    for range in ranges {
        let read = world.service.read_file(Some(who), &found, Variant::Whole, range).await;
        codes.push(read.err().map(|refusal| refusal.code));
    }
    assert_eq!(codes[0], codes[1], "a part is told the same");
    codes[0].expect("it is not given")
}

async fn condition(world: &World, file: &StoredFile) -> Condition {
    world.blobs.condition(file.sha256, file.bytes).await.unwrap()
}

async fn claimed(world: &World, who: &Caller) -> Result<StoredFile, ErrorCode> {
    let claimed = claim(&world.service, who, FILM, FILM).await;
    claimed.map_err(|Refusal { code, .. }| code)
}

#[tokio::test]
async fn guarantee_g21_changed_bytes_are_found_given_to_nobody_and_mended_by_whoever_sends_them() {
    let world = World::new();
    let (alice, bob) = (caller(&world, "alice").await, caller(&world, "bob").await);
    let file = upload(&world, &alice, FILM).await;
    world.blobs.damage(file.sha256, Bytes::from_static(b"a film of goose"));
    assert_eq!(world.service.verify_files(None, u64::MAX).await.unwrap(), None);
    assert_eq!(condition(&world, &file).await, Condition::Missing, "it is set aside");
    assert_eq!(refused(&world, &alice, &file).await, ErrorCode::FileDamaged);
    assert_eq!(claimed(&world, &bob).await.err(), Some(ErrorCode::NotInPossession));
    upload(&world, &bob, FILM).await;
    assert_eq!(fetched(&world.service, &alice, file.id).await, FILM);
    assert_eq!(claimed(&world, &bob).await.unwrap().sha256, file.sha256);
    world.service.verify_files(None, u64::MAX).await.unwrap();
    assert_eq!(condition(&world, &file).await, Condition::Intact);
}

/// Before anything looks for it.
#[tokio::test]
async fn lost_and_shortened_files_are_said_to_be_damaged_and_not_unknown() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let file = upload(&world, &alice, FILM).await;
    world.blobs.damage(file.sha256, Bytes::from_static(b"a film"));
    assert_eq!(refused(&world, &alice, &file).await, ErrorCode::FileDamaged);
    assert_eq!(claimed(&world, &alice).await.err(), Some(ErrorCode::NotInPossession));
    world.blobs.remove(file.sha256).await.unwrap();
    assert_eq!(refused(&world, &alice, &file).await, ErrorCode::FileDamaged);
    assert_eq!(claimed(&world, &alice).await.err(), Some(ErrorCode::NotInPossession));
    upload(&world, &alice, FILM).await;
    assert_eq!(fetched(&world.service, &alice, file.id).await, FILM);
}

#[tokio::test]
async fn files_are_read_again_some_at_a_time_and_all_of_them() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let mut files = Vec::new();
    for n in 0..5_u8 {
        files.push(upload(&world, &alice, &[n]).await);
    }
    files.sort_by_key(|file| file.sha256);
    for file in &files {
        world.blobs.damage(file.sha256, Bytes::from_static(b"?"));
    }
    let mut after = None;
    for looked_at in 1..=5 {
        after = world.service.verify_files(after, 1).await.unwrap();
        assert_eq!(after, Some(files[looked_at - 1].sha256));
        for (n, file) in files.iter().enumerate() {
            let wanted = if n < looked_at { Condition::Missing } else { Condition::Damaged };
            assert_eq!(condition(&world, file).await, wanted);
        }
    }
    assert_eq!(world.service.verify_files(after, 1).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn everything_is_read_again_in_rounds_by_itself() {
    let round = Duration::from_secs(4 * 3600);
    let mut settings = quick_settings();
    settings.files.verify_every_ms = 4 * 3600 * 1000;
    let world = World::with(settings);
    let alice = caller(&world, "alice").await;
    let file = upload(&world, &alice, FILM).await;
    for _ in 0..3 {
        // Long enough for whatever begins at once.
        tokio::time::sleep(Duration::from_secs(600)).await;
        world.blobs.damage(file.sha256, Bytes::from_static(b"a film of goose"));
        tokio::time::sleep(round / 2).await;
        assert_eq!(condition(&world, &file).await, Condition::Damaged, "not all the time");
        tokio::time::sleep(round / 2).await;
        assert_eq!(condition(&world, &file).await, Condition::Missing);
        upload(&world, &alice, FILM).await;
    }
}
