//! What one wants of a conversation for oneself: pinned, silent, hidden, cleared, with a draft; messages removed for
//! oneself. Nobody else hears of it.

use anser_service::{Query, Reply};
use anser_types::event::UnavailableReason;
use anser_types::{
    Command, ErrorCode, Item, ItemKind, Notify, Options, Seq, SetOptions, Target, limits,
};

use crate::contacts::items;
use crate::world::{Device, World, kick, to};

fn options(at: Target, set: SetOptions) -> Command {
    Command::SetOptions { at, set }
}

fn hide(at: Target, seqs: &[u64]) -> Command {
    Command::Hide { at, seqs: seqs.iter().map(|seq| Seq(*seq)).collect() }
}

fn clear(up_to: u64) -> SetOptions {
    SetOptions { cleared_up_to: Some(Seq(up_to)), ..SetOptions::default() }
}

async fn options_of(device: &Device) -> Vec<Options> {
    let items = items(device, ItemKind::Options).await;
    let options = items.into_iter().map(|item| match item {
        Item::Options(options) => options,
        other => panic!("{other:?}"),
    });
    options.collect()
}

/// What a history page shows, and what it names as not given.
async fn shown(device: &Device, of: Target) -> (Vec<u64>, Vec<(u64, u64, UnavailableReason)>) {
    let (after, before) = (Seq::ZERO, Seq::ZERO);
    let query = Query::History { of, after, before, limit: 50, oldest_first: true };
    let Reply::History { messages, unavailable, .. } = device.query(query).await else { panic!() };
    let gaps = unavailable.iter().map(|gap| (gap.from.0, gap.to.0, gap.reason)).collect();
    (messages.iter().map(|message| message.seq.0).collect(), gaps)
}

/// Unread, and the last message of a conversation, as the list says.
async fn listed(device: &Device) -> (u64, Option<u64>) {
    let query = Query::Conversations { after: None, limit: 10 };
    let Reply::Conversations { page, .. } = device.query(query).await else { panic!() };
    let with_bob = &page[0];
    (with_bob.unread, with_bob.last_message.as_ref().map(|message| message.seq.0))
}

async fn two_who_talked(world: &World) -> (Device, Device) {
    let (alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    for text in ["one", "two", "three", "four"] {
        bob.say(to("alice"), text).await;
    }
    (alice, bob)
}

#[tokio::test]
async fn requirement_d1_options_are_the_same_on_all_ones_devices_and_nobody_elses() {
    let world = World::new();
    let (mut alice, mut bob) = two_who_talked(&world).await;
    let mut desk = world.connect("alice").await;
    bob.hears().await;
    desk.hears().await;
    let set = SetOptions {
        pinned: Some(true),
        notify: Some(Notify::Mentions),
        draft: Some("I will".into()),
        ..SetOptions::default()
    };
    alice.done(options(to("bob"), set)).await;
    let set = SetOptions { hidden_up_to: Some(Seq(4)), ..SetOptions::default() };
    alice.done(options(to("bob"), set)).await;
    assert_eq!(desk.events().await.len(), 2);
    assert!(bob.hears().await.is_empty());
    let [found] = options_of(&desk).await.try_into().unwrap();
    assert!(found.pinned && found.notify == Notify::Mentions && found.hidden_up_to == Seq(4));
    assert_eq!(found.draft, "I will", "what is not named stays");
    // A draft for somebody nobody has talked to yet.
    world.user("carol").await;
    let draft = SetOptions { draft: Some("Dear Carol".into()), ..SetOptions::default() };
    alice.done(options(to("carol"), draft)).await;
    assert_eq!(options_of(&desk).await.len(), 2);
}

#[tokio::test]
async fn requirement_g3_what_is_removed_for_oneself_is_gone_for_oneself_only() {
    let world = World::new();
    let (mut alice, mut bob) = two_who_talked(&world).await;
    bob.hears().await;
    alice.done(hide(to("bob"), &[2, 4, 3])).await;
    alice.done(hide(to("bob"), &[4])).await;
    let away = UnavailableReason::PutAway;
    assert_eq!(shown(&alice, to("bob")).await, (vec![1], vec![(2, 4, away)]));
    assert_eq!(shown(&bob, to("alice")).await, (vec![1, 2, 3, 4], vec![]));
    assert_eq!(listed(&alice).await, (1, Some(1)));
    assert!(bob.hears().await.is_empty());
    bob.say(to("alice"), "five").await;
    assert_eq!(listed(&alice).await, (2, Some(5)));
}

#[tokio::test]
async fn requirement_g3_a_cleared_conversation_begins_anew_for_oneself() {
    let world = World::new();
    let (mut alice, mut bob) = two_who_talked(&world).await;
    alice.done(options(to("bob"), clear(4))).await;
    assert_eq!(listed(&alice).await, (0, None));
    bob.say(to("alice"), "five").await;
    let away = UnavailableReason::PutAway;
    assert_eq!(shown(&alice, to("bob")).await, (vec![5], vec![(1, 4, away)]));
    // Clearing less than before takes nothing back.
    alice.done(options(to("bob"), clear(2))).await;
    assert_eq!(shown(&alice, to("bob")).await.0, [5]);
    assert_eq!(shown(&bob, to("alice")).await.0, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn bad_options_are_refused_with_a_reason() {
    let world = World::new();
    let (mut alice, mut bob) = two_who_talked(&world).await;
    let mut carol = world.connect("carol").await;
    let group = bob.create_group("us", &["alice"]).await;
    let at = Target::Conversation(group);
    assert_eq!(alice.refused(options(to("bob"), clear(5))).await, ErrorCode::ReadAboveHead);
    assert_eq!(alice.refused(hide(to("bob"), &[5])).await, ErrorCode::TargetMissing);
    assert_eq!(alice.refused(hide(to("bob"), &[0])).await, ErrorCode::TargetMissing);
    assert_eq!(alice.refused(hide(to("bob"), &[])).await, ErrorCode::InvalidArgument);
    let many: Vec<u64> = (1..=limits::HIDE_PER_COMMAND as u64 + 1).collect();
    assert_eq!(alice.refused(hide(to("bob"), &many)).await, ErrorCode::InvalidArgument);
    let draft = Some("x".repeat(limits::DRAFT_MAX_BYTES + 1));
    let long = SetOptions { draft, ..SetOptions::default() };
    assert_eq!(alice.refused(options(to("bob"), long)).await, ErrorCode::ContentTooLarge);
    let pinned = SetOptions { pinned: Some(true), ..SetOptions::default() };
    let code = carol.refused(options(at.clone(), pinned.clone())).await;
    assert_eq!(code, ErrorCode::ConversationUnknown);
    assert_eq!(carol.refused(options(to("dave"), pinned.clone())).await, ErrorCode::UserUnknown);
    assert_eq!(carol.refused(hide(at.clone(), &[1])).await, ErrorCode::ConversationUnknown);
    // Who has left may still put away what they can see.
    bob.say(at.clone(), "hello").await;
    bob.done(kick(group, &["alice"])).await;
    bob.say(at.clone(), "later").await;
    alice.done(options(at.clone(), pinned)).await;
    alice.done(hide(at.clone(), &[1])).await;
    assert_eq!(alice.refused(hide(at, &[2])).await, ErrorCode::TargetMissing);
}
