//! The event stream resumes after the last event the app confirmed (guarantee G10).

use anser_sdk::types::ErrorCode;
use anser_sdk::{Client, Event};
use tempfile::tempdir;

use crate::world::{World, id, new_text, soon, texts, until};

#[tokio::test]
async fn an_unconfirmed_message_comes_again_and_a_confirmed_one_does_not() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_synced()).await.unwrap();
    for text in ["four", "five", "six"] {
        soon(alice.send_text(id("bob"), text)).await.unwrap();
    }
    let mut events = bob.events();
    assert_eq!(until(&mut events, new_text).await, "four");
    // Taking the next confirms the one before; "five" itself is not confirmed.
    assert_eq!(until(&mut events, new_text).await, "five");
    bob.close().await;

    let bob = world.client("bob", b.path()).await;
    let mut events = bob.events();
    assert_eq!(texts(&mut events, 2).await, ["five", "six"]);
    drop(events);

    // done() confirms without taking another.
    let mut events = bob.events();
    let six = soon(async {
        loop {
            let delivery = events.next().await.unwrap();
            if new_text(delivery.event()).is_some() {
                return delivery;
            }
        }
    })
    .await;
    six.done();
    bob.close().await;
    let bob = world.client("bob", b.path()).await;
    soon(alice.send_text(id("bob"), "seven")).await.unwrap();
    let mut events = bob.events();
    assert_eq!(texts(&mut events, 1).await, ["seven"]);
}

#[tokio::test]
async fn a_slow_app_loses_no_message() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    // More state changes than the queue holds: alice's app looks at none of them meanwhile.
    let wanted: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    let mut last = None;
    for text in &wanted {
        let content = Client::create_text_message(text.as_str());
        last = Some(alice.send_message(id("bob"), content).await.unwrap());
    }
    soon(alice.wait_sent(last.unwrap())).await.unwrap();
    let mut of_alice = alice.events();
    until(&mut of_alice, |event| matches!(event, Event::Lagged { .. }).then_some(())).await;
    let mut of_bob = bob.events();
    assert_eq!(texts(&mut of_bob, 600).await, wanted);
}

#[tokio::test]
async fn a_reply_and_its_confirmation_are_one() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    soon(bob.wait_connected()).await.unwrap();
    soon(alice.send_text(id("bob"), "ping")).await.unwrap();
    let mut events = bob.events();
    let ping = soon(async {
        loop {
            let delivery = events.next().await.unwrap();
            if new_text(delivery.event()).is_some() {
                return delivery;
            }
        }
    })
    .await;
    let reply = bob.reply(&ping, Client::create_text_message("pong")).await.unwrap();
    soon(bob.wait_sent(reply)).await.unwrap();
    drop((ping, events));
    bob.close().await;

    let bob = world.client("bob", b.path()).await;
    soon(alice.send_text(id("bob"), "again")).await.unwrap();
    let mut events = bob.events();
    assert_eq!(texts(&mut events, 1).await, ["again"]);
    let connected = soon(async {
        loop {
            let delivery = events.next().await.unwrap();
            if delivery.event() != &Event::Connecting {
                return delivery;
            }
        }
    });
    alice.set_typing(id("bob"), true).await.unwrap();
    let other = connected.await;
    let error = bob.reply(&other, Client::create_text_message("to nothing")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn events_end_when_the_client_is_closed() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let mut events = alice.events();
    alice.close().await;
    soon(async { while events.next().await.is_some() {} }).await;
    let error = alice.send_text(id("bob"), "too late").await.unwrap_err();
    assert!(matches!(error, anser_sdk::Error::Closed | anser_sdk::Error::Store(_)));
}
