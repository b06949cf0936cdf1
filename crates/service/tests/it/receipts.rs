//! Delivered and read: truthful, forward only, between devices and to the others.

use anser_backend::{Accounts as _, Conversations as _};
use anser_service::{Query, Receipt, Reply, Signal};
use anser_types::{Command, ConversationId, ErrorCode, Event, Seq, SetSettings, Target};

use crate::world::{Device, World, id, send, to};

fn read(at: Target, up_to: u64) -> Command {
    Command::MarkRead { at, up_to: Seq(up_to) }
}

async fn receipt(device: &Device, of: Target) -> Receipt {
    let Reply::Receipts(mut receipts) = device.query(Query::Receipts { of: vec![of] }).await else {
        panic!()
    };
    receipts.remove(0)
}

#[tokio::test]
async fn requirement_d3_read_receipts_reach_the_other_end() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    alice.say(to("bob"), "one").await;
    alice.say(to("bob"), "two").await;
    bob.events().await;
    alice.signals();
    bob.done(read(to("alice"), 1)).await;
    assert_eq!(alice.signals(), [Signal::Read { at: to("bob"), up_to: Seq(1), who: None }]);
    let receipt = receipt(&alice, to("bob")).await;
    assert_eq!((receipt.delivered, receipt.read), (Seq(2), Seq(1)));
    assert_eq!(receipt.peer, Some(id("bob")));
}

#[tokio::test]
async fn requirement_d2_reading_on_one_device_clears_the_others() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut phone = world.connect("bob").await;
    let mut desk = world.connect("bob").await;
    alice.say(to("bob"), "one").await;
    phone.events().await;
    desk.events().await;
    phone.done(read(to("alice"), 1)).await;
    let synced = desk.events().await;
    assert_eq!(synced.len(), 1);
    assert!(matches!(synced[0].event, Event::ReadSync { up_to: Seq(1), .. }));
    assert_eq!(synced[0].peer, Some(id("alice")));
}

#[tokio::test]
async fn read_moves_forward_only_and_never_above_the_head() {
    let world = World::new();
    world.user("carol").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    for text in ["1", "2", "3"] {
        alice.say(to("bob"), text).await;
    }
    bob.done(read(to("alice"), 2)).await;
    let before = world.inbox_head(&bob).await;
    alice.signals();
    for no_effect in [2, 1, 0] {
        bob.done(read(to("alice"), no_effect)).await;
    }
    assert_eq!(world.inbox_head(&bob).await, before, "no entry");
    assert!(alice.signals().is_empty(), "no signal");
    assert_eq!(bob.refused(read(to("alice"), 4)).await, ErrorCode::ReadAboveHead);
    assert_eq!(bob.refused(read(to("carol"), 1)).await, ErrorCode::ReadAboveHead);
    assert_eq!(bob.refused(read(to("nobody"), 0)).await, ErrorCode::UserUnknown);
    bob.done(read(to("carol"), 0)).await;
    assert_eq!(receipt(&alice, to("bob")).await.read, Seq(2));
}

#[tokio::test]
async fn delivered_never_goes_back() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut phone = world.connect("bob").await;
    let mut desk = world.connect("bob").await;
    for text in ["1", "2", "3"] {
        alice.say(to("bob"), text).await;
    }
    phone.events().await;
    let first = desk.session.read_inbox(desk.cursor, 1).await.unwrap().deliveries;
    desk.cursor = first[0].inbox_seq;
    desk.ack(&first);
    assert_eq!(receipt(&alice, to("bob")).await.delivered, Seq(3));
}

#[tokio::test]
async fn groups_show_who_has_read() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    world.user("carol").await;
    let group = alice.create_group("all", &["bob", "carol"]).await;
    let at = Target::Conversation(group);
    alice.say(at.clone(), "one").await;
    bob.done(read(at.clone(), 1)).await;
    assert_eq!(
        alice.signals(),
        [Signal::Read { at: at.clone(), up_to: Seq(1), who: Some(id("bob")) }]
    );
    let members = receipt(&alice, at).await.members;
    let positions: Vec<(&str, u64)> =
        members.iter().map(|member| (member.user.as_str(), member.read.0)).collect();
    assert_eq!(positions.len(), 3);
    assert!(positions.contains(&("bob", 1)) && positions.contains(&("carol", 0)));
}

#[tokio::test]
async fn delivered_positions_lost_by_a_crash_come_back_with_the_next_hello() {
    let mut world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    alice.say(to("bob"), "one").await;
    alice.say(to("bob"), "two").await;
    bob.events().await;
    world.crash();
    let alice = Device::connect(&world.service, &alice.signed_in, alice.cursor).await;
    assert_eq!(receipt(&alice, to("bob")).await.delivered, Seq::ZERO, "soft");
    Device::connect(&world.service, &bob.signed_in, bob.cursor).await;
    assert_eq!(receipt(&alice, to("bob")).await.delivered, Seq(2));
    alice.mailbox.changed().await;
    let told = Signal::Delivered { at: to("bob"), up_to: Seq(2) };
    assert_eq!(alice.signals(), [told], "who has asked before hears of it");
}

#[tokio::test]
async fn a_rebuild_delivers_nothing() {
    let mut world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    alice.say(to("bob"), "one").await;
    let other_log = anser_types::LogEpoch(99);
    bob = Device::try_connect(&world.service, &bob.signed_in, bob.cursor, other_log).await.unwrap();
    let anser_service::Start::Reset { at, reason: None } = bob.opened.start else { panic!() };
    bob.session.acked(at, &[]);
    assert_eq!(receipt(&alice, to("bob")).await.delivered, Seq::ZERO);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    world.crash();
    let alice = Device::connect(&world.service, &alice.signed_in, alice.cursor).await;
    Device::connect(&world.service, &bob.signed_in, at).await;
    assert_eq!(receipt(&alice, to("bob")).await.delivered, Seq::ZERO, "also after a crash");
}

#[tokio::test]
async fn typing_is_passed_on_to_members_alone_and_not_too_often() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let bob = world.connect("bob").await;
    let eve = world.connect("eve").await;
    let conversation = alice.say(to("bob"), "hi").await.conversation.unwrap();
    let typing = |at| Signal::Typing { at, who: None, stopped: false };
    alice.session.signal(typing(to("bob")));
    assert_eq!(bob.signals(), [typing(to("alice"))]);
    eve.session.signal(typing(Target::Conversation(conversation)));
    alice.session.signal(Signal::Read { at: to("bob"), up_to: Seq(9), who: None });
    assert!(bob.signals().is_empty(), "strangers and forged receipts are not passed on");
    let group = alice.create_group("all", &["bob"]).await;
    alice.session.signal(typing(Target::Conversation(group)));
    // The member list of the new group is looked up beside everything else.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let told =
        Signal::Typing { at: Target::Conversation(group), who: Some(id("alice")), stopped: false };
    assert_eq!(bob.signals(), [told]);
    for _ in 0..200 {
        alice.session.signal(typing(to("bob")));
    }
    let most = anser_types::limits::SESSION_SIGNALS_PER_SECOND as usize;
    assert!(bob.signals().len() <= most);
}

#[tokio::test]
async fn a_receipt_of_nothing_is_zero() {
    let world = World::new();
    let alice = world.connect("alice").await;
    let of = vec![to("alice"), to("nobody"), Target::Conversation(ConversationId([3; 16]))];
    let Reply::Receipts(receipts) = alice.query(Query::Receipts { of }).await else { panic!() };
    assert_eq!(receipts.len(), 3);
    assert!(receipts.iter().all(|receipt| receipt.read == Seq::ZERO && receipt.members.is_empty()));
    let many = vec![to("alice"); anser_types::limits::PAGE_MAX + 1];
    let refused = alice.session.query(Query::Receipts { of: many }).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn sending_does_not_move_the_read_position() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    alice.say(to("bob"), "one").await;
    bob.done(send(to("alice"), "two")).await;
    assert_eq!(receipt(&alice, to("bob")).await.read, Seq::ZERO);
}

fn shows_read(on: bool) -> Command {
    Command::SetSettings(SetSettings { show_read: Some(on), ..SetSettings::default() })
}

#[tokio::test]
async fn requirement_d3_one_may_keep_to_oneself_how_far_one_has_read() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    let group = alice.create_group("us", &["bob"]).await;
    alice.say(to("bob"), "one").await;
    alice.say(Target::Conversation(group), "all").await;
    bob.done(shows_read(false)).await;
    alice.signals();
    bob.done(read(to("alice"), 1)).await;
    bob.done(read(Target::Conversation(group), 1)).await;
    assert!(alice.signals().is_empty(), "nobody is told");
    assert_eq!(receipt(&alice, to("bob")).await.read, Seq::ZERO);
    let of_group = receipt(&alice, Target::Conversation(group)).await;
    assert!(of_group.members.iter().all(|member| member.read == Seq::ZERO));
    let own = receipt(&bob, Target::Conversation(group)).await;
    assert!(own.members.iter().any(|member| member.read == Seq(1)), "but oneself");
    // Another device of his, that comes later, keeps it as well.
    let mut desk = world.connect("bob").await;
    alice.say(to("bob"), "two").await;
    desk.done(read(to("alice"), 2)).await;
    assert!(alice.signals().is_empty());
    bob.done(shows_read(true)).await;
    assert_eq!(receipt(&alice, to("bob")).await.read, Seq(2));
}

/// Found by seed 38 of the simulation.
#[tokio::test]
async fn who_keeps_to_themselves_how_far_they_have_read_and_hangs_up_meanwhile_tells_nobody() {
    let world = World::new();
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "one").await;
    bob.done(shows_read(false)).await;
    alice.signals();
    let (who, at) = (
        world.store.user(id("bob")).await.unwrap().unwrap().no,
        ConversationId::direct(&id("alice"), &id("bob")),
    );
    world.gate.hold();
    let reading = bob.submit(read(to("alice"), 1)).await;
    drop(bob);
    world.gate.release();
    drop(reading);
    // Committed behind it, and so told after it.
    alice.say(to("bob"), "two").await;
    assert_eq!(world.store.positions(at, &[who]).await.unwrap()[0].read, Seq(1));
    assert!(alice.signals().is_empty(), "nobody is told");
}
