//! Being offline: what is composed waits, what is missed comes, also across restarts of server and client.

use anser_sdk::{Client, Event, Status};
use tempfile::tempdir;

use crate::world::{World, id, soon, texts, until};

#[tokio::test]
async fn requirement_c6_what_is_composed_offline_is_sent_later() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    soon(alice.wait_connected()).await.unwrap();
    alice.go_offline().await.unwrap();

    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(alice.send_message(id("bob"), Client::create_text_message(text)).await.unwrap());
    }
    assert_eq!(alice.own_message(ids[0]).await.unwrap().unwrap().status, Status::Queued);

    // The queue survives a restart of the client.
    alice.close().await;
    let alice = world.client("alice", a.path()).await;
    for id in &ids {
        soon(alice.wait_sent(*id)).await.unwrap();
    }
    assert_eq!(texts(&mut of_bob, 3).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn requirement_c5_what_was_missed_comes_after_the_reconnect() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    bob.go_offline().await.unwrap();

    let wanted: Vec<String> = (0..120).map(|n| format!("missed {n}")).collect();
    let mut last = None;
    for text in &wanted {
        let content = Client::create_text_message(text.as_str());
        last = Some(alice.send_message(id("bob"), content).await.unwrap());
    }
    soon(alice.wait_sent(last.unwrap())).await.unwrap();

    bob.go_online().await.unwrap();
    soon(bob.wait_synced()).await.unwrap();
    assert_eq!(bob.total_unread().await.unwrap().unread, 120);
    let mut of_bob = bob.events();
    assert_eq!(texts(&mut of_bob, 120).await, wanted);
}

#[tokio::test]
async fn requirement_a6_a_message_to_nobody_online_is_stored_offline() {
    let world = World::new();
    let a = tempdir().unwrap();
    world.device("bob").await;
    let alice = world.client("alice", a.path()).await;
    let sent = soon(alice.send_text(id("bob"), "later then")).await.unwrap();
    assert!(sent.stored_offline);
    let message = alice.own_message(sent.id).await.unwrap().unwrap();
    assert_eq!(message.status, Status::Sent { stored_offline: true });
}

#[tokio::test]
async fn a_killed_server_loses_nothing_and_clients_come_back_by_themselves() {
    let mut world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    // What was said before a device first came is not told to it.
    soon(bob.wait_connected()).await.unwrap();
    let mut of_bob = bob.events();
    soon(alice.send_text(id("bob"), "before")).await.unwrap();
    world.kill();
    let waiting =
        alice.send_message(id("bob"), Client::create_text_message("meanwhile")).await.unwrap();
    world.start();
    alice.network_changed("").await.unwrap();
    bob.network_changed("").await.unwrap();
    soon(alice.wait_sent(waiting)).await.unwrap();
    assert_eq!(texts(&mut of_bob, 2).await, ["before", "meanwhile"]);
}

#[tokio::test]
async fn an_unsent_message_can_be_deleted() {
    let world = World::new();
    let a = tempdir().unwrap();
    world.device("bob").await;
    let alice = world.client("alice", a.path()).await;
    soon(alice.wait_connected()).await.unwrap();
    alice.go_offline().await.unwrap();
    let message = alice.send_message(id("bob"), Client::create_text_message("oops")).await.unwrap();
    alice.delete_unsent(message).await.unwrap();
    let mut events = alice.events();
    alice.go_online().await.unwrap();
    until(&mut events, |event| matches!(event, Event::Connected { .. }).then_some(())).await;
    assert_eq!(alice.own_message(message).await.unwrap(), None);
}
