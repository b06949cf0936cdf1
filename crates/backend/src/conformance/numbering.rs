//! `Seq`, `ChangeNo` and `InboxSeq` are dense, never reused, and go on after trims, kills and restarts.

use anser_types::{ChangeKind, ChangeNo, Event, InboxSeq, Seq, UnixMs, Version};

use super::harness::Harness;
use super::subject::{Subject, page_of};
use crate::append::Assigned;
use crate::ledger::{InboxBounds, TrimPolicy};
use crate::testing::{AppendBuilder, group, group_row};

/// Interleaved conversations and inboxes number densely, and events come back as they were assigned.
pub fn numbers_are_dense_per_conversation_and_inbox<H: Harness>(on: &mut Subject<H>) {
    let people = on.people();
    let [a, b, c, _] = &people;
    let mut pen = on.pen(a.device(1));
    on.commit(pen.command().opens_direct(a, b));
    on.commit(pen.command().opens_direct(a, c));
    let mut expected = [Vec::new(), Vec::new(), Vec::new()];
    for round in 1..=12_u64 {
        let (peer, at) = if round % 3 == 0 { (c, 2) } else { (b, 1) };
        let id = a.direct(peer);
        let text = format!("round {round}");
        let sent = on.commit(pen.command().says(id, a, round, &text, &[peer, a]));
        let Assigned::Message { seq, .. } = sent.assigned[0] else { panic!("no message") };
        expected[at].push((id, seq));
        expected[0].push((id, seq));
        assert_eq!(sent.inbox, [InboxSeq(expected[at].len() as u64), InboxSeq(round)]);
        if round % 5 == 0 {
            on.kill();
            pen.epoch = on.open(pen.device).epoch;
        }
    }
    for (who, expected) in people.iter().zip(expected) {
        let heard: Vec<_> = on
            .inbox(who)
            .into_iter()
            .map(|event| match event {
                Event::Message(message) => (message.conversation, message.seq),
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        assert_eq!(heard, expected, "{}", who.id);
        for peer in [b, c] {
            let own: Vec<_> = heard.iter().filter(|(id, _)| *id == a.direct(peer)).collect();
            assert!(own.iter().zip(1..).all(|((_, seq), n)| seq.0 == n), "dense: {own:?}");
        }
    }
}

/// Messages and changes count apart; a change knows the last message before it and the version after it.
pub fn changes_have_their_own_counter<H: Harness>(on: &mut Subject<H>) {
    let [a, b, c, _] = on.people();
    let id = group(1);
    on.commit(AppendBuilder::internal().creates_group(id, "tea", &a, &[&b]));
    on.commit(AppendBuilder::internal().says(id, &a, 1, "hi", &[&a, &b]));
    let kind = ChangeKind::MembersJoined { title: "tea".into(), users: vec![c.id], channel: false };
    let mixed = AppendBuilder::internal()
        .says(id, &a, 2, "before", &[&a, &b])
        .changes(id, &a, kind, &[&a, &b])
        .says(id, &a, 3, "behind", &[&a, &b])
        .row(group_row(id, "tea", Version(7)));
    let mixed = on.commit(mixed.at(50));
    let change = Assigned::Change {
        change_no: ChangeNo(2),
        after_seq: Seq(2),
        version: Version(7),
        at: UnixMs(50),
    };
    assert_eq!(mixed.assigned[1], change);
    assert_eq!(mixed.assigned[3], Assigned::Nothing);
    let changes = on.changes(id);
    assert_eq!((changes[0].version, changes[0].after_seq), (Version(1), Seq::ZERO));
    assert_eq!((changes[1].version, changes[1].after_seq), (Version(7), Seq(2)));
    on.kill();
    assert_eq!(on.changes(id), changes);
    assert_eq!((on.heads(id).seq, on.heads(id).change_no), (Seq(3), ChangeNo(2)));
    let last = on.inbox(&b).pop().expect("entries");
    assert!(matches!(last, Event::Message(message) if message.seq == Seq(3)));
}

/// Server time never goes back within a conversation, whatever the clock does, also across a kill.
pub fn time_never_goes_back_within_a_conversation<H: Harness>(on: &mut Subject<H>) {
    let [a, b, c, _] = on.people();
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    on.commit(AppendBuilder::internal().opens_direct(&a, &c));
    let say = |to, at| AppendBuilder::internal().at(at).says(a.direct(to), &a, 1, "tick", &[]);
    for (at, expected) in [(100, 100), (90, 100), (100, 100), (101, 101), (3, 101)] {
        let said = on.commit(say(&b, at));
        let Assigned::Message { at, .. } = said.assigned[0] else { panic!("no message") };
        assert_eq!(at, UnixMs(expected));
        on.kill();
    }
    on.commit(say(&c, 5));
    let times: Vec<u64> = on.messages(a.direct(&c)).iter().map(|m| m.server_time.0).collect();
    assert_eq!(times, [5], "another conversation has its own time");
    let kind = ChangeKind::MemberLeft { new_owner: None };
    on.commit(AppendBuilder::internal().at(200).changes(a.direct(&b), &a, kind, &[]));
    on.kill();
    let said = on.commit(say(&b, 150));
    let Assigned::Message { at, .. } = said.assigned[0] else { panic!("no message") };
    assert_eq!(at, UnixMs(200), "changes count as well");
}

/// Trim everything, restart, append: the newest entry stayed and the numbers go on.
pub fn numbers_go_on_after_everything_was_trimmed<H: Harness>(on: &mut Subject<H>) {
    let people = on.people();
    let [a, b, c, _] = &people;
    on.commit(AppendBuilder::internal().opens_direct(a, b));
    let id = a.direct(b);
    for n in 1..=9 {
        on.commit(AppendBuilder::internal().says(id, a, n, "many", &[b, a]));
    }
    on.commit(AppendBuilder::internal().opens_direct(a, c).says(a.direct(c), a, 1, "one", &[c]));
    for round in 0..3_u64 {
        assert_eq!(on.trim_to(0), if round == 0 { 16 } else { 2 });
        if round == 1 {
            on.kill();
        } else {
            on.reopen();
        }
        let head = InboxSeq(9 + round);
        assert_eq!(on.bounds(b), InboxBounds { floor: head.previous(), head });
        assert_eq!(on.inbox(b).len(), 1, "the newest entry is never trimmed");
        assert_eq!(on.open(b.device(1)).inbox.head, head);
        let next = on.commit(AppendBuilder::internal().says(id, a, 1, "on", &[b, a]));
        assert_eq!(next.inbox, [head.next(), head.next()]);
        let Assigned::Message { seq, .. } = next.assigned[0] else { panic!("no message") };
        assert_eq!(seq, Seq(10 + round));
    }
    assert_eq!(on.bounds(c), InboxBounds { floor: InboxSeq::ZERO, head: InboxSeq(1) });
    assert_eq!(on.messages(id).len(), 12, "trimming an inbox touches no log");
    assert_eq!(on.trim_to(2), 0, "nothing above the bound, nothing removed");
}

/// Trimming keeps as many entries as asked, in steps of as many inboxes as asked, over all users.
pub fn trimming_keeps_what_it_is_told<H: Harness>(on: &mut Subject<H>) {
    let people = on.people();
    let [a, ..] = &people;
    let id = group(3);
    let others: Vec<_> = people[1..].iter().collect();
    let everybody: Vec<_> = people.iter().collect();
    on.commit(AppendBuilder::internal().creates_group(id, "all", a, &others));
    for n in 1..=9 {
        on.commit(AppendBuilder::internal().says(id, a, n, "all", &everybody));
    }
    assert_eq!(on.trim_to(4), 24);
    for who in &people {
        assert_eq!(on.bounds(who), InboxBounds { floor: InboxSeq(6), head: InboxSeq(10) });
        let seqs: Vec<u64> = on.inbox(who).iter().map(seq_of).collect();
        assert_eq!(seqs, [6, 7, 8, 9]);
        let below = on.inbox_page(who, InboxSeq(5), page_of(50));
        assert!(below.events.is_empty(), "below the floor there is nothing but the bounds");
        assert_eq!(below.bounds.floor, InboxSeq(6));
    }
    on.kill();
    assert_eq!(on.trim_to(4), 0, "and it stays trimmed");
    assert_eq!(on.bounds(a), InboxBounds { floor: InboxSeq(6), head: InboxSeq(10) });
}

/// Entries too old are dropped; the newest stays whatever its age.
pub fn trimming_drops_what_is_too_old<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    let day = 24 * 3600 * 1000;
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    for n in 1..=6 {
        on.commit(AppendBuilder::internal().at(n * day).says(id, &a, n, "daily", &[&b]));
    }
    let at = |now: u64| TrimPolicy { now: UnixMs(now), keep: 100, keep_ms: 3 * day, inboxes: 10 };
    assert_eq!(on.trim_all(at(3 * day)), 0);
    assert_eq!(on.trim_all(at(6 * day + day / 2)), 3, "days 1 to 3 are older than three days");
    assert_eq!(on.bounds(&b), InboxBounds { floor: InboxSeq(3), head: InboxSeq(6) });
    assert_eq!(on.trim_all(at(1000 * day)), 2);
    assert_eq!(on.bounds(&b), InboxBounds { floor: InboxSeq(5), head: InboxSeq(6) });
    let next = on.commit(AppendBuilder::internal().at(1000 * day).says(id, &a, 7, "on", &[&b]));
    assert_eq!(next.inbox, [InboxSeq(7)]);
}

/// An inbox nobody wrote to is empty; a store nobody used trims nothing.
pub fn what_was_never_written_is_empty<H: Harness>(on: &mut Subject<H>) {
    assert_eq!(on.trim_to(0), 0);
    let [a, b, ..] = on.people();
    assert_eq!(on.bounds(&a), InboxBounds::default());
    assert!(on.inbox(&a).is_empty());
    assert!(on.roster(a.direct(&b)).is_none());
    assert_eq!(on.heads(a.direct(&b)), crate::reads::Heads::default());
    assert!(on.messages(a.direct(&b)).is_empty());
    assert!(on.changes(a.direct(&b)).is_empty());
    assert!(on.listings(&a, None, 10).is_empty());
    assert!(on.append(Vec::new()).is_empty());
}

fn seq_of(event: &Event) -> u64 {
    match event {
        Event::Message(message) => message.seq.0,
        other => panic!("unexpected {other:?}"),
    }
}
