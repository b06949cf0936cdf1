//! Saying something: the six packets, what may be said, and to whom.

use anser_backend::Conversations as _;
use anser_service::{Answered, Signal};
use anser_types::{
    Alteration, Command, Content, ConversationId, ErrorCode, Event, MessageKind, Seq, Target,
    UnixMs, limits,
};

use crate::world::{World, create, id, send, to};

#[tokio::test]
async fn requirement_a1_six_packets_of_a_message() {
    let world = World::new();
    world.users(&["alice", "bob"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;

    // msg:R → msg:A
    let answered = alice.run(send(to("bob"), "hi")).await;
    let Answered::Final { stored_offline, duplicate, .. } = &answered else { panic!() };
    assert!(!stored_offline && !duplicate);
    // msg:N
    bob.mailbox.changed().await;
    let pushed = bob.mailbox.take(bob.cursor.next()).expect("pushed, not only stored");
    assert_eq!(pushed.peer, Some(id("alice")));
    assert!(!pushed.own);
    let Event::Message(message) = &pushed.event else { panic!() };
    assert_eq!((message.seq, message.sender.as_str()), (Seq(1), "alice"));
    // ack:R → ack:N
    bob.cursor = pushed.inbox_seq;
    assert!(alice.signals().is_empty(), "delivered is told only after the receiver stored it");
    bob.ack(&[pushed]);
    assert_eq!(alice.signals(), [Signal::Delivered { at: to("bob"), up_to: Seq(1) }]);
}

#[tokio::test]
async fn requirement_a6_stored_offline_when_no_device_of_the_receiver_is_connected() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let offline = |answered| match answered {
        Answered::Final { stored_offline, .. } => stored_offline,
        Answered::Refused { refusal, .. } => panic!("{refusal}"),
    };
    assert!(offline(alice.run(send(to("bob"), "one")).await));
    let group = alice.create_group("all", &["bob", "carol"]).await;
    assert!(offline(alice.run(send(Target::Conversation(group), "two")).await));
    let mut bob = world.connect("bob").await;
    assert!(!offline(alice.run(send(to("bob"), "three")).await));
    assert!(!offline(alice.run(send(Target::Conversation(group), "four")).await));
    let heard = bob.hears().await;
    assert_eq!(heard[0], "alice: one");
    drop(bob);
    assert!(offline(alice.run(send(to("bob"), "five")).await), "gone again");
}

#[tokio::test]
async fn requirement_d1_own_messages_reach_the_other_devices() {
    let world = World::new();
    world.user("bob").await;
    let mut phone = world.connect("alice").await;
    let mut desk = world.connect("alice").await;
    phone.say(to("bob"), "from the phone").await;
    desk.say(to("bob"), "from the desk").await;
    assert_eq!(desk.hears().await, ["to bob: from the phone", "to bob: from the desk"]);
    assert_eq!(phone.hears().await, ["to bob: from the phone", "to bob: from the desk"]);
}

#[tokio::test]
async fn a_note_to_oneself_is_one_entry() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let answered = alice.run(send(to("alice"), "milk")).await;
    assert!(matches!(answered, Answered::Final { stored_offline: false, .. }));
    let events = alice.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].peer.clone(), events[0].own), (Some(id("alice")), true));
}

#[tokio::test]
async fn first_messages_from_both_ends_meet_in_one_conversation() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    world.gate.hold();
    let from_alice = alice.submit(send(to("bob"), "a1")).await;
    let from_alice_too = alice.submit(send(to("bob"), "a2")).await;
    let from_bob = bob.submit(send(to("alice"), "b1")).await;
    world.gate.release();
    let one = crate::world::done(from_alice.await);
    let two = crate::world::done(from_alice_too.await);
    let other = crate::world::done(from_bob.await);
    assert_eq!(one.conversation, other.conversation);
    let mut seqs = vec![one.seq, two.seq, other.seq];
    assert!(one.seq < two.seq, "a sender's order is kept through the second run of the rules");
    seqs.sort_unstable();
    assert_eq!(seqs, [Seq(1), Seq(2), Seq(3)]);
}

#[tokio::test]
async fn what_may_not_be_said_is_refused_and_uses_up_its_number() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let with = |change: &dyn Fn(&mut Content)| {
        let mut content = Content::text("x");
        change(&mut content);
        Command::SendMessage { to: to("bob"), content }
    };
    let huge = vec![b'x'; limits::CONTENT_MAX_BYTES + 1];
    let cases = [
        (send(to("nobody"), "x"), ErrorCode::UserUnknown),
        (with(&|c| c.body = huge.clone().into()), ErrorCode::ContentTooLarge),
        (with(&|c| c.kind = MessageKind::System), ErrorCode::NotAllowed),
        (with(&|c| c.body = vec![0xff].into()), ErrorCode::InvalidArgument),
        (
            with(&|c| c.mentions = vec![id("bob"); limits::MENTIONS_MAX + 1]),
            ErrorCode::InvalidArgument,
        ),
        (with(&|c| c.reply_to = Some(Seq(1))), ErrorCode::TargetMissing),
        (Command::Unknown, ErrorCode::Unsupported),
    ];
    for (command, code) in cases {
        assert_eq!(alice.refused(command).await, code);
    }
    assert_eq!(world.direct_head("alice", "bob").await, Seq::ZERO);
    assert_eq!(alice.say(to("bob"), "fine").await.seq, Seq(1), "the numbers went on");
    assert_eq!(alice.refused(with(&|c| c.reply_to = Some(Seq(2)))).await, ErrorCode::TargetMissing);
    assert_eq!(alice.done(with(&|c| c.reply_to = Some(Seq(1)))).await.seq, Seq(2));
}

#[tokio::test]
async fn bytes_that_are_no_text_pass_unchanged() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut content = Content::text("");
    content.kind = MessageKind::Unknown(77);
    content.body = vec![0xff, 0, 1].into();
    alice.done(Command::SendMessage { to: to("bob"), content: content.clone() }).await;
    let mut bob = world.connect("bob").await;
    let events = bob.events().await;
    let Event::Message(message) = &events[0].event else { panic!() };
    assert_eq!(message.content.as_ref(), Some(&content));
}

#[tokio::test]
async fn strangers_cannot_speak_in_a_conversation() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut eve = world.connect("eve").await;
    let direct = alice.say(to("bob"), "psst").await.conversation.unwrap();
    let group = alice.done(create("two", &["bob"], true)).await.conversation.unwrap();
    for conversation in [direct, group] {
        let at = Target::Conversation(conversation);
        assert_eq!(eve.refused(send(at, "hi")).await, ErrorCode::ConversationUnknown);
    }
    let nowhere = Target::Conversation(ConversationId([9; 16]));
    assert_eq!(eve.refused(send(nowhere, "hi")).await, ErrorCode::ConversationUnknown);
}

#[tokio::test]
async fn everybody_of_a_view_shares_one_encoding() {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let bob = world.connect("bob").await;
    let carol = world.connect("carol").await;
    let group = alice.create_group("all", &["bob", "carol"]).await;
    alice.say(Target::Conversation(group), "hi").await;
    let next = |device: &crate::world::Device| {
        let first = device.mailbox.take(device.cursor.next()).unwrap();
        device.mailbox.take(first.inbox_seq.next()).unwrap()
    };
    let (one, other) = (next(&bob), next(&carol));
    one.encoded.set(bytes::Bytes::from_static(b"once")).unwrap();
    assert_eq!(other.encoded.get().unwrap(), "once");
}

/// Found by seed 83 of the simulation.
#[tokio::test]
async fn a_later_change_of_a_conversations_row_keeps_when_and_where_it_began() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "one").await;
    let row = async || {
        let direct = ConversationId::direct(&id("alice"), &id("bob"));
        world.store.roster(direct).await.unwrap().unwrap().conversation.clone()
    };
    let begun = row().await;
    assert!(!begun.cuts.is_empty() && begun.created_at > UnixMs(0));
    let alteration = Alteration::Pin { on: true };
    alice.done(Command::Alter { at: to("bob"), seq: Seq(1), of: None, alteration }).await;
    let pinned = row().await;
    assert_eq!(pinned.pinned, [Seq(1)]);
    assert_eq!((pinned.cuts, pinned.created_at), (begun.cuts, begun.created_at));
}
