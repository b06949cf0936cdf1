//! Verdicts about alterations, and silence on their clean twins.

use anser_sim::checker::{ChangeDump, How, Restore, rest_of};
use anser_types::UnixMs;

use super::*;

const EDITED: u64 = 2;

fn edit(to: u64) -> How {
    How::Edit(body(to))
}

fn alter(local_no: u64, how: How) -> What {
    What::Alter {
        local_no: LocalNo(local_no),
        conversation: direct(),
        seq: Seq(EDITED),
        key: key("alice", 1, 2),
        how,
    }
}

fn done(local_no: u64, change_no: u64, how: How) -> What {
    What::AlterDone {
        local_no: LocalNo(local_no),
        conversation: direct(),
        seq: Seq(EDITED),
        change_no: ChangeNo(change_no),
        how,
    }
}

fn shows(shape: Shape) -> What {
    What::Shows { conversation: direct(), seq: Seq(EDITED), doubted: false, shape }
}

fn change(no: u64, actor: &str, how: How) -> ChangeDump {
    ChangeDump {
        no: ChangeNo(no),
        after: Seq(4),
        actor: user(actor),
        at: UnixMs(no),
        alters: Some((Seq(EDITED), how)),
        item: None,
    }
}

fn shape(by: u64, text: u64) -> Shape {
    let edited_at = Some(UnixMs(by));
    let altered = anser_types::Altered { edits: 1, edited_at, ..Default::default() };
    Shape { by: ChangeNo(by), body: Some(body(text)), rest: rest_of(&altered), over_at: None }
}

/// alice edits what she said second; both devices show it.
fn edited() -> Evidence {
    let mut evidence = talk();
    let now = shape(1, 22);
    evidence.messages()[1].shape = now;
    evidence.store[0].changes.push(change(1, "alice", edit(22)));
    evidence.store[0].editions.insert(Seq(EDITED), vec![(ChangeNo(1), body(2))]);
    evidence.journals[ALICE].note(90, alter(4, edit(22)));
    evidence.journals[ALICE].note(91, done(4, 1, edit(22)));
    evidence.journals[ALICE].note(91, shows(now));
    evidence.journals[BOB].note(92, shows(now));
    evidence.read_history();
    evidence
}

/// Then she takes it back.
fn taken_back() -> Evidence {
    let mut evidence = edited();
    let revoked_by = Some(user("alice"));
    let altered = anser_types::Altered { revoked_by, ..Default::default() };
    let now = Shape { by: ChangeNo(2), body: None, rest: rest_of(&altered), over_at: None };
    evidence.messages()[1].shape = now;
    evidence.store[0].changes[0] = change(1, "alice", How::Gone);
    evidence.store[0].changes.push(change(2, "alice", How::Revoke));
    evidence.store[0].editions.insert(Seq(EDITED), Vec::new());
    evidence.journals[ALICE].note(93, alter(5, How::Revoke));
    for journal in [ALICE, BOB] {
        evidence.journals[journal].note(94, shows(now));
    }
    evidence.read_history();
    evidence
}

#[test]
fn alterations_that_everybody_shows_have_no_verdict() {
    assert_clean(&edited());
    assert_clean(&taken_back());
}

#[test]
fn an_accepted_alteration_that_the_log_does_not_hold_is_lost_unless_a_restore_took_it() {
    let mut evidence = edited();
    let restore = Restore { lost: evidence.store.clone(), kept: talk().store };
    evidence.replace(ALICE, &done(4, 1, edit(22)), done(4, 2, edit(22)));
    assert_eq!(kinds(&evidence), [Kind::Lost]);
    let mut evidence = edited();
    evidence.store = talk().store;
    for journal in [ALICE, BOB] {
        evidence.forget(journal, &shows(shape(1, 22)));
    }
    evidence.read_history();
    assert_eq!(kinds(&evidence), [Kind::Lost]);
    evidence.restores.push(restore);
    assert_clean(&evidence);
}

#[test]
fn an_alteration_done_twice_is_a_duplicate_and_one_that_nobody_asked_for_a_phantom() {
    let mut evidence = edited();
    evidence.store[0].changes.push(change(2, "bob", How::React { emoji: "x".into(), on: false }));
    evidence.messages()[1].shape.by = ChangeNo(2);
    evidence.read_history();
    for journal in [ALICE, BOB] {
        evidence.journals[journal].note(99, shows(Shape { by: ChangeNo(2), ..shape(1, 22) }));
    }
    assert_eq!(kinds(&evidence), [Kind::Phantom]);
    let off = How::React { emoji: "x".into(), on: false };
    evidence.journals[BOB].note(98, alter(9, off.clone()));
    assert_clean(&evidence);
    evidence.store[0].changes.push(change(3, "bob", off));
    assert!(kinds(&evidence).contains(&Kind::Duplicate));
}

#[test]
fn a_change_number_that_is_missing_is_a_hole_and_one_before_its_message_is_reordered() {
    let mut evidence = edited();
    evidence.store[0].changes[0].no = ChangeNo(2);
    assert!(kinds(&evidence).contains(&Kind::Hole));
    let mut evidence = edited();
    evidence.store[0].changes[0].after = Seq(1);
    assert_eq!(kinds(&evidence), [Kind::Reordered]);
}

#[test]
fn a_message_that_is_not_what_its_changes_make_of_it_is_in_a_wrong_state() {
    let mut in_store = edited();
    in_store.messages()[1].shape = Shape { by: ChangeNo(1), ..talk().messages()[1].shape };
    assert!(kinds(&in_store).contains(&Kind::WrongState));
    let mut on_device = edited();
    on_device.forget(BOB, &shows(shape(1, 22)));
    assert_eq!(kinds(&on_device), [Kind::WrongState]);
    on_device.journals[BOB].caught_up = false;
    assert_clean(&on_device);
    let mut in_history = edited();
    in_history.histories[BOB].messages[1] = stored(EDITED, "alice", 2);
    assert_eq!(kinds(&in_history), [Kind::WrongState]);
    let mut edition = edited();
    edition.store[0].editions.clear();
    assert_eq!(kinds(&edition), [Kind::WrongState]);
}

#[test]
fn a_device_that_shows_an_earlier_state_again_went_back_unless_it_is_in_doubt() {
    let mut evidence = edited();
    let before = talk().messages()[1].shape;
    evidence.journals[BOB].note(93, shows(before));
    evidence.journals[BOB].note(94, shows(shape(1, 22)));
    assert_eq!(kinds(&evidence), [Kind::WentBack]);
    let doubted =
        What::Shows { conversation: direct(), seq: Seq(EDITED), doubted: true, shape: before };
    evidence.replace(BOB, &shows(before), doubted);
    assert_clean(&evidence);
}

#[test]
fn what_was_taken_back_is_nowhere() {
    let mut in_history = taken_back();
    in_history.histories[BOB].messages[1] = edited().histories[BOB].messages[1].clone();
    assert_eq!(kinds(&in_history), [Kind::NotTakenBack]);
    let mut edition = taken_back();
    edition.store[0].editions.insert(Seq(EDITED), vec![(ChangeNo(1), body(2))]);
    assert_eq!(kinds(&edition), [Kind::NotTakenBack]);
    let mut told = taken_back();
    told.store[0].changes[0] = change(1, "alice", edit(22));
    assert_eq!(kinds(&told), [Kind::NotTakenBack]);
    let mut on_device = taken_back();
    on_device.journals[BOB].entries.pop();
    assert_eq!(kinds(&on_device), [Kind::NotTakenBack]);
}

#[test]
fn whoever_has_left_shows_nothing_that_was_altered_since() {
    let mut evidence = edited();
    let left = Period { until: Some((Seq(4), ChangeNo::ZERO)), ..Period::default() };
    evidence.store[0].members[BOB].periods = vec![left];
    let found = kinds(&evidence);
    assert!(!found.is_empty() && found.iter().all(|kind| *kind == Kind::VisibleAfterRemoval));
    evidence.forget(BOB, &shows(shape(1, 22)));
    evidence.histories[BOB].messages[1] = stored(EDITED, "alice", 2);
    assert_clean(&evidence);
}

#[test]
fn what_is_written_of_alterations_survives_as_text() {
    let mut journal = Journal::new(user("alice"), DeviceNo(1));
    let react = How::React { emoji: "👍".into(), on: true };
    let gone = Shape { by: ChangeNo(9), body: None, rest: body(1), over_at: None };
    for what in [
        alter(1, edit(5)),
        alter(2, react.clone()),
        alter(3, How::Pin { on: false }),
        alter(4, How::Revoke),
        done(2, 7, react),
        shows(shape(3, 4)),
        shows(gone),
        What::TookOver,
    ] {
        journal.note(1, what);
    }
    assert_eq!(Journal::from_text(&journal.to_text()), Ok(journal));
}
