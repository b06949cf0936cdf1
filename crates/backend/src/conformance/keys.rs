//! Requests with an idempotency key: executed once within the time their answers are kept.

use anser_types::limits::IDEMPOTENCY_KEEP_MS;
use anser_types::{CommandNo, ErrorCode, Outcome, Seq, Version};

use super::harness::Harness;
use super::subject::Subject;
use crate::append::Appended;
use crate::testing::AppendBuilder;

/// The same key and bytes give the first answer, other bytes a conflict, also after a kill.
pub fn a_key_executes_once<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    let order = || AppendBuilder::keyed(&a, "order-1").at(1000);
    let opened = order().opens_direct(&a, &b).says(id, &a, 1, "shipped", &[&b, &a]);
    let first = on.commit(opened.clone()).answer.expect("an answer");
    assert_eq!(first.command_no, CommandNo::ZERO);
    let Outcome::Done(done) = &first.outcome else { panic!("refused") };
    assert_eq!((done.conversation, done.seq), (Some(id), Seq(1)));
    assert_eq!(done.inbox_seq, on.bounds(&a).head);
    for _ in 0..2 {
        // Its preconditions do not hold any more; the key is looked at first.
        assert_eq!(on.append_one(opened.clone()), Appended::Duplicate(first.clone()));
        assert_eq!(on.append_one(order().bytes(9)), Appended::Conflict);
        on.kill();
    }
    assert_eq!(on.heads(id).seq, Seq(1));
}

/// Keys of different users, and keys that are prefixes of each other, never meet.
pub fn keys_of_different_users_never_meet<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    let mut seq = 0;
    for who in [&a, &b] {
        for key in ["k", "k1", "k10"] {
            on.commit(AppendBuilder::keyed(who, key).says(id, who, 1, key, &[]));
            seq += 1;
        }
    }
    assert_eq!(on.heads(id).seq, Seq(seq));
}

/// A key is new again when its answer's time is over, not before.
pub fn a_key_is_new_again_after_its_time<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    let order = |at| AppendBuilder::keyed(&a, "again").at(at).says(id, &a, 1, "again", &[&b]);
    on.commit(order(5000));
    let late = 5000 + IDEMPOTENCY_KEEP_MS;
    assert!(matches!(on.append_one(order(late - 1)), Appended::Duplicate(_)));
    assert_eq!(on.append_one(order(late - 1).bytes(3)), Appended::Conflict);
    on.kill();
    on.commit(order(late + 1).bytes(3));
    assert!(matches!(on.append_one(order(late + 2).bytes(3)), Appended::Duplicate(_)));
    assert_eq!(on.heads(id).seq, Seq(2));
}

/// A refusal is kept under its key; a stale request leaves the key unused; within a batch both are seen at once.
pub fn a_key_keeps_refusals_and_survives_staleness<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    let stale = || AppendBuilder::keyed(&a, "s").expecting(id, Version(4));
    let refused = || AppendBuilder::keyed(&a, "r").refused(ErrorCode::UserUnknown);
    let batch = vec![stale().build(), refused().build(), refused().build()];
    let results = on.append(batch);
    assert_eq!(results[0], Appended::Stale);
    let Appended::Committed(committed) = &results[1] else { panic!("{:?}", results[1]) };
    assert_eq!(results[2], Appended::Duplicate(committed.answer.clone().expect("an answer")));
    on.kill();
    assert!(matches!(on.append_one(refused()), Appended::Duplicate(_)));
    on.commit(AppendBuilder::keyed(&a, "s"));
}

/// Old keys are removed, a few at a time; younger ones, and one that was used again, stay; each is removed once.
pub fn old_keys_are_removed_and_younger_ones_stay<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    let order =
        |who, key: &str, at| AppendBuilder::keyed(who, key).at(at).says(id, who, 1, "once", &[]);
    for (who, key, at) in
        [(&a, "k1", 1), (&a, "k2", 9), (&a, "k3", 2), (&b, "k1", 3), (&b, "k2", 10)]
    {
        on.commit(order(who, key, at));
    }
    // Long after its time the first one is used again.
    on.commit(order(&a, "k1", 1 + IDEMPOTENCY_KEEP_MS));
    assert_eq!(on.expire_keys(0), 0);
    assert_eq!(on.expire_keys(9), 3);
    for _ in 0..2 {
        assert_eq!(on.expire_keys(9), 0, "each is removed once");
        let again = on.append_one(order(&a, "k1", 2 + IDEMPOTENCY_KEEP_MS));
        assert!(matches!(again, Appended::Duplicate(_)), "used again: {again:?}");
        let younger = on.append_one(order(&b, "k2", 11));
        assert!(matches!(younger, Appended::Duplicate(_)), "younger: {younger:?}");
        on.kill();
    }
    // Nothing is left of those that went: the time of this request alone would not make them new.
    on.commit(order(&a, "k2", 10));
    on.commit(order(&b, "k1", 4));
    on.reopen();
    assert_eq!(on.expire_keys(u64::MAX), 4);
    assert_eq!(on.heads(id).seq, Seq(8));
}
