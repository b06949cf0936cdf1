//! Memberships are periods in both counters; positions move forward only; lists hold whoever was ever in.

use anser_types::{
    ChangeKind, ChangeNo, ConversationKind, Event, InboxSeq, Period, Role, Seq, Version,
};

use super::harness::Harness;
use super::subject::Subject;
use crate::ledger::SoftPosition;
use crate::reads::Position;
use crate::testing::{AppendBuilder, Person, group, group_row};

fn left(who: &Person) -> ChangeKind {
    ChangeKind::MembersRemoved { users: vec![who.id.clone()] }
}

/// The first message of a direct conversation is unread by its receiver and seen by both.
pub fn the_first_direct_message_is_unread_and_visible<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    let hello = AppendBuilder::internal().opens_direct(&a, &b).says(id, &a, 1, "hi", &[&b, &a]);
    on.commit(hello);
    for _ in 0..2 {
        let roster = on.roster(id).expect("a row");
        assert_eq!(roster.version(), Version(1));
        let kind = ConversationKind::Direct { a: a.id.clone(), b: b.id.clone() };
        assert_eq!(roster.conversation.kind, kind);
        for who in [&a, &b] {
            let member = roster.member(who.no).expect("a member");
            assert_eq!(member.user, who.id);
            assert!(member.is_present() && member.sees_message(Seq(1)));
        }
        assert_eq!(on.positions(id, &[&a, &b]), [Position::default(); 2]);
        on.kill();
    }
}

/// Periods begin at the heads before their append and end at the heads after it; coming back begins a new one.
pub fn periods_follow_joins_and_leaves<H: Harness>(on: &mut Subject<H>) {
    let [a, b, c, d] = on.people();
    let id = group(1);
    let say = |n, to: &[&Person]| AppendBuilder::internal().says(id, &a, n, "talk", to);
    on.commit(AppendBuilder::internal().creates_group(id, "tea", &a, &[&b]));
    on.commit(say(1, &[&a, &b]));
    on.commit(say(2, &[&a, &b]));
    let kind = ChangeKind::MembersJoined {
        title: "tea".into(),
        users: vec![c.id.clone()],
        channel: false,
    };
    let come = AppendBuilder::internal()
        .row(group_row(id, "tea", Version(2)))
        .joins(id, &c, Role::Member, false)
        .joins(id, &d, Role::Admin, true)
        .changes(id, &a, kind, &[&a, &b, &c, &d]);
    on.commit(come);
    on.commit(say(3, &[&a, &b, &c, &d]));
    // The period ends behind everything its append writes, the change that tells of it included.
    let go = AppendBuilder::internal()
        .row(group_row(id, "tea", Version(3)))
        .ends(id, &c)
        .says(id, &a, 4, "bye", &[&c])
        .changes(id, &a, left(&c), &[&a, &b, &c, &d]);
    on.commit(go);
    on.commit(say(5, &[&a, &b, &d]));
    let back = AppendBuilder::internal().row(group_row(id, "tea", Version(4))).joins(
        id,
        &c,
        Role::Admin,
        false,
    );
    on.commit(back);
    let period = |after_seq, after_change, until: Option<(u64, u64)>| Period {
        after_seq: Seq(after_seq),
        after_change: ChangeNo(after_change),
        until: until.map(|(seq, change)| (Seq(seq), ChangeNo(change))),
    };
    for _ in 0..2 {
        let roster = on.roster(id).expect("a row");
        let users: Vec<_> = roster.members.iter().map(|m| m.user_no).collect();
        assert!(users.is_sorted() && users.len() == 4);
        let c = roster.member(c.no).expect("a member");
        assert_eq!(c.periods, [period(2, 1, Some((4, 3))), period(5, 3, None)]);
        assert_eq!((c.role, c.is_present()), (Role::Admin, true));
        let seen: Vec<u64> = (1..=6).filter(|n| c.sees_message(Seq(*n))).collect();
        assert_eq!(seen, [3, 4, 6]);
        let d = roster.member(d.no).expect("a member");
        assert_eq!((d.periods.as_slice(), d.role), ([period(0, 0, None)].as_slice(), Role::Admin));
        on.kill();
    }
    let positions = on.positions(id, &[&a, &c, &d]);
    let read: Vec<u64> = positions.iter().map(|p| p.read.0).collect();
    assert_eq!(read, [0, 5, 2], "joining sets the read position to the head");
}

/// Roles change without touching periods, and not for people who were never there.
pub fn roles_change_in_place<H: Harness>(on: &mut Subject<H>) {
    let [a, b, c, _] = on.people();
    let id = group(1);
    on.commit(AppendBuilder::internal().creates_group(id, "tea", &a, &[&b]));
    let passed = AppendBuilder::internal()
        .row(group_row(id, "tea", Version(2)))
        .sets_role(id, &a, Role::Member)
        .sets_role(id, &b, Role::Owner)
        .sets_role(id, &c, Role::Admin)
        .ends(id, &c);
    let before = on.roster(id).expect("a row");
    on.commit(passed);
    on.kill();
    let roster = on.roster(id).expect("a row");
    assert_eq!(roster.members.len(), 2);
    assert_eq!(roster.member(a.no).expect("a member").role, Role::Member);
    assert_eq!(roster.member(b.no).expect("a member").role, Role::Owner);
    for (old, new) in before.members.iter().zip(&roster.members) {
        assert_eq!(old.periods, new.periods);
    }
}

/// Somebody's conversations are listed by id in pages, left ones too, with their own positions.
pub fn conversations_are_listed_in_pages<H: Harness>(on: &mut Subject<H>) {
    let [a, b, c, _] = on.people();
    let mut ids = vec![a.direct(&b), a.direct(&c), a.direct(&a)];
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    on.commit(AppendBuilder::internal().opens_direct(&a, &c));
    on.commit(AppendBuilder::internal().opens_direct(&a, &a));
    for n in 1..=6 {
        on.commit(AppendBuilder::internal().creates_group(group(n), "g", &a, &[&b]));
        ids.push(group(n));
    }
    ids.sort_unstable();
    on.commit(AppendBuilder::internal().ends(group(2), &a).changes(group(2), &a, left(&a), &[]));
    on.commit(AppendBuilder::internal().says(a.direct(&b), &b, 1, "hi", &[&a]));
    on.commit(AppendBuilder::internal().reads(a.direct(&b), &a, Seq(1)));
    on.kill();
    for limit in [1, 2, 9, 50] {
        let mut listed = Vec::new();
        loop {
            let page = on.listings(&a, listed.last().copied(), limit);
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            listed.extend(page.iter().map(|l| l.conversation.id));
        }
        assert_eq!(listed, ids, "in pages of {limit}");
    }
    for listing in on.listings(&a, None, 50) {
        let id = listing.conversation.id;
        let roster = on.roster(id).expect("a row");
        assert_eq!(listing.conversation, roster.conversation);
        assert_eq!(Some(&listing.member), roster.member(a.no));
        assert_eq!(listing.heads, on.heads(id));
        assert_eq!(vec![listing.position], on.positions(id, &[&a]));
        assert_eq!(listing.member.is_present(), id != group(2));
    }
    assert_eq!(on.listings(&b, None, 50).len(), 7);
    assert_eq!(on.listings(&c, None, 50).len(), 1);
}

/// Read positions move forward only, are durable, and the entry for the other devices arrives.
pub fn read_positions_move_forward_only<H: Harness>(on: &mut Subject<H>) {
    let [a, b, c, _] = on.people();
    let id = a.direct(&b);
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    for n in 1..=5 {
        on.commit(AppendBuilder::internal().says(id, &b, n, "hi", &[]));
    }
    for (up_to, expected) in [(2, 2), (1, 2), (5, 5), (3, 5), (5, 5)] {
        on.commit(AppendBuilder::internal().reads(id, &a, Seq(up_to)));
        on.kill();
        let positions = on.positions(id, &[&c, &a, &b]);
        let read: Vec<u64> = positions.iter().map(|p| p.read.0).collect();
        assert_eq!(read, [0, expected, 0], "in the order asked, zero for strangers");
    }
    let events = on.inbox(&a);
    assert_eq!(events.len(), 5);
    assert_eq!(events[0], Event::ReadSync { conversation: id, up_to: Seq(2) });
}

/// Soft positions show at once, move forward only, and survive a kill once they were flushed.
pub fn soft_positions_show_at_once_and_last_when_flushed<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = a.direct(&b);
    let device = a.device(1);
    on.commit(AppendBuilder::internal().opens_direct(&a, &b));
    for n in 1..=9 {
        on.commit(AppendBuilder::internal().says(id, &b, n, "hi", &[&a]));
    }
    let noted = |on: &Subject<H>| {
        (on.positions(id, &[&a])[0].delivered, on.open(device).cursor, on.positions(id, &[&b])[0])
    };
    let note = |on: &Subject<H>, seq, cursor| {
        on.note(&[
            SoftPosition::Delivered { conversation: id, user: a.no, up_to: Seq(seq) },
            SoftPosition::Cursor { device, up_to: InboxSeq(cursor) },
        ]);
    };
    note(on, 4, 5);
    assert_eq!(noted(on), (Seq(4), InboxSeq(5), Position::default()));
    assert_eq!(on.listings(&a, None, 9)[0].position.delivered, Seq(4));
    note(on, 3, 2);
    assert_eq!(noted(on), (Seq(4), InboxSeq(5), Position::default()), "forward only");
    on.flush();
    on.kill();
    assert_eq!(noted(on), (Seq(4), InboxSeq(5), Position::default()), "flushed is durable");
    note(on, 9, 9);
    on.kill();
    let (delivered, cursor, _) = noted(on);
    assert!((Seq(4)..=Seq(9)).contains(&delivered), "{delivered}");
    assert!((InboxSeq(5)..=InboxSeq(9)).contains(&cursor), "{cursor}");
    note(on, 8, 8);
    on.reopen();
    assert!(noted(on).0 >= Seq(8) && noted(on).1 >= InboxSeq(8), "a clean stop loses nothing");
    note(on, 1, 1);
    on.flush();
    on.kill();
    assert!(noted(on).0 >= Seq(8), "a lower one never replaces a durable one");
    let other = on.open(a.device(2)).cursor;
    assert_eq!(other, InboxSeq::ZERO, "every device has its own cursor");
}
