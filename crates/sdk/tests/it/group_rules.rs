//! What groups are and what their members may, through the client.

use anser_sdk::{Client, Event, Events};
use anser_types::{
    Change, ChangeKind, ConversationId, ErrorCode, JoinMode, JoinRequest, JoinState, MemberAct,
    Role, SetGroup, UnixMs,
};
use tempfile::{TempDir, tempdir};

use crate::world::{World, id, new_text, soon, until};

/// Alice's group with bob in it; carol stands outside.
struct Friends {
    _world: World,
    _places: [TempDir; 3],
    alice: Client,
    bob: Client,
    carol: Client,
    group: ConversationId,
    of_alice: Events,
    of_bob: Events,
    of_carol: Events,
}

impl Friends {
    async fn new() -> Self {
        let world = World::new();
        let places = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
        let alice = world.client("alice", places[0].path()).await;
        let bob = world.client("bob", places[1].path()).await;
        let carol = world.client("carol", places[2].path()).await;
        for client in [&alice, &bob, &carol] {
            soon(client.wait_synced()).await.unwrap();
        }
        let (of_alice, mut of_bob, of_carol) = (alice.events(), bob.events(), carol.events());
        let group = soon(alice.create_group("friends", vec![id("bob")], true)).await.unwrap();
        changed(&mut of_bob).await;
        let (_world, _places) = (world, places);
        Self { _world, _places, alice, bob, carol, group, of_alice, of_bob, of_carol }
    }

    async fn set(&self, set: SetGroup) {
        soon(self.alice.update_group(self.group, set)).await.unwrap();
    }
}

async fn changed(events: &mut Events) -> Change {
    until(events, |event| match event {
        Event::GroupChanged(change) => Some(change.clone()),
        _ => None,
    })
    .await
}

async fn request(events: &mut Events) -> JoinRequest {
    until(events, |event| match event {
        Event::JoinRequestChanged { request, .. } => Some(request.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn requirement_g1_what_a_group_is_is_changed_and_told() {
    let mut friends = Friends::new().await;
    let group = friends.group;
    let set = SetGroup {
        title: Some("close friends".to_owned()),
        announcement: Some("Friday at eight".to_owned()),
        muted: Some(true),
        ..SetGroup::default()
    };
    friends.set(set.clone()).await;
    assert_eq!(changed(&mut friends.of_bob).await.kind, ChangeKind::GroupUpdated(set));
    let listed = friends.bob.conversation(group).await.unwrap().unwrap();
    assert_eq!((listed.title.as_str(), listed.members), ("close friends", Some(2)));
    // All of it is known once it was asked for, and kept.
    assert_eq!(listed.group, None);
    let told = soon(friends.bob.group(group)).await.unwrap();
    assert_eq!((told.announcement.as_str(), told.muted), ("Friday at eight", true));
    assert!(told.history_for_new_members);
    let listed = friends.bob.conversation(group).await.unwrap().unwrap();
    assert_eq!(listed.group, Some(told));
    let refused = soon(friends.bob.send_text(group, "may I?")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Muted);
    let refused = soon(friends.bob.update_group(group, SetGroup::default())).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotAllowed);
    let refused = soon(friends.carol.group(group)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ConversationUnknown);
}

#[tokio::test]
async fn requirement_g1_rights_names_and_silence_of_members() {
    let mut friends = Friends::new().await;
    let group = friends.group;
    soon(friends.alice.set_alias(group, id("bob"), "Bobby")).await.unwrap();
    let kind = changed(&mut friends.of_bob).await.kind;
    let act = MemberAct::Alias("Bobby".to_owned());
    assert_eq!(kind, ChangeKind::MemberAltered { user: id("bob"), act });
    soon(friends.alice.mute_member(group, id("bob"), UnixMs(u64::MAX >> 1))).await.unwrap();
    let members = soon(friends.alice.group_members(group)).await.unwrap();
    let bob = members.iter().find(|member| member.user == id("bob")).unwrap();
    assert_eq!((bob.alias.as_str(), bob.muted_until), ("Bobby", UnixMs(u64::MAX >> 1)));
    let refused = soon(friends.bob.send_text(group, "mm")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Muted);
    soon(friends.alice.mute_member(group, id("bob"), UnixMs(0))).await.unwrap();

    soon(friends.alice.set_role(group, id("bob"), Role::Admin)).await.unwrap();
    soon(friends.alice.transfer_group(group, id("bob"))).await.unwrap();
    until(&mut friends.of_bob, |event| match event {
        Event::GroupChanged(change) => {
            let act = MemberAct::Role(Role::Owner);
            (change.kind == ChangeKind::MemberAltered { user: id("bob"), act }).then_some(())
        }
        _ => None,
    })
    .await;
    let role = async |client: &Client| client.conversation(group).await.unwrap().unwrap().role;
    assert_eq!(role(&friends.bob).await, Role::Owner);
    soon(async {
        while role(&friends.alice).await != Role::Admin {
            friends.of_alice.next().await;
        }
    })
    .await;
    soon(friends.bob.dismiss_group(group)).await.unwrap();
    until(&mut friends.of_alice, |event| match event {
        Event::GroupChanged(change) => (change.kind == ChangeKind::GroupDismissed).then_some(()),
        _ => None,
    })
    .await;
    let gone = friends.alice.conversation(group).await.unwrap().unwrap();
    assert!(!gone.member);
    assert!(soon(friends.alice.group(group)).await.unwrap().dismissed);
    let kinds = soon(friends.alice.changes(group)).await.unwrap();
    assert_eq!(kinds.last().unwrap().kind, ChangeKind::GroupDismissed);
}

#[tokio::test]
async fn requirement_g1_people_ask_to_come_in_and_are_let_in_or_refused() {
    let mut friends = Friends::new().await;
    let group = friends.group;
    let refused = soon(friends.carol.join_group(group, "")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotAllowed);
    friends.set(SetGroup { join: Some(JoinMode::Approval), ..SetGroup::default() }).await;

    soon(friends.carol.join_group(group, "let me in")).await.unwrap();
    let asked = request(&mut friends.of_alice).await;
    assert_eq!((asked.user, asked.greeting.as_str()), (id("carol"), "let me in"));
    assert_eq!(request(&mut friends.of_carol).await.state, JoinState::Waiting);
    assert!(friends.carol.conversations().await.unwrap().is_empty(), "she is not in it");
    let waiting = soon(friends.alice.join_requests(group)).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].state), (1, JoinState::Waiting));
    let refused = soon(friends.bob.join_requests(group)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotAllowed);

    soon(friends.alice.answer_join_request(group, id("carol"), false)).await.unwrap();
    assert_eq!(request(&mut friends.of_carol).await.state, JoinState::Refused);
    soon(friends.carol.join_group(group, "please")).await.unwrap();
    assert_eq!(request(&mut friends.of_carol).await.state, JoinState::Waiting);
    soon(friends.alice.answer_join_request(group, id("carol"), true)).await.unwrap();
    assert_eq!(request(&mut friends.of_carol).await.state, JoinState::Accepted);
    let own = friends.carol.own_join_request(group).await.unwrap().unwrap();
    assert_eq!(own.state, JoinState::Accepted);
    let listed = friends.carol.conversation(group).await.unwrap().unwrap();
    assert_eq!((listed.member, listed.name().as_str()), (true, "friends"));
    soon(friends.carol.send_text(group, "thanks")).await.unwrap();
    assert_eq!(until(&mut friends.of_bob, new_text).await, "thanks");

    friends.set(SetGroup { join: Some(JoinMode::Open), ..SetGroup::default() }).await;
    soon(friends.carol.leave_group(group)).await.unwrap();
    soon(friends.carol.join_group(group, "")).await.unwrap();
    let members = soon(friends.carol.group_members(group)).await.unwrap();
    assert_eq!(members.len(), 3);
}
