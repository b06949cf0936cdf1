//! Groups through the client.

use anser_sdk::{Client, Event, Events, PageBounds};
use anser_types::{ChangeKind, ConversationId, ErrorCode, Role};
use tempfile::tempdir;

use crate::world::{World, id, new_text, soon, texts, until};

#[tokio::test]
async fn requirement_g1_a_group_is_made_used_and_left() {
    let world = World::new();
    let (a, b, c) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let carol = world.client("carol", c.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    soon(carol.wait_connected()).await.unwrap();
    let (mut of_bob, mut of_carol) = (bob.events(), carol.events());

    let group = soon(alice.create_group("friends", vec![id("bob")], false)).await.unwrap();
    let change = until(&mut of_bob, |event| match event {
        Event::GroupChanged(change) => Some(change.clone()),
        _ => None,
    })
    .await;
    assert!(matches!(change.kind, ChangeKind::GroupCreated { title, .. } if title == "friends"));
    soon(alice.send_text(group, "before carol")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "before carol");

    soon(alice.invite(group, vec![id("carol")])).await.unwrap();
    soon(bob.send_text(group, "welcome")).await.unwrap();
    assert_eq!(until(&mut of_carol, new_text).await, "welcome");
    let members = soon(carol.group_members(group)).await.unwrap();
    let names: Vec<_> = members.iter().map(|member| (member.user.as_str(), member.role)).collect();
    assert_eq!(names, [("alice", Role::Owner), ("bob", Role::Member), ("carol", Role::Member)]);
    // What was said before she came is not given, and the page is complete without it.
    let page = soon(carol.history(group, PageBounds::newest(10))).await.unwrap();
    let said: Vec<_> = page.messages.iter().filter_map(|message| message.text()).collect();
    assert_eq!((said, page.complete, page.more), (vec!["welcome"], true, false));
    let listed = carol.conversation(group).await.unwrap().unwrap();
    assert_eq!((listed.name(), listed.member), ("friends".to_owned(), true));

    // Of what happened before she came she sees nothing; bob sees all, also after a restart.
    assert_eq!(soon(carol.changes(group)).await.unwrap().len(), 1);
    assert_eq!(soon(bob.changes(group)).await.unwrap().len(), 2);

    let refused = soon(bob.kick(group, vec![id("alice")])).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotAllowed);
    soon(alice.kick(group, vec![id("bob")])).await.unwrap();
    soon(carol.leave_group(group)).await.unwrap();
    let members = soon(alice.group_members(group)).await.unwrap();
    assert_eq!(members.len(), 1);
    let listed = carol.conversation(group).await.unwrap().unwrap();
    assert!(!listed.member);
}

/// How many members a client says the group has, once it has heard of the next change.
async fn counted(client: &Client, events: &mut Events, group: ConversationId) -> Option<u32> {
    until(events, |event| matches!(event, Event::GroupChanged(_)).then_some(())).await;
    client.conversation(group).await.unwrap().unwrap().members
}

#[tokio::test]
async fn a_group_has_the_right_number_of_members_or_none() {
    let world = World::new();
    let (a, b, c) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let carol = world.client("carol", c.path()).await;
    for client in [&alice, &bob, &carol] {
        soon(client.wait_synced()).await.unwrap();
    }
    let (mut of_alice, mut of_bob, mut of_carol) = (alice.events(), bob.events(), carol.events());

    let group = soon(alice.create_group("friends", vec![id("bob")], false)).await.unwrap();
    assert_eq!(counted(&alice, &mut of_alice, group).await, Some(2));
    assert_eq!(counted(&bob, &mut of_bob, group).await, Some(2));
    let role = alice.conversation(group).await.unwrap().unwrap().role;
    assert_eq!(role, Role::Owner, "who makes a group owns it, without asking");

    soon(alice.invite(group, vec![id("carol")])).await.unwrap();
    assert_eq!(counted(&alice, &mut of_alice, group).await, Some(3));
    assert_eq!(counted(&bob, &mut of_bob, group).await, Some(3));
    // She came later and has heard of herself only: that is not the number of members.
    assert_eq!(counted(&carol, &mut of_carol, group).await, None);
    soon(carol.group_members(group)).await.unwrap();
    assert_eq!(carol.conversation(group).await.unwrap().unwrap().members, Some(3));

    soon(alice.kick(group, vec![id("bob")])).await.unwrap();
    assert_eq!(counted(&alice, &mut of_alice, group).await, Some(2));
    assert_eq!(counted(&carol, &mut of_carol, group).await, Some(2));
    soon(alice.leave_group(group)).await.unwrap();
    assert_eq!(counted(&carol, &mut of_carol, group).await, Some(1));
    assert_eq!(carol.conversation(group).await.unwrap().unwrap().role, Role::Owner);
    soon(alice.send_text(id("bob"), "alone")).await.unwrap();
    let direct = alice.conversation(id("bob")).await.unwrap().unwrap();
    assert_eq!(direct.members, None, "a direct conversation has no number of members");
}

#[tokio::test]
async fn requirement_d3_who_has_read_and_who_has_not_comes_from_the_server_page_by_page() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    for client in [&alice, &bob] {
        soon(client.wait_synced()).await.unwrap();
    }
    for name in ["m1", "m2", "m3"] {
        world.device(name).await;
    }
    let members = ["bob", "m1", "m2", "m3"].map(id).to_vec();
    let group = soon(alice.create_group("us", members, false)).await.unwrap();
    let sent = soon(alice.send_text(group, "one")).await.unwrap();
    let mut of_bob = bob.events();
    texts(&mut of_bob, 1).await;
    bob.mark_as_read(group, sent.seq).await.unwrap();
    let mut of_alice = alice.events();
    let read = |event: &Event| matches!(event, Event::ReadReceipt { .. }).then_some(());
    until(&mut of_alice, read).await;
    let page = soon(alice.readers_page(group, sent.seq, false, None, 2)).await.unwrap();
    assert_eq!((page.read, page.unread, page.users, page.next), (1, 3, vec![id("bob")], None));
    let page = soon(alice.readers_page(group, sent.seq, true, None, 2)).await.unwrap();
    assert_eq!((page.users, page.next.clone()), (vec![id("m1"), id("m2")], Some(id("m2"))));
    let page = soon(alice.readers_page(group, sent.seq, true, page.next, 2)).await.unwrap();
    assert_eq!((page.users, page.next), (vec![id("m3")], None));
}
