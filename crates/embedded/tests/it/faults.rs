//! Failing disks, full disks, second owners, newer formats.

use anser_backend::{Appended, StoreError};
use anser_embedded::{EmbeddedStore, OpenError};
use anser_types::ErrorCode;

use crate::conformance::small;
use crate::talk::{Talk, texts};

#[test]
fn the_first_failed_sync_stops_the_store_for_good() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.disk.fail_syncs();
    assert!(matches!(talk.say(2), Err(StoreError::Failed(_))));
    assert!(matches!(talk.say(2), Err(StoreError::Failed(_))));
    let status = talk.store.ledger().status();
    assert!(status.poisoned.is_some());
    // Nothing of it was acknowledged; what was acknowledged is there.
    assert_eq!(talk.recover(&talk.disk.after_power_failure()).unwrap(), texts(1));
}

#[test]
fn a_short_write_stops_the_store_and_leaves_a_torn_tail() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.disk.cut_next_write(37);
    assert!(matches!(talk.say(2), Err(StoreError::Failed(_))));
    assert_eq!(talk.recover(&talk.disk.after_kill()).unwrap(), texts(1));
}

#[test]
fn a_nearly_full_disk_refuses_writes_until_there_is_space() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.disk.set_free_bytes(1000);
    assert!(matches!(talk.say(2), Err(StoreError::Full(_))));
    assert!(talk.store.ledger().status().full.is_some());
    assert_eq!(talk.history(), texts(1));
    let session = talk.store.ledger();
    talk.runtime.block_on(session.open_session(talk.bob.device(1))).unwrap();
    talk.disk.set_free_bytes(u64::MAX);
    assert!(matches!(talk.say(2).unwrap(), Appended::Committed(_)));
    assert_eq!(talk.store.ledger().status().full, None);
    assert_eq!(talk.history(), texts(2));
}

#[test]
fn a_log_that_cannot_grow_refuses_and_goes_on_later() {
    let talk = Talk::begin();
    talk.disk.refuse_files(true);
    let mut said = 0;
    let refused = loop {
        match talk.say(said + 1) {
            Ok(Appended::Committed(_)) => said += 1,
            other => break other,
        }
    };
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    talk.disk.refuse_files(false);
    assert!(matches!(talk.say(said + 1).unwrap(), Appended::Committed(_)));
    assert_eq!(talk.history(), texts(said + 1));
    assert_eq!(talk.recover(&talk.disk.after_power_failure()).unwrap(), texts(said + 1));
}

#[test]
fn a_store_on_a_full_disk_opens_for_reading() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    let image = talk.disk.after_kill();
    image.set_free_bytes(0);
    assert_eq!(talk.recover(&image).unwrap(), texts(1));
}

#[test]
fn a_second_owner_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = EmbeddedStore::open(dir.path(), small()).unwrap();
    let error = EmbeddedStore::open(dir.path(), small()).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert_eq!(error.code(), ErrorCode::StoreInUse);
    drop(first);
    EmbeddedStore::open(dir.path(), small()).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(dir.path(), small()).unwrap());
    let path = dir.path().join("format");
    let text = std::fs::read_to_string(&path).unwrap();
    let body = text.rsplit_once("crc32c").unwrap().0.replace("anser-store 1", "anser-store 2");
    let checksum = crc32c::crc32c(body.as_bytes());
    std::fs::write(&path, format!("{body}crc32c {checksum:08x}\n")).unwrap();
    let error = EmbeddedStore::open(dir.path(), small()).unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 2, known: 1 }), "{error}");
    assert_eq!(error.code(), ErrorCode::StoreTooNew);
}

#[test]
fn a_closed_store_says_so() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.runtime.block_on(talk.store.close()).unwrap();
    talk.runtime.block_on(talk.store.close()).unwrap();
    assert_eq!(talk.say(2), Err(StoreError::Closed));
}
