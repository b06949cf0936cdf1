//! A commit that was written and never synced: it may be seen after a restart and yet not be on the disk.

use anser_backend::StoreError;

use crate::talk::{Talk, texts};

#[test]
fn guarantee_g20_what_a_failed_sync_left_to_be_seen_is_made_durable_before_it_is_answered() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.disk.fail_syncs();
    assert!(matches!(talk.say(2), Err(StoreError::Failed(_))));
    // The machine runs on: the system shows the second message although the disk does not hold it.
    let restarted = talk.disk.after_kill();
    let answered_from = talk.recover(&restarted).unwrap();
    assert_eq!(answered_from, texts(2));
    assert_eq!(talk.recover(&restarted.after_power_failure()).unwrap(), answered_from);
}

#[test]
fn guarantee_g1_what_a_kill_left_unsynced_is_made_durable_before_it_is_answered() {
    let talk = Talk::begin();
    // So many that the doubtful commit is also the first one of a segment.
    for n in 1..=40 {
        let before = talk.disk.after_kill();
        talk.say(n).unwrap();
        let restarted = talk.disk.unsynced_since(&before);
        assert_eq!(talk.recover(&restarted).unwrap(), texts(n));
        assert_eq!(talk.recover(&restarted.after_power_failure()).unwrap(), texts(n));
    }
}

#[test]
fn guarantee_g20_a_mark_that_cannot_be_synced_stops_the_store_too() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    talk.disk.fail_syncs_of("durable");
    // Ends with the refusal, or by the test's own time limit.
    let refused = (2..).find_map(|n| talk.say(n).err()).unwrap();
    assert!(matches!(refused, StoreError::Failed(_)), "{refused}");
    assert!(talk.store.ledger().status().poisoned.is_some());
}
