//! Kept bytes that a disk has changed or lost are found out, taken out of the way, and replaced by whoever has them.

use std::fs;
use std::os::unix::fs::FileExt as _;

use anser_backend::conformance::blobs::{hash_of, some_bytes};
use anser_backend::{BlobError, Blobs as _, Condition, Variant};
use bytes::Bytes;

use crate::people::{ID, kept, read};
use crate::places::Place;

/// More than one block, and no round number.
const LONG: usize = 700_001;

type Harm = fn(&fs::File);

/// What a bad disk may do to a file.
fn harms() -> [(&'static str, Harm); 5] {
    [
        ("a bit in the first block", |file| file.write_all_at(b"x", 17).unwrap()),
        ("a bit in the last block", |file| file.write_all_at(b"x", LONG as u64 - 1).unwrap()),
        ("the end", |file| file.set_len(LONG as u64 - 1).unwrap()),
        ("everything", |file| file.set_len(0).unwrap()),
        ("a longer file", |file| file.set_len(LONG as u64 + 1).unwrap()),
    ]
}

#[tokio::test]
async fn guarantee_g21_a_damaged_file_is_found_set_aside_and_replaced_by_whoever_sends_it_again() {
    let bytes = some_bytes(1, LONG);
    let (sha256, all) = (hash_of(&bytes), LONG as u64);
    for (what, harm) in harms() {
        let place = Place::new();
        let store = place.open();
        kept(&store, 1, &bytes).await;
        store.give_up(ID).await.unwrap();
        let path = place.kept(sha256);
        harm(&fs::File::options().write(true).open(&path).unwrap());
        let harmed = fs::read(&path).unwrap();
        assert_eq!(store.condition(sha256, all).await, Ok(Condition::Damaged), "{what}");
        assert_eq!(fs::read(&path).unwrap(), harmed, "looking changes nothing");
        store.set_aside(sha256).await.unwrap();
        let aside = path.with_extension("damaged");
        assert_eq!(fs::read(&aside).unwrap(), harmed, "{what}: an operator may want to see it");
        assert_eq!(read(&store, sha256).await, Err(BlobError::Unknown));
        kept(&store, 2, &bytes).await;
        assert_eq!(store.condition(sha256, all).await, Ok(Condition::Intact), "{what}");
        assert!(read(&store, sha256).await.unwrap() == bytes);
        store.remove(sha256).await.unwrap();
        assert!(!aside.exists(), "it goes with the file");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_is_missing_and_one_that_the_disk_does_not_give_is_unreadable() {
    let place = Place::new();
    let store = place.open();
    let bytes = some_bytes(1, LONG);
    let (sha256, all) = (kept(&store, 1, &bytes).await, LONG as u64);
    let path = place.kept(sha256);
    fs::remove_file(&path).unwrap();
    assert_eq!(store.condition(sha256, all).await, Ok(Condition::Missing));
    store.set_aside(sha256).await.unwrap();
    // A directory in its place opens, and does not read.
    fs::create_dir(&path).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    let unreadable = store.condition(sha256, length).await;
    assert!(matches!(unreadable, Ok(Condition::Unreadable(_))), "{unreadable:?}");
}

/// A part that is asked for of a file that is shorter now is no failure of the disk's.
#[tokio::test]
async fn what_lies_behind_the_end_of_a_shortened_file_is_outside_of_it() {
    let place = Place::new();
    let store = place.open();
    let sha256 = kept(&store, 1, &some_bytes(1, LONG)).await;
    let file = fs::File::options().write(true).open(place.kept(sha256)).unwrap();
    file.set_len(1_000).unwrap();
    let read = store.read(sha256, Variant::Whole, Some(900..1_100)).await;
    assert_eq!(read.err(), Some(BlobError::Outside(1_000)));
}

#[tokio::test]
async fn an_empty_file_is_intact() {
    let place = Place::new();
    let store = place.open();
    let sha256 = kept(&store, 1, &Bytes::new()).await;
    assert_eq!(store.condition(sha256, 0).await, Ok(Condition::Intact));
}
