//! Every verdict of the checker on a history that has it, and silence on the clean twin.

mod alterations;
mod altered;
mod forgetting;
mod lists;
mod restores;
mod wishes;

use std::collections::BTreeMap;

use anser_sim::checker::{
    BodyHash, ConversationDump, Counts, Evidence, Journal, Kind, MemberDump, MessageKey, Shape,
    Stored, What, check, dump_store, report,
};
use anser_types::{
    ChangeNo, CommandNo, ConversationId, DeviceNo, LocalNo, LogEpoch, MessageId, Period, Seq,
    UserId,
};

use altered::Altered;

const ALICE: usize = 0;
const BOB: usize = 1;

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn direct() -> ConversationId {
    ConversationId::direct(&user("alice"), &user("bob"))
}

fn key(sender: &str, device: u64, local_no: u64) -> MessageKey {
    let id = MessageId { device: DeviceNo(device), local_no: LocalNo(local_no) };
    MessageKey { sender: user(sender), id }
}

fn body(local_no: u64) -> BodyHash {
    BodyHash::of(&local_no.to_be_bytes())
}

fn stored(seq: u64, sender: &str, local_no: u64) -> Stored {
    let shape = Shape { body: Some(body(local_no)), ..Shape::default() };
    Stored { seq: Seq(seq), key: key(sender, 1, local_no), shape }
}

fn invoke(local_no: u64) -> What {
    What::Invoke { local_no: LocalNo(local_no), conversation: direct(), body: body(local_no) }
}

fn ok(local_no: u64, seq: u64) -> What {
    What::Ok { local_no: LocalNo(local_no), command_no: CommandNo(local_no), seq: Seq(seq) }
}

fn unknown(local_no: u64) -> What {
    What::Unknown { local_no: LocalNo(local_no) }
}

fn fail(local_no: u64) -> What {
    What::Fail { local_no: LocalNo(local_no), code: String::from("NOT_ALLOWED") }
}

fn received(seq: u64, sender: &str, local_no: u64) -> What {
    What::Received {
        conversation: direct(),
        seq: Seq(seq),
        key: key(sender, 1, local_no),
        body: body(local_no),
        live: true,
    }
}

fn skipped(from: u64, to: u64) -> What {
    What::Skipped { conversation: direct(), from: Seq(from), to: Seq(to) }
}

fn not_on_server(above: u64) -> What {
    What::NotOnServer { conversation: direct(), above: Seq(above) }
}

fn mark_read(up_to: u64) -> What {
    What::MarkRead { conversation: direct(), up_to: Seq(up_to) }
}

fn saw_delivered(who: &str, up_to: u64) -> What {
    What::SawDelivered { conversation: direct(), who: user(who), up_to: Seq(up_to) }
}

fn saw_read(who: &str, up_to: u64) -> What {
    What::SawRead { conversation: direct(), who: user(who), up_to: Seq(up_to) }
}

/// alice says 1, 2 and 4, bob says 3; bob has read 1. One device each.
fn talk() -> Evidence {
    let mut alice = Journal::new(user("alice"), DeviceNo(1));
    for (at, what) in [
        (10, invoke(1)),
        (20, ok(1, 1)),
        (30, invoke(2)),
        (40, ok(2, 2)),
        (50, saw_delivered("bob", 2)),
        (60, saw_read("bob", 1)),
        (65, received(3, "bob", 1)),
        (70, invoke(3)),
        (80, ok(3, 4)),
    ] {
        alice.note(at, what);
    }
    let mut bob = Journal::new(user("bob"), DeviceNo(1));
    for (at, what) in [
        (25, received(1, "alice", 1)),
        (45, received(2, "alice", 2)),
        (55, mark_read(1)),
        (57, invoke(1)),
        (63, ok(1, 3)),
        (85, received(4, "alice", 3)),
    ] {
        bob.note(at, what);
    }
    let always = vec![Period::default()];
    let member = |id, read| MemberDump { user: user(id), periods: always.clone(), read: Seq(read) };
    let messages = vec![
        stored(1, "alice", 1),
        stored(2, "alice", 2),
        stored(3, "bob", 1),
        stored(4, "alice", 3),
    ];
    let mut evidence = Evidence {
        journals: vec![alice, bob],
        store: vec![ConversationDump {
            id: direct(),
            members: vec![member("alice", 0), member("bob", 1)],
            messages,
            changes: Vec::new(),
            editions: BTreeMap::new(),
        }],
        ..Evidence::default()
    };
    evidence.read_history();
    evidence.count_unread(1, 2);
    evidence
}

fn kinds(evidence: &Evidence) -> Vec<Kind> {
    check(evidence).into_iter().map(|verdict| verdict.kind).collect()
}

fn assert_clean(evidence: &Evidence) {
    let verdicts = check(evidence);
    assert!(verdicts.is_empty(), "{}", report(&verdicts));
}

/// The last message never reaches the store.
fn without_the_last() -> Evidence {
    let mut evidence = talk();
    evidence.messages().pop();
    evidence.forget(BOB, &received(4, "alice", 3));
    evidence.read_history();
    evidence.count_unread(1, 1);
    evidence
}

#[test]
fn a_clean_talk_has_no_verdict_and_is_counted() {
    let evidence = talk();
    assert_clean(&evidence);
    let counts = Counts::of(&evidence);
    let expected = Counts { invoked: 4, ok: 4, received: 4, stored: 4, ..Counts::default() };
    assert_eq!(counts, expected);
    assert_eq!(report(&check(&evidence)), "no promise was broken");
    assert_clean(&Evidence::default());
}

#[test]
fn an_accepted_message_that_the_store_does_not_hold_is_lost() {
    let mut evidence = without_the_last();
    assert_eq!(kinds(&evidence), [Kind::Lost]);
    let verdict = check(&evidence).remove(0);
    assert_eq!(verdict.message, Some(key("alice", 1, 3)));
    assert_eq!(verdict.seq, Some(Seq(4)));
    // In doubt and absent is no loss, and neither is a refusal.
    for outcome in [unknown(3), fail(3)] {
        let mut twin = evidence.clone();
        twin.replace(ALICE, &ok(3, 4), outcome);
        assert_clean(&twin);
    }
    evidence.store.clear();
    assert!(kinds(&evidence).contains(&Kind::Lost), "a whole conversation is gone");
}

#[test]
fn a_message_missing_at_the_end_of_a_device_is_lost() {
    let mut evidence = talk();
    evidence.forget(BOB, &received(4, "alice", 3));
    assert_eq!(kinds(&evidence), [Kind::Lost]);
    let mut away = evidence.clone();
    away.journals[BOB].caught_up = false;
    assert_clean(&away);
    let mut named = evidence;
    named.journals[BOB].note(90, skipped(4, 4));
    assert_clean(&named);
}

#[test]
fn a_message_missing_at_the_end_of_a_history_is_lost() {
    let mut evidence = talk();
    evidence.histories[BOB].messages.pop();
    assert_eq!(kinds(&evidence), [Kind::Lost]);
    evidence.histories[BOB].unavailable.push((Seq(4), Seq(4)));
    assert_clean(&evidence);
}

#[test]
fn a_message_nobody_sent_is_a_phantom() {
    let with = |message: Stored, received: What| {
        let mut evidence = talk();
        evidence.messages().push(message);
        evidence.journals[BOB].note(95, received);
        evidence.read_history();
        evidence.count_unread(1, 3);
        evidence
    };
    let evidence = with(stored(5, "alice", 9), received(5, "alice", 9));
    assert_eq!(kinds(&evidence), [Kind::Phantom]);
    // A device without a journal may say anything; alice's known one must hear of it.
    let key = key("alice", 7, 9);
    let heard = What::Received {
        conversation: direct(),
        seq: Seq(5),
        key: key.clone(),
        body: body(9),
        live: true,
    };
    let mut twin = with(Stored { key, ..stored(5, "alice", 9) }, heard.clone());
    twin.journals[ALICE].note(95, heard);
    assert_clean(&twin);
}

#[test]
fn a_refused_message_that_shows_up_is_a_phantom() {
    let mut evidence = talk();
    evidence.replace(ALICE, &ok(3, 4), fail(3));
    assert_eq!(kinds(&evidence), [Kind::Phantom]);
    // Sent again by hand, and in doubt: it may show up.
    evidence.journals[ALICE].note(81, invoke(3));
    evidence.journals[ALICE].note(82, unknown(3));
    assert_clean(&evidence);
}

#[test]
fn a_message_with_another_body_is_a_phantom() {
    let mut evidence = talk();
    evidence.messages()[0].shape.body = Some(body(77));
    assert!(kinds(&evidence).iter().all(|kind| *kind == Kind::Phantom));
    assert!(!kinds(&evidence).is_empty());
    let mut erased = talk();
    erased.messages()[0].shape.body = None;
    assert_clean(&erased);
}

#[test]
fn a_message_shown_before_it_is_in_the_store_is_a_phantom() {
    let mut evidence = talk();
    evidence.journals[ALICE].note(90, invoke(4));
    evidence.journals[ALICE].note(91, unknown(4));
    assert_clean(&evidence);
    evidence.journals[BOB].note(95, received(5, "alice", 4));
    assert_eq!(kinds(&evidence), [Kind::Phantom]);
}

#[test]
fn one_send_that_stands_twice_is_a_duplicate() {
    let mut evidence = talk();
    evidence.messages().push(stored(5, "alice", 3));
    evidence.journals[BOB].note(95, received(5, "alice", 3));
    evidence.read_history();
    evidence.count_unread(1, 3);
    let found = kinds(&evidence);
    assert!(!found.is_empty());
    assert!(found.iter().all(|kind| *kind == Kind::Duplicate), "{found:?}");
}

#[test]
fn one_send_accepted_as_two_seqs_is_a_duplicate() {
    let mut evidence = talk();
    evidence.journals[ALICE].note(82, ok(3, 4));
    assert_clean(&evidence);
    evidence.journals[ALICE].note(83, ok(3, 5));
    assert_eq!(kinds(&evidence), [Kind::Duplicate]);
}

#[test]
fn a_message_stored_twice_by_a_device_is_a_duplicate() {
    let mut evidence = talk();
    evidence.journals[BOB].note(95, received(4, "alice", 3));
    assert_eq!(kinds(&evidence), [Kind::Duplicate]);
    assert_eq!(check(&evidence)[0].message, Some(key("alice", 1, 3)));
}

#[test]
fn a_message_given_twice_by_a_history_is_a_duplicate() {
    let mut evidence = talk();
    let again = evidence.histories[ALICE].messages[3].clone();
    evidence.histories[ALICE].messages.push(again);
    assert_eq!(kinds(&evidence), [Kind::Duplicate]);
}

#[test]
fn messages_out_of_send_order_are_reordered() {
    let mut evidence = talk();
    // Both sent before either was accepted; the second one took the first place.
    evidence.journals[ALICE].entries.retain(|entry| entry.at_ns >= 50);
    let late = std::mem::take(&mut evidence.journals[ALICE].entries);
    for (at, what) in [(10, invoke(1)), (11, invoke(2)), (20, ok(2, 1)), (21, ok(1, 2))] {
        evidence.journals[ALICE].note(at, what);
    }
    evidence.journals[ALICE].entries.extend(late);
    evidence.messages()[0] = stored(1, "alice", 2);
    evidence.messages()[1] = stored(2, "alice", 1);
    evidence.replace(BOB, &received(1, "alice", 1), received(1, "alice", 2));
    evidence.replace(BOB, &received(2, "alice", 2), received(2, "alice", 1));
    evidence.read_history();
    assert_eq!(kinds(&evidence), [Kind::Reordered]);
    // The first one had failed and was sent again by hand.
    let resent = What::Fail { local_no: LocalNo(1), code: String::from("TIMED_OUT") };
    evidence.journals[ALICE].entries.insert(3, entry(20, resent));
    evidence.journals[ALICE].entries.insert(4, entry(20, invoke(1)));
    assert_clean(&evidence);
}

fn entry(at_ns: u64, what: What) -> anser_sim::checker::Entry {
    anser_sim::checker::Entry { at_ns, what }
}

#[test]
fn a_device_that_stores_live_messages_out_of_order_is_reordered() {
    let mut evidence = talk();
    evidence.replace(BOB, &received(1, "alice", 1), skipped(9, 9));
    evidence.journals[BOB].note(95, received(1, "alice", 1));
    assert_eq!(kinds(&evidence), [Kind::Reordered]);
    let mut loaded = received(1, "alice", 1);
    if let What::Received { live, .. } = &mut loaded {
        *live = false;
    }
    evidence.replace(BOB, &received(1, "alice", 1), loaded);
    assert_clean(&evidence);
}

#[test]
fn a_missing_seq_in_the_store_is_a_hole() {
    let mut evidence = talk();
    evidence.messages().remove(2);
    evidence.replace(BOB, &ok(1, 3), unknown(1));
    evidence.forget(ALICE, &received(3, "bob", 1));
    evidence.read_history();
    evidence.count_unread(0, 2);
    assert_eq!(kinds(&evidence), [Kind::Hole]);
    assert_eq!(check(&evidence)[0].seq, Some(Seq(3)));
}

#[test]
fn a_missing_seq_of_a_reader_is_a_hole_unless_it_is_named_or_not_theirs() {
    let mut device = talk();
    device.forget(BOB, &received(2, "alice", 2));
    device.forget(ALICE, &saw_delivered("bob", 2));
    assert_eq!(kinds(&device), [Kind::Hole]);
    device.journals[BOB].note(95, skipped(2, 2));
    assert_clean(&device);

    let mut history = talk();
    history.histories[BOB].messages.remove(1);
    assert_eq!(kinds(&history), [Kind::Hole]);
    let mut named = history.clone();
    named.histories[BOB].unavailable.push((Seq(2), Seq(2)));
    assert_clean(&named);
    // bob was out while 2 was said.
    history.store[0].members[BOB].periods = vec![
        Period { until: Some((Seq(1), ChangeNo(1))), ..Period::default() },
        Period { after_seq: Seq(2), after_change: ChangeNo(1), until: None },
    ];
    history.forget(BOB, &received(2, "alice", 2));
    history.forget(ALICE, &saw_delivered("bob", 2));
    history.count_unread(1, 1);
    assert_clean(&history);
}

#[test]
fn readers_who_disagree_about_a_seq_have_a_diverging_order() {
    let mut evidence = talk();
    evidence.replace(BOB, &received(1, "alice", 1), received(1, "alice", 2));
    evidence.replace(BOB, &received(2, "alice", 2), received(2, "alice", 1));
    assert_eq!(kinds(&evidence), [Kind::DivergingOrder, Kind::DivergingOrder]);
    let mut history = talk();
    history.histories[ALICE].messages.swap(0, 1);
    history.histories[ALICE].messages[0].seq = Seq(1);
    history.histories[ALICE].messages[1].seq = Seq(2);
    assert_eq!(kinds(&history), [Kind::DivergingOrder, Kind::DivergingOrder]);
}

#[test]
fn an_answer_that_names_another_seq_is_a_diverging_order() {
    let mut evidence = talk();
    evidence.replace(ALICE, &ok(2, 2), ok(2, 1));
    assert_eq!(kinds(&evidence), [Kind::DivergingOrder]);
}

#[test]
fn a_receipt_shown_before_its_time_is_false() {
    let mut delivered = talk();
    delivered.journals[ALICE].entries[4].at_ns = 44;
    assert_eq!(kinds(&delivered), [Kind::FalseReceipt]);
    delivered.journals[ALICE].entries[4].at_ns = 45;
    assert_clean(&delivered);

    let mut read = talk();
    read.journals[ALICE].entries[5].at_ns = 54;
    assert_eq!(kinds(&read), [Kind::FalseReceipt]);
    // A user without any journal cannot be judged.
    let mut stranger = talk();
    stranger.journals.remove(BOB);
    assert_clean(&stranger);
}

#[test]
fn the_read_position_of_a_newcomer_begins_at_the_head() {
    let mut evidence = talk();
    evidence.journals[ALICE].note(90, saw_read("bob", 2));
    evidence.store[0].members[BOB].read = Seq(2);
    evidence.count_unread(1, 1);
    assert_eq!(kinds(&evidence), [Kind::FalseReceipt]);
    let newcomer = Period { after_seq: Seq(2), ..Period::default() };
    evidence.store[0].members[BOB].periods = vec![newcomer];
    let found = kinds(&evidence);
    assert!(!found.contains(&Kind::FalseReceipt), "{found:?}");
}

#[test]
fn a_receipt_that_goes_back_is_backward() {
    let mut shown = talk();
    shown.journals[ALICE].note(90, saw_delivered("bob", 1));
    assert_eq!(kinds(&shown), [Kind::BackwardReceipt]);
    let mut forward = talk();
    forward.journals[ALICE].note(90, saw_delivered("bob", 4));
    assert_clean(&forward);

    let mut store = talk();
    store.store[0].members[BOB].read = Seq::ZERO;
    store.count_unread(1, 3);
    assert_eq!(kinds(&store), [Kind::BackwardReceipt]);
}

#[test]
fn what_was_said_after_a_removal_is_not_visible() {
    let mut evidence = talk();
    let until = Some((Seq(3), ChangeNo(1)));
    evidence.store[0].members[BOB].periods = vec![Period { until, ..Period::default() }];
    evidence.count_unread(1, 1);
    assert_eq!(kinds(&evidence), [Kind::VisibleAfterRemoval, Kind::VisibleAfterRemoval]);
    evidence.forget(BOB, &received(4, "alice", 3));
    evidence.histories[BOB].messages.pop();
    assert_clean(&evidence);
    // Somebody who never was a member sees nothing at all.
    evidence.journals.push(Journal::new(user("eve"), DeviceNo(1)));
    assert_clean(&evidence);
    evidence.journals[2].note(99, received(1, "alice", 1));
    assert_eq!(kinds(&evidence), [Kind::VisibleAfterRemoval]);
}

#[test]
fn an_unread_count_that_differs_is_wrong() {
    for (alice, bob) in [(0, 2), (1, 3), (1, 1), (2, 2)] {
        let mut wrong = talk();
        wrong.count_unread(alice, bob);
        assert_eq!(kinds(&wrong), [Kind::UnreadWrong]);
    }
    let mut many = talk();
    for local_no in 4..1100 {
        many.journals[ALICE].note(local_no * 10, invoke(local_no));
        many.journals[ALICE].note(local_no * 10 + 1, ok(local_no, local_no + 1));
        many.journals[BOB].note(local_no * 10 + 2, received(local_no + 1, "alice", local_no));
        many.messages().push(stored(local_no + 1, "alice", local_no));
    }
    many.read_history();
    many.count_unread(1, 999);
    assert_clean(&many);
}

#[test]
fn a_verdict_tells_the_story_of_its_message() {
    let mut evidence = without_the_last();
    evidence.journals[BOB].note(2_000_000_095, received(4, "alice", 3));
    let verdicts = check(&evidence);
    let lost = verdicts.iter().find(|verdict| verdict.kind == Kind::Lost).unwrap();
    let id = direct();
    let body = body(3);
    assert_eq!(
        lost.timeline,
        [
            format!("0.000000070 s alice/1: invoke 3 {id} {body}"),
            String::from("0.000000080 s alice/1: ok 3 3 4"),
            format!("2.000000095 s bob/1: received {id} 4 alice 1 3 {body}"),
            String::from("at the end, the store: not there"),
            String::from("at the end, history of alice: not there"),
            String::from("at the end, history of bob: not there"),
        ]
    );
    let text = report(&verdicts);
    assert!(
        text.starts_with("2 promises were broken: Lost 1, Phantom 1\nLost: alice/1-3"),
        "{text}"
    );
}

#[test]
fn journals_survive_as_text_and_a_torn_last_line_is_dropped() {
    let mut journal = talk().journals.remove(BOB);
    let other = What::OtherLog { epoch: LogEpoch(3) };
    for what in [
        fail(8),
        unknown(8),
        not_on_server(4),
        other,
        skipped(1, 2),
        saw_read("ü@x", 2),
        saw_delivered("a", 1),
    ] {
        journal.note(99, what);
    }
    let mut loaded = received(9, "alice", 9);
    if let What::Received { live, .. } = &mut loaded {
        *live = false;
    }
    journal.note(u64::MAX, loaded);
    journal.caught_up = false;
    let text = journal.to_text();
    assert_eq!(Journal::from_text(&text), Ok(journal.clone()));
    for cut in 1..60 {
        let torn = &text[..text.len() - cut];
        let read = Journal::from_text(torn).unwrap();
        assert_eq!(read.entries, journal.entries[..journal.entries.len() - 1], "cut {cut}");
    }
    let damaged = text.replace("unknown", "forgotten");
    let error = Journal::from_text(&damaged).unwrap_err();
    assert_eq!(error.text, "99 forgotten 8");
    assert_eq!(error.number, 9);
    assert!(Journal::from_text("").is_err());
}

#[tokio::test]
async fn the_raw_store_is_dumped_through_its_ports() {
    use anser_backend::testing::{AppendBuilder, Person};
    use anser_backend::{Ledger as _, MemoryBackend};
    use anser_types::UserNo;

    let store = MemoryBackend::new();
    let (alice, bob) = (Person::new(UserNo(1), "alice"), Person::new(UserNo(2), "bob"));
    let mut batch = vec![AppendBuilder::internal().opens_direct(&alice, &bob).build()];
    for local_no in 1..=1200 {
        let append = AppendBuilder::internal();
        batch.push(append.says(direct(), &alice, local_no, "hi", &[&alice, &bob]).build());
    }
    batch.push(AppendBuilder::internal().reads(direct(), &bob, Seq(7)).build());
    store.append_batch(batch).await.unwrap();
    let dump = dump_store(&store, &store).await.unwrap();
    assert_eq!(dump.len(), 1);
    assert_eq!(dump[0].members[BOB].read, Seq(7));
    let shape = Shape { body: Some(BodyHash::of(b"hi")), ..Shape::default() };
    let expected = Stored { seq: Seq(1200), key: key("alice", 1, 1200), shape };
    assert_eq!(dump[0].messages[1199], expected);
    let evidence = Evidence { store: dump, ..Evidence::default() };
    assert_clean(&evidence);
}
