//! Crashes at every step of an upload, with what a kill and what a power failure leaves.

use anser_backend::conformance::blobs::{announced, hash_of, some_bytes};
use anser_backend::{BlobError, Blobs as _, Upload};
use anser_types::{FileId, UnixMs};
use bytes::Bytes;

use crate::disks::{Left, WildDisk};
use crate::people::{ID, begin, keep, kept, offset, read, send, take, writer};
use crate::places::Place;

/// More than is synced on the way.
const LONG: usize = 20 << 20;

struct Crashes {
    place: Place,
    disk: WildDisk,
    bytes: Bytes,
}

impl Crashes {
    /// Lets everything crash now: the upload goes on between what was acknowledged and what was taken, and becomes the
    /// right file.
    async fn try_now(&self, acknowledged: usize, taken: usize) {
        for left in [Left::Seen, Left::Synced, Left::NotesFirst] {
            let image = self.disk.image(&self.place, left);
            let store = image.open();
            let now = offset(&store, ID).await;
            assert!((acknowledged..=taken).contains(&now), "{left:?}: {now} of {taken}");
            assert!(!image.spool().join("aside").exists(), "{left:?}: something was damaged");
            if acknowledged < self.bytes.len() && now < self.bytes.len() {
                assert_eq!(store.examine(ID).await.err(), incomplete(now, self.bytes.len()));
                assert_eq!(read(&store, hash_of(&self.bytes)).await, Err(BlobError::Unknown));
            }
            assert_eq!(send(&store, ID, now, &self.bytes.slice(now..)).await, LONG as u64);
            let sha256 = keep(&store, ID).await;
            assert_eq!(sha256, hash_of(&self.bytes), "{left:?}");
            assert!(read(&store, sha256).await.unwrap() == self.bytes, "{left:?}");
        }
    }
}

fn incomplete(now: usize, all: usize) -> Option<BlobError> {
    (now < all).then_some(BlobError::Incomplete(now as u64))
}

#[tokio::test]
async fn requirement_h2_an_upload_goes_on_after_a_crash_at_any_step() {
    let (place, disk) = (Place::new(), WildDisk::default());
    let store = place.open_on(disk.clone());
    let bytes = some_bytes(1, LONG);
    let crashes = Crashes { place, disk, bytes: bytes.clone() };
    begin(&store, 1, Some(LONG)).await;
    crashes.try_now(0, 0).await;
    send(&store, ID, 0, &bytes.slice(..700_000)).await;
    crashes.try_now(700_000, 700_000).await;
    let mut first = writer(&store, ID, 700_000).await;
    take(&mut *first, &bytes.slice(700_000..900_000)).await.unwrap();
    crashes.try_now(700_000, 900_000).await;
    first.undo().await.unwrap();
    crashes.try_now(700_000, 700_000).await;
    let mut second = writer(&store, ID, 700_000).await;
    take(&mut *second, &bytes.slice(700_000..800_000)).await.unwrap();
    drop(second);
    assert_eq!(offset(&store, ID).await, 800_000);
    crashes.try_now(800_000, 800_000).await;
    let mut third = writer(&store, ID, 800_000).await;
    take(&mut *third, &bytes.slice(800_000..18 << 20)).await.unwrap();
    crashes.try_now(800_000, 18 << 20).await;
    assert_eq!(third.finish().await.unwrap(), 18 << 20);
    crashes.try_now(18 << 20, 18 << 20).await;
    send(&store, ID, 18 << 20, &bytes.slice(18 << 20..)).await;
    crashes.try_now(LONG, LONG).await;
    let examined = store.examine(ID).await.unwrap();
    crashes.try_now(LONG, LONG).await;
    store.keep(ID, examined).await.unwrap();
    crashes.try_now(LONG, LONG).await;
    let left = crashes.disk.image(&crashes.place, Left::Synced);
    let image = left.open();
    assert!(read(&image, hash_of(&bytes)).await.unwrap() == bytes, "kept is durable");
    store.give_up(ID).await.unwrap();
    for left in [Left::Seen, Left::Synced] {
        let left = crashes.disk.image(&crashes.place, left);
        let image = left.open();
        assert_eq!(image.uploads().await.unwrap(), []);
        assert!(read(&image, hash_of(&bytes)).await.unwrap() == bytes);
    }
}

#[tokio::test]
async fn what_is_undone_stays_undone_although_it_was_synced_on_the_way() {
    let (place, disk) = (Place::new(), WildDisk::default());
    let store = place.open_on(disk.clone());
    let bytes = some_bytes(1, LONG);
    begin(&store, 1, Some(LONG)).await;
    send(&store, ID, 0, &bytes.slice(..100)).await;
    let mut wrong = writer(&store, ID, 100).await;
    take(&mut *wrong, &some_bytes(2, 19 << 20)).await.unwrap();
    wrong.undo().await.unwrap();
    let crashes = Crashes { place, disk, bytes };
    crashes.try_now(100, 100).await;
}

/// A note that loses its end says what it said before, or is set aside; it never invents an offset.
#[tokio::test]
async fn a_note_that_is_cut_anywhere_never_says_more_than_was_durable() {
    let place = Place::new();
    let store = place.open();
    let upload = Upload { name: "a picture".into(), ..announced(1, Some(3_000)) };
    store.begin(upload).await.unwrap();
    send(&store, ID, 0, &some_bytes(1, 1_000)).await;
    send(&store, ID, 1_000, &some_bytes(2, 1_000)).await;
    let image = place.image();
    let note = image.spool().join(format!("{ID}.note"));
    let whole = std::fs::read(&note).unwrap();
    let near = |at: usize| (at % 4096) < 130 || at.is_multiple_of(97);
    for cut in (0..=whole.len()).filter(|cut| near(*cut)) {
        std::fs::write(image.spool().join(format!("{ID}.bytes")), [7; 2_500]).unwrap();
        std::fs::write(&note, &whole[..cut]).unwrap();
        let opened = image.open();
        let found = opened.uploads().await.unwrap();
        match &found[..] {
            [] => std::fs::remove_dir_all(image.spool().join("aside")).unwrap(),
            [one] => assert!([1_000, 2_000].contains(&one.offset), "cut at {cut}: {one:?}"),
            more => panic!("{more:?}"),
        }
        if cut == whole.len() {
            assert_eq!(found[0].offset, 2_000);
        }
        opened.close().await;
    }
}

#[tokio::test]
async fn guarantee_g21_nothing_is_a_file_before_it_is_whole_and_has_its_hash() {
    let place = Place::new();
    let store = place.open();
    let bytes = some_bytes(1, 3 << 20);
    let sha256 = hash_of(&bytes);
    let upload = Upload { sha256: Some(sha256), ..announced(1, Some(bytes.len())) };
    store.begin(upload).await.unwrap();
    send(&store, ID, 0, &bytes.slice(..1 << 20)).await;
    let examined = anser_backend::Examined {
        sha256,
        bytes: bytes.len() as u64,
        media_type: "application/octet-stream".into(),
        look: None,
    };
    let early = store.keep(ID, examined.clone()).await;
    assert_eq!(early, Err(BlobError::Incomplete(1 << 20)));
    assert_eq!(read(&store, sha256).await, Err(BlobError::Unknown));
    send(&store, ID, 1 << 20, &bytes.slice(1 << 20..)).await;
    // The disk changes a byte while nobody looks.
    store.close().await;
    let path = place.spool().join(format!("{ID}.bytes"));
    let mut changed = std::fs::read(&path).unwrap();
    changed[1_234_567] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let store = place.open();
    let other = BlobError::OtherHash(hash_of(&changed));
    assert_eq!(store.examine(ID).await, Err(other.clone()));
    assert_eq!(store.keep(ID, examined).await, Err(other));
    assert_eq!(read(&store, sha256).await, Err(BlobError::Unknown));
    assert_eq!(read(&store, hash_of(&changed)).await, Err(BlobError::Unknown));
}

#[tokio::test]
async fn requirement_h2_a_download_goes_on_anywhere() {
    let store = Place::new();
    let store = store.open();
    let bytes = some_bytes(1, 3_000_001);
    let sha256 = kept(&store, 1, &bytes).await;
    let (mut read, all) = (Vec::new(), bytes.len() as u64);
    // The connection breaks after the first block of each try.
    while (read.len() as u64) < all {
        let from = read.len() as u64;
        let whole = anser_backend::Variant::Whole;
        let (said, mut reader) = store.read(sha256, whole, Some(from..all)).await.unwrap();
        assert_eq!(said, all);
        read.extend_from_slice(&reader.read().await.unwrap().unwrap());
    }
    assert!(read == bytes);
}

#[tokio::test]
async fn an_upload_that_was_kept_tells_so_to_whoever_gives_it_up() {
    let place = Place::new();
    let store = place.open();
    let sha256 = kept(&store, 1, &some_bytes(1, 100)).await;
    // As if the process had died before anybody heard of the file.
    let left = place.image();
    let image = left.open();
    let left = image.uploads().await.unwrap();
    assert_eq!(left[0].kept_as, Some(sha256));
    assert_eq!(left[0].touched_at, UnixMs(20));
    image.give_up(FileId([1; 16])).await.unwrap();
    image.remove(sha256).await.unwrap();
    assert_eq!(read(&image, sha256).await, Err(BlobError::Unknown));
}
