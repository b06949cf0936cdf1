//! Several people who write to one upload, and disks that are slow meanwhile.

use std::task::Poll;

use anser_backend::conformance::blobs::{hash_of, some_bytes};
use anser_backend::{BlobError, Blobs as _, UploadWriter};
use anser_files::FileStore;
use anser_types::UnixMs;
use bytes::Bytes;

use crate::disks::WildDisk;
use crate::people::{ID, begin, keep, offset, send, take, writer};
use crate::places::Place;

/// An upload of 3 MiB that is held: one block of its writer waits for the disk, another is being filled.
struct Held {
    place: Place,
    disk: WildDisk,
    store: FileStore,
    bytes: Bytes,
    writer: Box<dyn UploadWriter>,
}

impl Held {
    async fn new() -> Self {
        let (place, disk) = (Place::new(), WildDisk::default());
        let store = place.open_on(disk.clone());
        let bytes = some_bytes(1, 3 << 20);
        begin(&store, 1, Some(bytes.len())).await;
        let mut writer = writer(&store, ID, 0).await;
        disk.hold();
        take(&mut *writer, &bytes.slice(..400_000)).await.unwrap();
        disk.wait_for_writes();
        Self { place, disk, store, bytes, writer }
    }
}

#[tokio::test]
async fn whoever_wants_an_upload_is_told_when_a_slow_disk_holds_it() {
    let Held { place: _place, disk, store, bytes, mut writer } = Held::new().await;
    // Time passes as soon as everybody waits.
    tokio::time::pause();
    assert_eq!(store.upload(ID).await, Err(BlobError::Busy));
    assert_eq!(store.write(ID, 0, None, UnixMs(30)).await.err(), Some(BlobError::Busy));
    tokio::time::resume();
    disk.let_go();
    // Those who gave up do not end anybody's writing afterwards.
    take(&mut *writer, &bytes.slice(400_000..2 << 20)).await.unwrap();
    assert_eq!(writer.finish().await, Ok(2 << 20));
    send(&store, ID, 2 << 20, &bytes.slice(2 << 20..)).await;
    assert_eq!(keep(&store, ID).await, hash_of(&bytes));
}

#[tokio::test]
async fn a_crowd_that_wants_a_held_upload_is_sent_away_at_once_and_nobody_is_forgotten() {
    let Held { place: _place, disk, store, bytes, writer: _writer } = Held::new().await;
    let mut waiting = Vec::new();
    let mut sent_away = 0;
    for _ in 0..100 {
        let mut asks = store.upload(ID);
        match futures::poll!(&mut asks) {
            Poll::Pending => waiting.push(asks),
            Poll::Ready(answer) => {
                assert_eq!(answer, Err(BlobError::Busy));
                sent_away += 1;
            }
        }
    }
    assert!((1..=32).contains(&waiting.len()), "{} wait", waiting.len());
    assert_eq!(waiting.len() + sent_away, 100);
    disk.let_go();
    for asked in waiting {
        match asked.await {
            Ok(state) => assert_eq!(state.unwrap().offset, 400_000),
            // The disk took longer than anybody waits.
            Err(error) => assert_eq!(error, BlobError::Busy),
        }
    }
    send(&store, ID, 400_000, &bytes.slice(400_000..)).await;
    assert_eq!(keep(&store, ID).await, hash_of(&bytes));
}

#[tokio::test]
async fn a_writer_that_hangs_is_taken_over_with_everything_it_took() {
    let Held { place: _place, disk, store, bytes, mut writer } = Held::new().await;
    let (now, ()) = tokio::join!(offset(&store, ID), async { disk.let_go() });
    assert_eq!(now, 400_000, "also what waited for the disk, and what was not handed over");
    assert_eq!(take(&mut *writer, &bytes.slice(..1)).await, Err(BlobError::TakenOver));
    let mut newer = crate::people::writer(&store, ID, now).await;
    drop(writer);
    take(&mut *newer, &bytes.slice(now..)).await.unwrap();
    assert_eq!(newer.finish().await, Ok(bytes.len() as u64), "the farewell ended nobody else");
    assert_eq!(keep(&store, ID).await, hash_of(&bytes));
}

#[tokio::test]
async fn a_write_that_is_given_up_loses_nothing_that_was_taken() {
    let (place, disk) = (Place::new(), WildDisk::default());
    let store = place.open_on(disk.clone());
    let bytes = some_bytes(1, 3 << 20);
    begin(&store, 1, Some(bytes.len())).await;
    let mut first = writer(&store, ID, 0).await;
    disk.hold();
    let mut writing = Box::pin(take(&mut *first, &bytes));
    // It takes what its blocks hold, and waits.
    while futures::poll!(writing.as_mut()).is_ready() {}
    disk.wait_for_writes();
    drop(writing);
    drop(first);
    disk.let_go();
    let now = offset(&store, ID).await;
    assert_eq!(now, 1 << 20, "all blocks");
    send(&store, ID, now, &bytes.slice(now..)).await;
    assert_eq!(keep(&store, ID).await, hash_of(&bytes));
}

#[tokio::test]
async fn a_store_that_is_closed_kept_everything_and_answers_nobody() {
    let place = Place::new();
    let store = place.open();
    begin(&store, 1, Some(3_000)).await;
    let mut late = writer(&store, ID, 0).await;
    take(&mut *late, &some_bytes(1, 1_000)).await.unwrap();
    store.close().await;
    assert_eq!(late.write(some_bytes(1, 10)).await, Err(BlobError::TakenOver));
    assert!(late.finish().await.is_err());
    assert!(store.upload(ID).await.is_err());
    drop(store);
    assert_eq!(offset(&place.open(), ID).await, 1_000);
}

/// As many at once as there are, each with its own bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_beside_each_other_do_not_mix() {
    let place = Place::new();
    let store = place.open();
    let mut people = tokio::task::JoinSet::new();
    for id in 1..=20 {
        let store = store.clone();
        people.spawn(async move {
            let bytes = some_bytes(u32::from(id), 700_000 + usize::from(id));
            crate::people::kept(&store, id, &bytes).await;
            let read = crate::people::read(&store, hash_of(&bytes)).await.unwrap();
            assert!(read == bytes, "{id}");
        });
    }
    while let Some(done) = people.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.uploads().await.unwrap().len(), 20);
}
