//! Disks that say no: what was not made durable is never acknowledged, and reads go on.

use anser_backend::conformance::blobs::{announced, hash_of, some_bytes};
use anser_backend::{BlobError, Blobs as _};
use anser_files::{FileStore, Settings};
use anser_types::UnixMs;

use crate::disks::WildDisk;
use crate::people::{ID, begin, keep, kept, offset, read, send, take, writer};
use crate::places::Place;

fn is_failed<T: std::fmt::Debug>(result: &Result<T, BlobError>) -> bool {
    matches!(result, Err(BlobError::Failed(_)))
}

fn is_full<T: std::fmt::Debug>(result: &Result<T, BlobError>) -> bool {
    matches!(result, Err(BlobError::Full(_)))
}

#[tokio::test]
async fn guarantee_g20_an_upload_whose_sync_failed_is_never_acknowledged_again() {
    let (place, disk) = (Place::new(), WildDisk::default());
    let store = place.open_on(disk.clone());
    begin(&store, 1, Some(3_000)).await;
    send(&store, ID, 0, &some_bytes(1, 1_000)).await;
    let mut failing = writer(&store, ID, 1_000).await;
    take(&mut *failing, &some_bytes(2, 1_000)).await.unwrap();
    disk.fail_syncs(1);
    assert!(is_failed(&failing.finish().await));
    // The disk says yes again, but what it lost is lost.
    assert!(is_failed(&store.upload(ID).await));
    assert!(is_failed(&store.write(ID, 1_000, None, UnixMs(30)).await.map(drop)));
    assert!(is_failed(&store.examine(ID).await));
    assert_eq!(store.uploads().await.unwrap()[0].offset, 1_000);
    kept(&store, 2, &some_bytes(3, 500)).await;
    // The next process goes on from what was durable.
    let left = place.image();
    let store = left.open();
    assert_eq!(send(&store, ID, 1_000, &some_bytes(2, 2_000)).await, 3_000);
}

#[tokio::test]
async fn a_sync_that_fails_beside_writing_fails_the_writer() {
    let (place, disk) = (Place::new(), WildDisk::default());
    let store = place.open_on(disk.clone());
    begin(&store, 1, None).await;
    let mut failing = writer(&store, ID, 0).await;
    disk.fail_syncs(1);
    // The first error is met on the way and told to nobody else by the system.
    let taken = take(&mut *failing, &some_bytes(1, 20 << 20)).await;
    assert!(is_failed(&failing.finish().await), "{taken:?}");
    assert_eq!(store.uploads().await.unwrap()[0].offset, 0);
}

#[tokio::test]
async fn a_full_disk_refuses_bytes_and_keeps_what_it_has() {
    let (place, disk) = (Place::new(), WildDisk::default());
    let store = place.open_on(disk.clone());
    let old = kept(&store, 2, &some_bytes(2, 3_000)).await;
    let bytes = some_bytes(1, 4 << 20);
    begin(&store, 1, Some(bytes.len())).await;
    send(&store, ID, 0, &bytes.slice(..1 << 20)).await;
    disk.set_room(Some(700_000));
    let mut full = writer(&store, ID, 1 << 20).await;
    let taken = take(&mut *full, &bytes.slice(1 << 20..)).await;
    let finished = full.finish().await;
    assert!(is_full(&finished), "{taken:?}, {finished:?}");
    disk.set_room(Some(0));
    assert_eq!(read(&store, old).await.unwrap().len(), 3_000, "reads go on");
    disk.set_room(None);
    let now = offset(&store, ID).await;
    assert!((1 << 20..2 << 20).contains(&now), "{now}");
    // Others than those that did not fit: what was never written is in no hash.
    let others = some_bytes(4, bytes.len() - now);
    assert_eq!(send(&store, ID, now, &others).await, bytes.len() as u64);
    let whole = [&bytes[..now], &others].concat();
    assert_eq!(keep(&store, ID).await, hash_of(&whole));
}

#[tokio::test]
async fn room_that_must_stay_free_is_not_taken() {
    let place = Place::new();
    let settings = Settings { min_free_bytes: u64::MAX / 2, ..place.settings() };
    let store = FileStore::open(&settings).unwrap();
    assert!(is_full(&store.begin(announced(1, Some(1))).await));
    assert_eq!(store.uploads().await.unwrap(), []);
    store.close().await;
    let store = place.open();
    begin(&store, 1, Some(1)).await;
    let too_much = store.begin(announced(2, Some(1 << 60))).await;
    assert!(is_full(&too_much), "{too_much:?}");
}
