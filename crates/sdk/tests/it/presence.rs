//! Who is online, through the client: followed across sessions, and asked once.

use anser_sdk::{Client, Event, Events};
use anser_types::limits::PRESENCE_PER_SESSION;
use anser_types::{Audience, ErrorCode, Presence, SetSettings, UnixMs, UserId};
use tempfile::tempdir;

use crate::world::{World, id, soon, until};

async fn hears(events: &mut Events) -> (String, Presence) {
    until(events, |event| match event {
        Event::PresenceChanged { user, presence } => Some((user.to_string(), *presence)),
        _ => None,
    })
    .await
}

async fn settled(client: &Client) {
    soon(client.wait_synced()).await.unwrap();
}

#[tokio::test]
async fn requirement_d5_who_is_followed_is_told_again_after_a_reconnect_by_itself() {
    let mut world = World::with(|settings| settings.offline_grace_ms = 1);
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_alice = alice.events();
    settled(&bob).await;
    alice.subscribe_presence(&[id("bob")]).await.unwrap();
    assert_eq!(hears(&mut of_alice).await, ("bob".to_owned(), Presence::Online));
    bob.go_offline().await.unwrap();
    let (_, Presence::Offline { last_seen }) = hears(&mut of_alice).await else { panic!() };
    assert!(last_seen > UnixMs(0));
    // Another server process knows nothing of the wish, until this client says it again.
    world.kill();
    until(&mut of_alice, |event| matches!(event, Event::Disconnected { .. }).then_some(())).await;
    world.start();
    bob.go_online().await.unwrap();
    assert_eq!(hears(&mut of_alice).await, ("bob".to_owned(), Presence::Online));
    let nobody = SetSettings { last_seen: Some(Audience::Nobody), ..SetSettings::default() };
    soon(bob.set_settings(nobody)).await.unwrap();
    let asked = soon(alice.presence(&[id("bob"), id("nobody"), id("alice")])).await.unwrap();
    let asked: Vec<Presence> = asked.into_iter().map(|one| one.presence).collect();
    assert_eq!(asked, [Presence::Unknown, Presence::Unknown, Presence::Online]);
    alice.unsubscribe_presence(&[id("bob")]).await.unwrap();
    alice.subscribe_presence(&[id("bob")]).await.unwrap();
    assert_eq!(hears(&mut of_alice).await, ("bob".to_owned(), Presence::Unknown));
}

#[tokio::test]
async fn more_than_may_be_followed_is_refused_here_and_long_lists_are_asked_in_pages() {
    let world = World::new();
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    settled(&alice).await;
    let many: Vec<UserId> = (0..=PRESENCE_PER_SESSION).map(|n| id(&format!("u{n}"))).collect();
    let refused = alice.subscribe_presence(&many).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::LimitReached);
    alice.subscribe_presence(&many[1..]).await.unwrap();
    let found = soon(alice.presence(&many)).await.unwrap();
    assert_eq!(found.len(), many.len());
    assert_eq!(found[500].user, many[500]);
}

#[tokio::test]
async fn a_server_that_takes_fewer_says_which_it_leaves_out() {
    let world = World::with(|settings| settings.presence_per_session = 1);
    let a = tempdir().unwrap();
    let alice = world.client("alice", a.path()).await;
    let mut of_alice = alice.events();
    settled(&alice).await;
    alice.subscribe_presence(&[id("bob"), id("carol")]).await.unwrap();
    let (users, reason) = until(&mut of_alice, |event| match event {
        Event::PresenceRefused { users, reason } => Some((users.clone(), reason.clone())),
        _ => None,
    })
    .await;
    assert_eq!((users, reason.code), (vec![id("carol")], ErrorCode::LimitReached));
}
