//! Verdicts about what users wish for themselves, and silence on their clean twins.

use anser_sim::checker::{ChangeDump, Commit, ListReading, PresenceReading, PutAway, Written};
use anser_types::{Item, Options, Presence, UnixMs};

use super::*;

/// bob has removed what alice said second, and cleared away what she said first.
fn put_away(evidence: &mut Evidence) -> PutAway {
    let options = Options { cleared_up_to: Seq(1), ..Options::usual(direct()) };
    let items = [Item::Options(options), Item::Hidden { conversation: direct(), seq: Seq(2) }];
    let mut away = PutAway::default();
    items.iter().for_each(|item| away.take(item));
    let change = |(no, item): (u64, &Item)| ChangeDump {
        no: ChangeNo(no),
        after: Seq::ZERO,
        actor: user("bob"),
        at: UnixMs(no),
        alters: None,
        item: Some(item.clone()),
    };
    let periods = vec![Period::default()];
    evidence.store.push(ConversationDump {
        id: ConversationId::own(&user("bob")),
        members: vec![MemberDump { user: user("bob"), periods, read: Seq::ZERO }],
        messages: Vec::new(),
        changes: (1..).zip(&items).map(change).collect(),
        editions: BTreeMap::new(),
    });
    away
}

fn hold_back(evidence: &mut Evidence, reader: usize, from: u64, to: u64) {
    let range = vec![(Seq(from), Seq(to))];
    let history = &mut evidence.histories[reader];
    (history.unavailable, history.put_away) = (range.clone(), range);
}

fn of_bob(put_away: PutAway) -> ListReading {
    let (user, device) = (user("bob"), DeviceNo(1));
    ListReading { user, device, shown: BTreeMap::new(), stored: BTreeMap::new(), put_away }
}

/// The same; his device and his history show nothing of it.
fn with_something_put_away() -> Evidence {
    let mut evidence = talk();
    let away = put_away(&mut evidence);
    evidence.lists = vec![of_bob(away)];
    evidence.histories[BOB].messages.retain(|message| message.seq > Seq(2));
    hold_back(&mut evidence, BOB, 1, 2);
    evidence.count_unread(1, 1);
    evidence
}

#[test]
fn what_was_put_away_and_is_shown_is_told() {
    assert_clean(&with_something_put_away());
    let mut on_a_device = with_something_put_away();
    on_a_device.lists[0].put_away.removed.clear();
    assert_eq!(kinds(&on_a_device), [Kind::NotPutAway]);
    let mut by_history = with_something_put_away();
    by_history.histories[BOB].messages = talk().histories[BOB].messages.clone();
    by_history.histories[BOB].unavailable.clear();
    by_history.histories[BOB].put_away.clear();
    assert_eq!(kinds(&by_history), [Kind::NotPutAway, Kind::NotPutAway]);
    let mut meanwhile = with_something_put_away();
    meanwhile.journals[BOB].note(99, What::ShownAgain { conversation: direct(), seq: Seq(2) });
    assert_eq!(kinds(&meanwhile), [Kind::NotPutAway]);
    let mut counted = with_something_put_away();
    counted.count_unread(1, 2);
    assert_eq!(kinds(&counted), [Kind::UnreadWrong]);
}

#[test]
fn what_nobody_put_away_and_is_held_back_is_told() {
    let mut on_a_device = with_something_put_away();
    on_a_device.lists[0].put_away.removed.insert((direct(), Seq(4)));
    assert_eq!(kinds(&on_a_device), [Kind::Lost]);
    let mut for_another = with_something_put_away();
    for_another.histories[ALICE].messages.remove(0);
    hold_back(&mut for_another, ALICE, 1, 1);
    assert_eq!(kinds(&for_another), [Kind::Lost]);
}

fn commit(from_ns: u64, done_ns: Option<u64>, what: Written) -> Commit {
    Commit { from_ns, done_ns, what }
}

fn blocks(on: bool) -> Written {
    Written::Blocked { by: user("bob"), whom: user("alice"), on }
}

/// The ledger was asked to write what alice said third from 75 on.
fn when_told(commits: Vec<Commit>) -> Evidence {
    let said = commit(75, Some(78), Written::Message(key("alice", 1, 3)));
    let mut commits = commits;
    let place = commits.partition_point(|commit| commit.from_ns < 75);
    commits.insert(place, said);
    Evidence { commits, ..talk() }
}

#[test]
fn what_is_said_though_its_sender_is_blocked_is_told() {
    let blocked = when_told(vec![commit(60, Some(70), blocks(true))]);
    assert_eq!(kinds(&blocked), [Kind::HeardThoughBlocked]);
    for commits in [
        // It became durable later, or nobody knows.
        vec![commit(60, Some(77), blocks(true))],
        vec![commit(60, None, blocks(true))],
        // It was taken back, perhaps, or a restore took it away.
        vec![commit(60, Some(65), blocks(true)), commit(68, Some(70), blocks(false))],
        vec![commit(60, Some(65), blocks(true)), commit(68, None, blocks(false))],
        vec![commit(60, Some(65), blocks(true)), commit(68, None, Written::Restored)],
        // Later.
        vec![commit(80, Some(81), blocks(true))],
    ] {
        assert_clean(&when_told(commits));
    }
}

#[test]
fn reading_told_of_somebody_who_shows_it_to_nobody_is_told() {
    let shows = |on| Written::ShowRead { user: user("bob"), on };
    // bob reads at 55, alice hears of it at 60.
    let mut told = talk();
    told.commits = vec![commit(50, Some(53), shows(false))];
    assert_eq!(kinds(&told), [Kind::ReadTold]);
    for commits in [
        vec![commit(50, Some(56), shows(false))],
        vec![commit(50, Some(53), shows(false)), commit(58, None, shows(true))],
    ] {
        assert_clean(&Evidence { commits, ..talk() });
    }
}

#[test]
fn a_follower_who_knows_something_else_than_what_is_is_told() {
    let reading = |online, told| {
        let (user, device, of) = (user("alice"), DeviceNo(1), user("bob"));
        let presences = vec![PresenceReading { user, device, of, online, told }];
        Evidence { presences, ..talk() }
    };
    let gone = Some(Presence::Offline { last_seen: UnixMs(1) });
    assert_clean(&reading(true, Some(Presence::Online)));
    assert_clean(&reading(false, gone));
    for wrong in [
        reading(true, gone),
        reading(false, Some(Presence::Online)),
        reading(true, None),
        reading(true, Some(Presence::Unknown)),
    ] {
        assert_eq!(kinds(&wrong), [Kind::WrongPresence]);
    }
}
