//! Verdicts about messages that must be forgotten, and silence on their clean twins.

use anser_sim::checker::{ChangeDump, Commit, How, Written};
use anser_types::UnixMs;

use super::*;

/// What alice said second, which is over at 1,000 s.
const TIMED: u64 = 2;
const OVER_AT: UnixMs = UnixMs(1_000_000);
/// Long after, and some time before.
const LATER: UnixMs = UnixMs(1_100_000);
const EARLIER: UnixMs = UnixMs(900_000);

fn timed() -> What {
    What::Timed { local_no: LocalNo(TIMED), expires_at: Some(OVER_AT) }
}

fn there() -> Shape {
    Shape { body: Some(body(TIMED)), over_at: Some(OVER_AT), ..Shape::default() }
}

fn nothing(by: u64) -> Shape {
    Shape { by: ChangeNo(by), ..Shape::default() }
}

fn shows(evidence: &mut Evidence, shape: Shape) {
    for journal in &mut evidence.journals {
        let (conversation, seq) = (direct(), Seq(TIMED));
        journal.note(90, What::Shows { conversation, seq, doubted: false, shape });
    }
}

fn given(evidence: &mut Evidence, shape: Shape) {
    for history in &mut evidence.histories {
        history.messages[1].shape = shape;
    }
}

/// Its time has not come, and everybody shows it.
fn before() -> Evidence {
    let mut evidence = talk();
    evidence.journals[ALICE].note(31, timed());
    evidence.messages()[1].shape = there();
    shows(&mut evidence, there());
    given(&mut evidence, there());
    (evidence.now, evidence.latest) = (EARLIER, EARLIER);
    evidence
}

fn change(no: u64, actor: &str, how: How) -> ChangeDump {
    let alters = Some((Seq(TIMED), how));
    let at = UnixMs(no);
    ChangeDump { no: ChangeNo(no), after: Seq(4), actor: user(actor), at, alters, item: None }
}

/// Its time is over, and nobody shows it; it was erased when the clock said so.
fn after(clock: UnixMs) -> Evidence {
    let mut evidence = before();
    evidence.store[0].changes.push(change(1, "alice", How::Expire));
    evidence.messages()[1].shape = nothing(1);
    shows(&mut evidence, nothing(0));
    given(&mut evidence, nothing(1));
    (evidence.now, evidence.latest) = (LATER, LATER);
    let what = Written::Erased { conversation: direct(), seq: Seq(TIMED), clock };
    evidence.commits = vec![Commit { from_ns: 80, done_ns: Some(81), what }];
    evidence
}

#[test]
fn what_is_there_after_its_time_is_told() {
    assert_clean(&before());
    assert_clean(&after(OVER_AT));
    let mut in_store = before();
    shows(&mut in_store, nothing(0));
    given(&mut in_store, nothing(0));
    (in_store.now, in_store.latest) = (LATER, LATER);
    assert_eq!(kinds(&in_store), [Kind::NotForgotten]);
    // (The store is looked through now and then.)
    (in_store.now, in_store.latest) = (UnixMs(OVER_AT.0 + 5_000), LATER);
    assert_clean(&in_store);
    let mut on_devices = after(OVER_AT);
    shows(&mut on_devices, there());
    assert_eq!(kinds(&on_devices), [Kind::NotForgotten, Kind::NotForgotten]);
    let mut by_history = after(OVER_AT);
    given(&mut by_history, there());
    assert_eq!(kinds(&by_history), [Kind::NotForgotten, Kind::NotForgotten]);
}

#[test]
fn what_is_gone_before_its_time_is_told() {
    assert_eq!(kinds(&after(EARLIER)), [Kind::ForgottenEarly]);
    let mut on_a_device = before();
    on_a_device.journals[BOB].note(
        95,
        What::Shows { conversation: direct(), seq: Seq(TIMED), doubted: false, shape: nothing(0) },
    );
    assert_eq!(kinds(&on_a_device), [Kind::ForgottenEarly]);
    // It went by its own clock, or by one that was ahead.
    let mut alone = on_a_device.clone();
    alone.journals[BOB].note(94, What::ForgotAlone { conversation: direct(), seq: Seq(TIMED) });
    assert_clean(&alone);
    on_a_device.latest = LATER;
    assert_clean(&on_a_device);
    let mut by_history = before();
    given(&mut by_history, nothing(0));
    assert_eq!(kinds(&by_history), [Kind::ForgottenEarly, Kind::ForgottenEarly]);
    let mut with_no_time = after(OVER_AT);
    with_no_time.forget(ALICE, &timed());
    assert_eq!(kinds(&with_no_time), [Kind::ForgottenEarly]);
}

/// What alice said second burns, and bob has read it.
fn burning(actor: &str, read: u64) -> Evidence {
    let mut evidence = talk();
    let timed = What::Timed { local_no: LocalNo(TIMED), expires_at: None };
    evidence.journals[ALICE].note(31, timed);
    evidence.journals[BOB].note(56, mark_read(read));
    evidence.store[0].changes.push(change(1, actor, How::Burn(OVER_AT)));
    let now = Shape { by: ChangeNo(1), ..there() };
    evidence.messages()[1].shape = now;
    shows(&mut evidence, now);
    given(&mut evidence, now);
    (evidence.now, evidence.latest) = (EARLIER, EARLIER);
    evidence
}

#[test]
fn what_begins_to_burn_unread_or_twice_is_told() {
    assert_clean(&burning("bob", 2));
    assert_eq!(kinds(&burning("bob", 1)), [Kind::ForgottenEarly]);
    assert_eq!(kinds(&burning("alice", 2)), [Kind::ForgottenEarly]);
    let mut twice = burning("bob", 2);
    twice.store[0].changes.push(change(2, "bob", How::Burn(LATER)));
    let now = Shape { by: ChangeNo(2), ..there() };
    twice.messages()[1].shape = now;
    shows(&mut twice, now);
    given(&mut twice, now);
    assert_eq!(kinds(&twice), [Kind::Duplicate, Kind::Duplicate]);
    let mut unheard = burning("bob", 2);
    unheard.journals[ALICE].note(
        99,
        What::Shows {
            conversation: direct(),
            seq: Seq(TIMED),
            doubted: true,
            shape: Shape { body: Some(body(TIMED)), ..Shape::default() },
        },
    );
    assert_eq!(kinds(&unheard), [Kind::WrongState]);
}

#[test]
fn journals_of_what_passes_survive_as_text() {
    let mut journal = before().journals.remove(ALICE);
    let (conversation, seq) = (direct(), Seq(TIMED));
    for what in [
        What::Timed { local_no: LocalNo(4), expires_at: None },
        What::ForgotAlone { conversation, seq },
        What::ShownAgain { conversation, seq },
        What::Shows { conversation, seq, doubted: true, shape: nothing(3) },
    ] {
        journal.note(99, what);
    }
    assert_eq!(Journal::from_text(&journal.to_text()), Ok(journal));
}
