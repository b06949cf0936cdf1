//! Exactly once, in order: what the client may repeat, lose or send twice.

use anser_service::{Answered, Pending};
use anser_types::{CommandNo, ErrorCode, Outcome, Seq, Target};

use crate::world::{Device, World, done, invite, not_executed, request, send, to};

fn is_duplicate(answered: &Answered) -> bool {
    matches!(answered, Answered::Final { duplicate: true, .. })
}

#[tokio::test]
async fn requirement_a4_late_resend_gets_its_first_answer() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let first = done(alice.session.submit(request(1, send(to("bob"), "12"))).await.await);
    let second = done(alice.session.submit(request(2, send(to("bob"), "13"))).await.await);
    // 12 comes again after 13 was taken: its original answer, and nothing is routed.
    let again = alice.session.submit(request(1, send(to("bob"), "12"))).await.await;
    assert!(is_duplicate(&again));
    assert_eq!(done(again), first);
    assert_eq!((first.seq, second.seq), (Seq(1), Seq(2)));
    assert_eq!(bob.hears().await, ["alice: 12", "alice: 13"]);
}

#[tokio::test]
async fn requirement_a4_an_earlier_message_that_never_arrived_is_accepted_after_a_later_one_came() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let early = alice.session.submit(request(2, send(to("bob"), "13"))).await.await;
    let Answered::Refused { refusal, expected, .. } = early else { panic!() };
    assert_eq!((refusal.code, expected), (ErrorCode::OutOfOrder, Some(CommandNo(1))));
    done(alice.session.submit(request(1, send(to("bob"), "12"))).await.await);
    done(alice.session.submit(request(2, send(to("bob"), "13"))).await.await);
    let mut bob = world.connect("bob").await;
    assert_eq!(bob.hears().await, ["alice: 12", "alice: 13"]);
}

#[tokio::test]
async fn a_duplicate_of_a_command_in_flight_waits_for_its_commit() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "hello").await;
    world.gate.hold();
    let mut first = alice.session.submit(request(2, send(to("bob"), "x"))).await;
    let mut again = alice.session.submit(request(2, send(to("bob"), "x"))).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(is_waiting(&mut first) && is_waiting(&mut again), "no answer from memory");
    world.gate.release();
    assert_eq!(done(first.await).seq, Seq(2));
    let again = again.await;
    assert!(is_duplicate(&again));
    assert_eq!(done(again).seq, Seq(2));
}

fn is_waiting(pending: &mut Pending) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(pending).poll(&mut cx).is_pending()
}

#[tokio::test]
async fn the_same_number_with_other_content_is_a_conflict() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "one").await;
    let other = alice.session.submit(request(1, send(to("bob"), "another"))).await.await;
    assert_eq!(not_executed(other).code, ErrorCode::Conflict);
    assert_eq!(world.direct_head("alice", "bob").await, Seq(1));
}

#[tokio::test]
async fn a_confirmed_answer_is_forgotten_and_never_executed_again() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "one").await;
    let mut second = request(2, send(to("bob"), "two"));
    second.answered_up_to = CommandNo(1);
    done(alice.session.submit(second).await.await);
    let late = alice.session.submit(request(1, send(to("bob"), "one"))).await.await;
    assert_eq!(not_executed(late).code, ErrorCode::AnswerForgotten);
    assert_eq!(world.direct_head("alice", "bob").await, Seq(2));
}

#[tokio::test]
async fn a_permanent_refusal_is_kept_as_the_answer() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    assert_eq!(alice.refused(send(to("bob"), "x")).await, ErrorCode::UserUnknown);
    world.user("bob").await;
    let again = alice.session.submit(request(1, send(to("bob"), "x"))).await.await;
    let Answered::Final { answer, duplicate: true, .. } = again else { panic!("{again:?}") };
    assert!(matches!(answer.outcome, Outcome::Refused(r) if r.code == ErrorCode::UserUnknown));
}

#[tokio::test]
async fn answers_survive_a_crash() {
    let mut world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let first = alice.say(to("bob"), "one").await;
    world.crash();
    let mut alice =
        Device::connect(&world.service, &alice.signed_in, anser_types::InboxSeq::ZERO).await;
    assert_eq!(alice.opened.last_command_no, CommandNo(1));
    let again = alice.session.submit(request(1, send(to("bob"), "one"))).await.await;
    assert!(is_duplicate(&again));
    assert_eq!(done(again), first);
}

#[tokio::test]
async fn messages_in_flight_share_a_batch() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "first").await;
    world.gate.appends.lock().clear();
    world.gate.hold();
    let mut pending = Vec::new();
    for n in 0..20 {
        pending.push(alice.submit(send(to("bob"), &n.to_string())).await);
    }
    world.gate.release();
    for (n, pending) in pending.into_iter().enumerate() {
        assert_eq!(done(pending.await).seq, Seq(n as u64 + 2));
    }
    let batches = world.gate.appends.lock().clone();
    assert_eq!(batches.iter().sum::<usize>(), 20);
    assert!(batches.len() <= 3, "{batches:?}");
}

#[tokio::test]
async fn other_commands_wait_for_what_was_said_before() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let group = alice.create_group("all", &["bob"]).await;
    let mut said = Vec::new();
    for n in 0..5 {
        said.push(alice.submit(send(Target::Conversation(group), &n.to_string())).await);
    }
    let added = alice.done(invite(group, &["carol"])).await;
    for pending in said {
        done(pending.await);
    }
    assert_eq!(added.change_no.0, 2);
    let mut carol = world.connect("carol").await;
    assert_eq!(carol.hears().await, ["alice added carol"], "nothing from before");
    alice.say(Target::Conversation(group), "welcome").await;
    assert_eq!(carol.hears().await, ["alice: welcome"]);
}

#[tokio::test]
async fn rules_run_again_in_order_when_the_group_changes_under_messages_in_flight() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob"]).await;
    let at = || Target::Conversation(group);
    bob.say(at(), "warm the cache").await;
    world.gate.hold();
    // The invitation is in the batch before the messages that were decided on the older member list.
    let invited = alice.submit(invite(group, &["carol"])).await;
    let mut said = Vec::new();
    for n in 0..10 {
        said.push(bob.submit(send(at(), &n.to_string())).await);
    }
    world.gate.release();
    done(invited.await);
    let mut last = Seq(1);
    for pending in said {
        let seq = done(pending.await).seq;
        assert_eq!(seq, last.next(), "in order, without anybody noticing");
        last = seq;
    }
    let mut carol = world.connect("carol").await;
    let heard = carol.hears().await;
    assert_eq!(heard.len(), 11, "the invitation and every message after it: {heard:?}");
    assert_eq!(heard[0], "alice added carol");
    assert_eq!(heard[10], "bob: 9");
}

#[tokio::test]
async fn a_cached_no_is_checked_against_the_store() {
    let world = World::new();
    world.users(&["bob"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob"]).await;
    let at = || Target::Conversation(group);
    alice.done(crate::world::kick(group, &["bob"])).await;
    assert_eq!(bob.refused(send(at(), "hm")).await, ErrorCode::ConversationUnknown);
    // Another process lets him in again; this one still remembers a list without him.
    let elsewhere = world.elsewhere();
    let mut alice = Device::connect(&elsewhere, &alice.signed_in, alice.cursor).await;
    alice.done(invite(group, &["bob"])).await;
    bob.say(at(), "back").await;
}

#[tokio::test]
async fn a_cached_yes_is_checked_by_the_append() {
    let world = World::new();
    world.users(&["bob"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob"]).await;
    let at = || Target::Conversation(group);
    bob.say(at(), "in the cache now").await;
    let elsewhere = world.elsewhere();
    let mut alice = Device::connect(&elsewhere, &alice.signed_in, alice.cursor).await;
    alice.done(crate::world::kick(group, &["bob"])).await;
    let (one, two) = (send(at(), "one"), send(at(), "two"));
    let (one, two) = (bob.submit(one).await, bob.submit(two).await);
    for pending in [one, two] {
        let Answered::Final { answer, .. } = pending.await else { panic!("refused for good") };
        let Outcome::Refused(refusal) = answer.outcome else { panic!("executed") };
        assert_eq!(refusal.code, ErrorCode::ConversationUnknown);
    }
}

#[tokio::test]
async fn a_refusal_behind_messages_in_flight_is_decided_after_their_commit() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "the conversation exists").await;
    let first = alice.submit(send(to("bob"), "to be answered")).await;
    let mut content = anser_types::Content::text("the answer");
    content.reply_to = Some(Seq(2));
    let reply = anser_types::Command::SendMessage { to: to("bob"), content };
    let second = alice.submit(reply).await;
    assert_eq!(done(first.await).seq, Seq(2));
    assert_eq!(done(second.await).seq, Seq(3));
}

#[tokio::test]
async fn a_command_that_is_no_message_has_the_lane_for_itself() {
    let world = World::new();
    let mut bob = world.connect("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "one").await;
    bob.events().await;
    let read = || anser_types::Command::MarkRead { at: to("alice"), up_to: Seq(1) };
    let (first, second) = (bob.submit(read()).await, bob.submit(read()).await);
    done(first.await);
    done(second.await);
    assert_eq!(bob.hears().await, ["read up to 1"], "the second found the work done");

    let command_no = bob.command_no;
    world.gate.hold();
    let said = bob.submit(send(to("alice"), "before")).await;
    {
        let behind = bob.session.submit(request(command_no + 2, read()));
        let mut behind = std::pin::pin!(behind);
        for _ in 0..20 {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(behind.as_mut().poll(&mut cx).is_pending(), "it waits for messages");
            tokio::task::yield_now().await;
        }
        world.gate.release();
        done(behind.await.await);
    }
    done(said.await);

    bob.command_no = command_no + 2;
    let command_no = bob.command_no;
    world.gate.hold();
    let group = bob.submit(crate::world::create("all", &[], true)).await;
    {
        let behind = bob.session.submit(request(command_no + 2, send(to("alice"), "behind")));
        let mut behind = std::pin::pin!(behind);
        for _ in 0..20 {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(behind.as_mut().poll(&mut cx).is_pending(), "messages wait for it, too");
            tokio::task::yield_now().await;
        }
        world.gate.release();
        done(behind.await.await);
    }
    done(group.await);
}

#[tokio::test]
async fn requirement_b1_who_talks_at_once_gets_one_order_without_holes() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let mut carol = world.connect("carol").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all at once", &["bob", "carol"]).await;
    let to = || Target::Conversation(group);
    let mut pending = Vec::new();
    for n in 0..20 {
        pending.push(alice.submit(send(to(), &n.to_string())).await);
        pending.push(carol.submit(send(to(), &n.to_string())).await);
    }
    let mut given = Vec::new();
    for pending in pending {
        given.push(done(pending.await).seq.0);
    }
    given.sort_unstable();
    assert_eq!(given, (1..=40).collect::<Vec<u64>>());
    let heard = bob.events().await;
    let order: Vec<u64> = heard
        .iter()
        .filter_map(|delivery| match &delivery.event {
            anser_types::Event::Message(message) => Some(message.seq.0),
            _ => None,
        })
        .collect();
    assert_eq!(order, given, "everybody reads the one order");
}
