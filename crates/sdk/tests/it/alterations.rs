//! Editing, taking back, reacting and pinning through the client: what every device shows, also one that was away.

use anser_sdk::{ChatMessage, Client, Event, PageBounds};
use anser_types::{ErrorCode, Seq};
use tempfile::tempdir;

use crate::world::{World, id, new_text, soon, until};

async fn shown(client: &Client, with: &str, seq: u64) -> ChatMessage {
    soon(client.message(id(with), Seq(seq))).await.unwrap().expect("the message is known here")
}

#[tokio::test]
async fn requirement_g3_alterations_reach_the_app_of_everybody() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    // What was said before a device first came is not told to it.
    soon(bob.wait_connected()).await.unwrap();
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    soon(alice.send_text(id("bob"), "helo")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "helo");

    let hello = Client::create_text_message("hello");
    soon(alice.edit_message(id("bob"), Seq(1), hello)).await.unwrap();
    let edited = until(&mut of_bob, |event| match event {
        Event::MessageEdited(message) => Some(message.clone()),
        _ => None,
    })
    .await;
    assert_eq!(edited.text(), Some("hello"));
    let before = soon(bob.editions(id("alice"), Seq(1))).await.unwrap();
    assert_eq!(before.len(), 1);

    soon(bob.react_to_message(id("alice"), Seq(1), "👍", true)).await.unwrap();
    let reacted = until(&mut of_alice, |event| match event {
        Event::ReactionChanged(message) => Some(message.clone()),
        _ => None,
    })
    .await;
    assert!(reacted.altered.unwrap().has_reaction("👍", &id("bob")));

    soon(bob.pin_message(id("alice"), Seq(1), true)).await.unwrap();
    let pinned = until(&mut of_alice, |event| match event {
        Event::MessagePinned { seq, on, .. } => Some((*seq, *on)),
        _ => None,
    })
    .await;
    assert_eq!(pinned, (Seq(1), true));
    let listed = alice.conversation(id("bob")).await.unwrap().unwrap();
    assert_eq!(listed.pinned, [Seq(1)]);

    soon(alice.revoke_message(id("bob"), Seq(1))).await.unwrap();
    let revoked = until(&mut of_bob, |event| match event {
        Event::MessageRevoked(message) => Some(message.clone()),
        _ => None,
    })
    .await;
    assert_eq!(revoked.content, None);
    assert_eq!(revoked.altered.unwrap().revoked_by, Some(id("alice")));
    assert!(bob.search("hello", None, 10).await.unwrap().is_empty(), "it is not found any more");
    let refused = soon(bob.revoke_message(id("alice"), Seq(9))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TargetMissing);
}

#[tokio::test]
async fn requirement_c6_a_message_edited_offline_is_edited_once_when_the_network_is_back() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    // What was said before a device first came is not told to it.
    soon(bob.wait_connected()).await.unwrap();
    let mut of_bob = bob.events();
    soon(alice.send_text(id("bob"), "one")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "one");
    alice.go_offline().await.unwrap();
    // The wait is given up, the command is not.
    let two = Client::create_text_message("two");
    let edit = alice.edit_message(id("bob"), Seq(1), two);
    assert!(futures::poll!(std::pin::pin!(edit)).is_pending());
    alice.set_typing(id("bob"), false).await.unwrap();
    alice.close().await;

    let alice = world.client("alice", a.path()).await;
    let edited = until(&mut of_bob, |event| match event {
        Event::MessageEdited(message) => Some(message.clone()),
        _ => None,
    })
    .await;
    assert_eq!(edited.text(), Some("two"));
    soon(alice.wait_synced()).await.unwrap();
    let editions = soon(bob.editions(id("alice"), Seq(1))).await.unwrap();
    assert_eq!(editions.len(), 1, "edited once");
}

#[tokio::test]
async fn a_device_that_was_away_shows_what_became_of_the_messages_it_had() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    // What was said before a device first came is not told to it.
    soon(bob.wait_connected()).await.unwrap();
    let mut of_bob = bob.events();
    for text in ["one", "two", "three"] {
        soon(alice.send_text(id("bob"), text)).await.unwrap();
        assert_eq!(until(&mut of_bob, new_text).await, text);
    }
    bob.go_offline().await.unwrap();
    let edited = Client::create_text_message("ONE");
    soon(alice.edit_message(id("bob"), Seq(1), edited)).await.unwrap();
    soon(alice.revoke_message(id("bob"), Seq(2))).await.unwrap();
    soon(alice.react_to_message(id("bob"), Seq(3), "🪿", true)).await.unwrap();
    bob.go_online().await.unwrap();
    soon(bob.wait_synced()).await.unwrap();
    assert_eq!(shown(&bob, "alice", 1).await.text(), Some("ONE"));
    assert_eq!(shown(&bob, "alice", 2).await.content, None);
    let third = shown(&bob, "alice", 3).await.altered.expect("it was reacted to");
    assert!(third.has_reaction("🪿", &id("alice")));
    let page = soon(bob.history(id("alice"), PageBounds::newest(10))).await.unwrap();
    assert_eq!(page.messages.len(), 3, "a message that was taken back keeps its place");
}
