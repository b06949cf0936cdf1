//! What a group is and what its members may: names, rights, silence, coming in by oneself, the end.

use anser_service::{Query, Reply};
use anser_types::{
    ChangeKind, Command, ConversationId, ErrorCode, Group, Item, ItemKey, ItemKind, JoinMode,
    JoinState, MemberAct, Role, Seq, SetGroup, Target, UnixMs, Version,
};

use crate::world::{Device, World, id, invite, kick, quick_settings, send};

fn at(group: ConversationId) -> Target {
    Target::Conversation(group)
}

fn update(conversation: ConversationId, set: SetGroup) -> Command {
    Command::UpdateGroup { conversation, set }
}

fn alter(conversation: ConversationId, user: &str, act: MemberAct) -> Command {
    Command::AlterMember { conversation, user: id(user), act }
}

fn role(conversation: ConversationId, user: &str, role: Role) -> Command {
    alter(conversation, user, MemberAct::Role(role))
}

fn join(conversation: ConversationId, greeting: &str) -> Command {
    Command::Join { conversation, greeting: greeting.to_owned() }
}

fn answer(conversation: ConversationId, user: &str, accept: bool) -> Command {
    Command::AnswerJoin { conversation, user: id(user), accept }
}

fn takes(join: JoinMode) -> SetGroup {
    SetGroup { join: Some(join), ..SetGroup::default() }
}

fn muted(on: bool) -> SetGroup {
    SetGroup { muted: Some(on), ..SetGroup::default() }
}

async fn group_of(device: &Device) -> Group {
    let query = Query::Conversations { after: None, limit: 10 };
    let Reply::Conversations { page, .. } = device.query(query).await else { panic!() };
    page.into_iter().find_map(|state| state.group).unwrap()
}

async fn roles(device: &Device, group: ConversationId) -> Vec<(String, Role, String)> {
    let query = Query::Members { conversation: group, known: Version::ZERO, after: None, limit: 0 };
    let Reply::Members { members, .. } = device.query(query).await else { panic!() };
    let named = members.unwrap().into_iter();
    named.map(|m| (m.user.as_str().to_owned(), m.role, m.alias)).collect()
}

/// A group of alice (owner), bob (admin) and carol.
async fn three(world: &World) -> (ConversationId, Device, Device, Device) {
    let mut alice = world.connect("alice").await;
    let (bob, carol) = (world.connect("bob").await, world.connect("carol").await);
    let group = alice.create_group("hike", &["bob", "carol"]).await;
    alice.done(role(group, "bob", Role::Admin)).await;
    (group, alice, bob, carol)
}

#[tokio::test]
async fn requirement_g1_owner_and_admins_say_what_the_group_is() {
    let world = World::new();
    let (group, _alice, mut bob, mut carol) = three(&world).await;
    carol.hears().await;
    let set = SetGroup {
        title: Some("long hike".into()),
        announcement: Some("We start at five.".into()),
        avatar: Some("https://example.org/goose.png".into()),
        ..SetGroup::default()
    };
    assert_eq!(carol.refused(update(group, set.clone())).await, ErrorCode::NotAllowed);
    bob.done(update(group, set.clone())).await;
    assert_eq!(carol.events().await.len(), 1);
    let found = group_of(&carol).await;
    assert_eq!(
        (found.title.as_str(), found.announcement.as_str()),
        ("long hike", "We start at five.")
    );
    bob.done(update(group, set)).await;
    assert!(carol.events().await.is_empty(), "what is so already is no change");
    let empty = SetGroup { title: Some("  ".into()), ..SetGroup::default() };
    assert_eq!(bob.refused(update(group, empty)).await, ErrorCode::InvalidArgument);
    let long = SetGroup { announcement: Some("x".repeat(5_000)), ..SetGroup::default() };
    assert_eq!(bob.refused(update(group, long)).await, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn requirement_g1_the_owner_gives_rights_and_hands_the_group_over() {
    let world = World::new();
    let (group, mut alice, mut bob, carol) = three(&world).await;
    assert_eq!(bob.refused(role(group, "carol", Role::Admin)).await, ErrorCode::NotAllowed);
    assert_eq!(alice.refused(role(group, "alice", Role::Member)).await, ErrorCode::InvalidArgument);
    assert_eq!(alice.refused(role(group, "dave", Role::Admin)).await, ErrorCode::UserUnknown);
    alice.done(role(group, "carol", Role::Owner)).await;
    let found: Vec<_> =
        roles(&carol, group).await.into_iter().map(|(who, role, _)| (who, role)).collect();
    assert_eq!(
        found,
        [
            ("alice".to_owned(), Role::Admin),
            ("bob".to_owned(), Role::Admin),
            ("carol".to_owned(), Role::Owner)
        ]
    );
    assert_eq!(alice.refused(kick(group, &["carol"])).await, ErrorCode::NotAllowed);
}

#[tokio::test]
async fn requirement_g1_who_is_muted_says_nothing_until_the_time_is_over() {
    let world = World::new();
    let (group, mut alice, mut bob, mut carol) = three(&world).await;
    let until = UnixMs(1_750_000_000_000 + 60_000);
    let mute = |user: &str, until| alter(group, user, MemberAct::MuteUntil(until));
    assert_eq!(carol.refused(mute("bob", until)).await, ErrorCode::NotAllowed);
    assert_eq!(bob.refused(mute("alice", until)).await, ErrorCode::NotAllowed);
    bob.done(mute("carol", until)).await;
    assert_eq!(carol.refused(send(at(group), "hm")).await, ErrorCode::Muted);
    world.clock.forward(60_000);
    carol.say(at(group), "at last").await;
    alice.done(mute("carol", UnixMs(u64::MAX))).await;
    assert_eq!(carol.refused(send(at(group), "hm")).await, ErrorCode::Muted);
    alice.done(mute("carol", UnixMs(0))).await;
    carol.say(at(group), "thanks").await;
    // All at once, but for those who may.
    bob.done(update(group, muted(true))).await;
    assert_eq!(carol.refused(send(at(group), "hm")).await, ErrorCode::Muted);
    bob.say(at(group), "listen").await;
    bob.done(update(group, muted(false))).await;
    carol.say(at(group), "yes").await;
}

#[tokio::test]
async fn requirement_g1_members_have_names_of_their_own_in_a_group() {
    let world = World::new();
    let (group, mut alice, mut bob, mut carol) = three(&world).await;
    let named = |user: &str, alias: &str| alter(group, user, MemberAct::Alias(alias.to_owned()));
    carol.done(named("carol", "Carol (tent)")).await;
    assert_eq!(carol.refused(named("bob", "Bobby")).await, ErrorCode::NotAllowed);
    assert_eq!(bob.refused(named("alice", "Boss")).await, ErrorCode::NotAllowed);
    alice.done(named("bob", "Bob (stove)")).await;
    assert_eq!(bob.refused(named("bob", "two\nlines")).await, ErrorCode::InvalidArgument);
    let names: Vec<_> = roles(&carol, group).await.into_iter().map(|(_, _, alias)| alias).collect();
    assert_eq!(names, ["", "Bob (stove)", "Carol (tent)"]);
}

#[tokio::test]
async fn requirement_g1_people_ask_to_come_in_and_admins_answer() {
    let world = World::new();
    let (group, mut alice, mut bob, mut carol) = three(&world).await;
    let mut dave = world.connect("dave").await;
    assert_eq!(dave.refused(join(group, "hi")).await, ErrorCode::NotAllowed);
    alice.done(update(group, takes(JoinMode::Approval))).await;
    for device in [&mut alice, &mut bob, &mut carol] {
        device.events().await;
    }
    dave.done(join(group, "I like geese")).await;
    dave.done(join(group, "I like geese")).await;
    assert_eq!(alice.events().await.len(), 1, "owner and admins hear of it, once");
    assert_eq!(bob.events().await.len(), 1);
    assert!(carol.events().await.is_empty(), "members do not");
    assert_eq!(requests(&bob, group).await, [("dave".to_owned(), JoinState::Waiting)]);
    let prefix = ItemKey::all(ItemKind::JoinRequest);
    let query = |prefix| Query::Items {
        conversation: Some(group),
        prefix,
        after: ItemKey::default(),
        limit: 10,
    };
    let refusal = carol.session.query(query(prefix.clone())).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NotAllowed);
    let refusal = dave.session.query(query(prefix)).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::ConversationUnknown);
    let refusal = bob.session.query(query(ItemKey::default())).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InvalidArgument);
    assert_eq!(carol.refused(answer(group, "dave", true)).await, ErrorCode::NotAllowed);
    assert_eq!(bob.refused(answer(group, "erin", true)).await, ErrorCode::TargetMissing);
    bob.done(answer(group, "dave", true)).await;
    assert_eq!(requests(&bob, group).await, [("dave".to_owned(), JoinState::Accepted)]);
    assert_eq!(carol.hears().await, ["bob added dave"]);
    dave.say(at(group), "here I am").await;
    // Refused, and asking again.
    let mut erin = world.connect("erin").await;
    erin.done(join(group, "")).await;
    alice.done(answer(group, "erin", false)).await;
    assert_eq!(erin.refused(send(at(group), "hm")).await, ErrorCode::ConversationUnknown);
    assert_eq!(alice.refused(answer(group, "erin", true)).await, ErrorCode::TargetMissing);
    erin.done(join(group, "please")).await;
    alice.done(answer(group, "erin", true)).await;
    erin.say(at(group), "thanks").await;
}

async fn requests(device: &Device, group: ConversationId) -> Vec<(String, JoinState)> {
    let prefix = ItemKey::all(ItemKind::JoinRequest);
    let after = ItemKey::default();
    let query = Query::Items { conversation: Some(group), prefix, after, limit: 10 };
    let Reply::Items { items, .. } = device.query(query).await else { panic!() };
    let requests = items.iter().filter_map(|change| match &change.kind {
        ChangeKind::Item(Item::JoinRequest(request)) => {
            Some((request.user.as_str().to_owned(), request.state))
        }
        _ => None,
    });
    requests.collect()
}

#[tokio::test]
async fn requirement_g1_an_open_group_is_walked_into_until_it_is_full() {
    let mut settings = quick_settings();
    settings.group_members = 4;
    let world = World::with(settings);
    let (group, mut alice, _bob, mut carol) = three(&world).await;
    alice.done(update(group, takes(JoinMode::Open))).await;
    carol.hears().await;
    let (mut dave, mut erin) = (world.connect("dave").await, world.connect("erin").await);
    dave.done(join(group, "")).await;
    dave.done(join(group, "")).await;
    assert_eq!(carol.hears().await, ["dave added dave"]);
    assert_eq!(erin.refused(join(group, "")).await, ErrorCode::GroupFull);
    let unknown = ConversationId::group([7; 16]);
    assert_eq!(erin.refused(join(unknown, "")).await, ErrorCode::ConversationUnknown);
}

#[tokio::test]
async fn requirement_g1_inviting_can_be_left_to_admins() {
    let world = World::new();
    let (group, mut alice, mut bob, mut carol) = three(&world).await;
    world.user("dave").await;
    let set = SetGroup { admins_invite: Some(true), ..SetGroup::default() };
    alice.done(update(group, set)).await;
    assert_eq!(carol.refused(invite(group, &["dave"])).await, ErrorCode::NotAllowed);
    bob.done(invite(group, &["dave"])).await;
}

#[tokio::test]
async fn requirement_g1_a_dissolved_group_is_over_for_everybody_and_stays_readable() {
    let world = World::new();
    let (group, mut alice, mut bob, mut carol) = three(&world).await;
    alice.done(update(group, takes(JoinMode::Open))).await;
    carol.say(at(group), "the last word").await;
    let dismiss = Command::Dismiss { conversation: group };
    assert_eq!(bob.refused(dismiss.clone()).await, ErrorCode::NotAllowed);
    carol.events().await;
    alice.done(dismiss).await;
    let last = carol.events().await;
    assert!(last.iter().any(|delivery| matches!(&delivery.event,
        anser_types::Event::Change(change) if change.kind == ChangeKind::GroupDismissed)));
    for device in [&mut alice, &mut bob, &mut carol] {
        assert_eq!(device.refused(send(at(group), "hello?")).await, ErrorCode::ConversationUnknown);
        assert_eq!(device.refused(join(group, "")).await, ErrorCode::ConversationUnknown);
    }
    let (after, before) = (Seq::ZERO, Seq::ZERO);
    let query = Query::History { of: at(group), after, before, limit: 9, oldest_first: true };
    let Reply::History { messages, .. } = carol.query(query).await else { panic!() };
    assert_eq!(messages.len(), 1, "what was said stays with those who were there");
}
