//! What stays bounded while a store grows: the log, the memory for devices, the work of an opening.

use anser_backend::testing::AppendBuilder;
use anser_backend::{Append, Appended, DeviceKey};
use anser_embedded::{EmbeddedStore, Options};
use anser_types::{CommandNo, DeviceNo, ErrorCode, SessionEpoch, UserNo};

use crate::talk::{Talk, texts};

fn segments(talk: &Talk) -> usize {
    talk.disk.names().iter().filter(|name| name.starts_with("segment-")).count()
}

#[test]
fn checkpoints_keep_the_log_short_and_lose_nothing() {
    let mut talk = Talk::begin_with(true);
    for n in 1..=300 {
        talk.say(n).unwrap();
    }
    talk = talk.reopen(false, true);
    assert_eq!(talk.history(), texts(300));
    assert!(matches!(talk.say(300).unwrap(), Appended::Duplicate(_)));
    for n in 301..=600 {
        talk.say(n).unwrap();
    }
    talk = talk.reopen(true, true);
    // The first commit behind a noted checkpoint removes what it made superfluous.
    talk.say(601).unwrap();
    assert!(segments(&talk) <= 2, "{} segments are left", segments(&talk));
    assert_eq!(talk.history(), texts(601));
    assert!(matches!(talk.say(570).unwrap(), Appended::Duplicate(_)));
}

/// A refused command: the cheapest thing that leaves an answer.
fn first_command(device: DeviceKey, epoch: SessionEpoch) -> Append {
    AppendBuilder::command(device, epoch, CommandNo(1)).refused(ErrorCode::NotAllowed).build()
}

#[test]
fn device_records_leave_memory_and_are_found_again() {
    let talk = Talk::begin();
    let ledger = talk.store.ledger();
    let device = |n: u64| DeviceKey { user: UserNo(n), device: DeviceNo(1) };
    let commands = || (1_000..31_000).map(|n| first_command(device(n), talk.epoch));
    let batches = |expected: fn(&Appended) -> bool| {
        let all: Vec<Append> = commands().collect();
        for batch in all.chunks(1_000) {
            let results = talk.runtime.block_on(ledger.append_batch(batch.to_vec())).unwrap();
            assert!(results.iter().all(expected));
        }
    };
    batches(|result| matches!(result, Appended::Committed(_)));
    batches(|result| matches!(result, Appended::Duplicate(_)));
    let dir = talk.directory_without_tables();
    let store = crate::talk::open(dir.path(), &talk.disk.after_power_failure()).unwrap();
    for n in [1_000, 15_000, 30_999] {
        let opened = talk.runtime.block_on(store.ledger().open_session(device(n))).unwrap();
        assert_eq!(opened.last_command_no, CommandNo(1), "device of user {n}");
    }
}

#[test]
fn a_hundred_thousand_messages_reopen_without_a_scan() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { min_free_bytes: 0, segment_bytes: 8 << 20, ..Options::default() };
    let Talk { runtime, alice, bob, .. } = Talk::begin();
    let store = EmbeddedStore::open(dir.path(), options()).unwrap();
    let opening = AppendBuilder::internal().opens_direct(&alice, &bob).build();
    runtime.block_on(store.ledger().append_batch(vec![opening])).unwrap();
    let id = alice.direct(&bob);
    let say =
        |n: u64| AppendBuilder::internal().says(id, &alice, n, "hello", &[&alice, &bob]).build();
    for batch in 0..200 {
        let batch = (0..500).map(|n| say(batch * 500 + n)).collect();
        runtime.block_on(store.ledger().append_batch(batch)).unwrap();
    }
    runtime.block_on(store.close()).unwrap();
    drop(store);
    let store = EmbeddedStore::open(dir.path(), options()).unwrap();
    assert!(store.counters().table_reads < 10, "{:?}", store.counters());
    let heads = runtime.block_on(store.conversations().heads(id)).unwrap();
    assert_eq!(heads.seq.0, 100_000);
    runtime.block_on(store.ledger().append_batch(vec![say(100_001)])).unwrap();
    assert!(store.counters().table_reads < 30, "{:?}", store.counters());
}
