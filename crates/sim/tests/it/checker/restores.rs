//! Verdicts about a server that was restored from a backup.

use anser_sim::checker::{Evidence, Kind, Restore, What, check};
use anser_types::{LogEpoch, Seq};

use super::*;

/// The server is restored from a backup of the first two messages; bob then says another third one.
fn restored() -> Evidence {
    let mut evidence = talk();
    let lost = evidence.store.clone();
    evidence.messages().truncate(2);
    let kept = evidence.store.clone();
    evidence.restores = vec![Restore { lost, kept }];
    for journal in [ALICE, BOB] {
        evidence.journals[journal].note(100, not_on_server(2));
        evidence.journals[journal].note(101, What::OtherLog { epoch: LogEpoch(2) });
    }
    evidence.journals[BOB].note(110, invoke(2));
    evidence.journals[BOB].note(120, ok(2, 3));
    evidence.journals[ALICE].note(130, received(3, "bob", 2));
    evidence.messages().push(stored(3, "bob", 2));
    evidence.read_history();
    evidence.count_unread(1, 1);
    evidence
}

#[test]
fn what_a_restore_took_away_is_not_lost_if_everybody_is_told() {
    let evidence = restored();
    assert_clean(&evidence);
    // Without the restore the same is a disaster.
    let mut twin = evidence;
    twin.restores.clear();
    let found = kinds(&twin);
    assert!(found.contains(&Kind::Lost) && found.contains(&Kind::Phantom), "{found:?}");
}

#[test]
fn what_a_restore_took_away_and_is_not_offered_again_is_lost() {
    let mut evidence = restored();
    evidence.forget(ALICE, &not_on_server(2));
    let found = kinds(&evidence);
    assert!(found.contains(&Kind::Lost), "{found:?}");
    // It holds what the server lost, and what others say in its place.
    assert!(found.contains(&Kind::DivergingOrder), "{found:?}");
    evidence.journals[ALICE].caught_up = false;
    evidence.forget(ALICE, &received(3, "bob", 2));
    assert_clean(&evidence);
}

#[test]
fn what_is_still_on_the_server_and_called_gone_is_lost() {
    let mut evidence = restored();
    evidence.replace(BOB, &not_on_server(2), not_on_server(1));
    assert_eq!(kinds(&evidence), [Kind::Lost, Kind::Lost]);
    assert_eq!(check(&evidence)[0].seq, Some(Seq(2)));
}

#[test]
fn what_no_log_ever_held_is_a_phantom_though_a_restore_is_blamed() {
    let mut evidence = restored();
    let mut loaded = received(5, "alice", 9);
    if let What::Received { live, .. } = &mut loaded {
        *live = false;
    }
    evidence.journals[BOB].entries.insert(0, entry(1, loaded));
    assert_eq!(kinds(&evidence), [Kind::Phantom]);
}

#[test]
fn a_restored_store_that_is_no_beginning_of_the_lost_one_has_a_diverging_order() {
    let mut evidence = restored();
    evidence.restores[0].kept[0].messages[0].key = key("alice", 1, 2);
    let found = kinds(&evidence);
    assert!(found.contains(&Kind::DivergingOrder), "{found:?}");
}

#[test]
fn receipts_may_go_back_with_the_log_and_not_otherwise() {
    let mut evidence = restored();
    evidence.store[0].members[BOB].read = Seq::ZERO;
    evidence.restores[0].kept[0].members[BOB].read = Seq::ZERO;
    evidence.count_unread(1, 2);
    assert_clean(&evidence);
    evidence.journals[ALICE].note(140, saw_read("bob", 1));
    assert_eq!(kinds(&evidence), [Kind::BackwardReceipt], "shown of the log that is followed now");
}
