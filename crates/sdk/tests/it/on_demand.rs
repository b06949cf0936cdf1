//! What a login reads: nothing but what is new, and on demand no messages at all until a conversation is opened.

use std::path::Path;

use anser_client::io::REBUILD_ABOVE;
use anser_gateway::ListenerKind;
use anser_sdk::{Client, Event, PageBounds, SyncMode};
use anser_types::{DeviceClass, Target};
use tempfile::tempdir;

use crate::wire::Wire;
use crate::world::{World, id, soon, until};

/// The most that a login with nothing new may cost, both ways together.
const LOGIN_BYTES: usize = 5 * 1024;

async fn over(world: &World, wire: &Wire, store: &Path, mode: SyncMode) -> Client {
    Client::builder()
        .endpoint(format!("tcp://{}", wire.address).parse().unwrap())
        .http(world.http_base())
        .device(DeviceClass::Bot, "a test")
        .store_directory(store)
        .sync_mode(mode)
        // What passes is looked into.
        .compression(false)
        .login_with(world.devices("alice"))
        .await
        .unwrap()
}

async fn say(world: &World, from: &str, count: u64) {
    let service = world.service();
    let app = service.authenticate_app(crate::world::API_KEY).unwrap();
    for n in 1..=count {
        let content = anser_types::Content::text(format!("the secret of {from} no {n}"));
        let (to, key) = (Target::User(id("alice")), format!("{from} {n}"));
        service.send_as(&app, id(from), key, [7; 16], to, content).await.unwrap();
    }
}

async fn people(world: &World, names: &[&str]) {
    let service = world.service();
    let app = service.authenticate_app(crate::world::API_KEY).unwrap();
    for name in names {
        service.create_user(&app, id(name)).await.unwrap();
    }
}

async fn texts_of(client: &Client, peer: &str) -> Vec<String> {
    let page = soon(client.history(id(peer), PageBounds::newest(50))).await.unwrap();
    assert!(page.complete);
    page.messages.iter().map(|message| message.text().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn requirement_c3_on_demand_no_message_is_read_until_its_conversation_is_opened() {
    let world = World::new();
    let wire = Wire::to(world.address(ListenerKind::Tcp)).await;
    let store = tempdir().unwrap();
    people(&world, &["alice", "bob", "carol", "dave"]).await;
    for (name, count) in [("bob", 3), ("carol", 7), ("dave", 1)] {
        say(&world, name, count).await;
    }
    // A first login.
    let alice = over(&world, &wire, store.path(), SyncMode::OnDemand).await;
    soon(alice.wait_synced()).await.unwrap();
    let listed = alice.conversations().await.unwrap();
    let mut shown: Vec<_> = listed.iter().map(|row| (row.name(), row.unread)).collect();
    shown.sort();
    assert_eq!(shown, [("bob".into(), 3), ("carol".into(), 7), ("dave".into(), 1)]);
    let times: Vec<_> = listed.iter().map(|row| row.last_at.unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "by the time of messages that are not here");
    assert!(listed.iter().all(|row| row.last_message.is_none()));
    assert_eq!(alice.total_unread().await.unwrap().unread, 11);
    assert!(!wire.carried("the secret of"), "counts came, and no message");

    let texts: Vec<String> = (1..=7).map(|n| format!("the secret of carol no {n}")).collect();
    assert_eq!(texts_of(&alice, "carol").await, texts);
    assert!(wire.carried("the secret of carol no 7"));
    assert!(!wire.carried("the secret of bob") && !wire.carried("the secret of dave"));
    let mut events = alice.events();
    let key = "live".to_owned();
    let service = world.service();
    let app = service.authenticate_app(crate::world::API_KEY).unwrap();
    let live = anser_types::Content::text("something new");
    let to = Target::User(id("alice"));
    service.send_as(&app, id("bob"), key, [9; 16], to, live).await.unwrap();
    let got = until(&mut events, crate::world::new_text).await;
    assert_eq!(got, "something new", "what is new comes as ever");
    let bob = alice.conversation(id("bob")).await.unwrap().unwrap();
    assert_eq!(bob.unread, 4);

    // Back after a long absence.
    alice.close().await;
    people(&world, &["frank"]).await;
    say(&world, "frank", REBUILD_ABOVE + 50).await;
    wire.forget();
    let alice = over(&world, &wire, store.path(), SyncMode::OnDemand).await;
    soon(alice.wait_synced()).await.unwrap();
    let frank = alice.conversation(id("frank")).await.unwrap().unwrap();
    assert_eq!(frank.unread, REBUILD_ABOVE + 50);
    assert!(!wire.carried("the secret of"), "not even those that were missed");
    assert!(wire.bytes() < LOGIN_BYTES, "{} bytes", wire.bytes());
    let newest = texts_of(&alice, "frank").await;
    assert_eq!(newest.last().unwrap(), &format!("the secret of frank no {}", REBUILD_ABOVE + 50));
    assert_eq!(texts_of(&alice, "carol").await, texts, "what was stored is still there");

    // Who missed little reads it as usual.
    alice.close().await;
    let other = anser_types::Content::text("only one");
    let to = Target::User(id("alice"));
    service.send_as(&app, id("bob"), "one".into(), [8; 16], to, other).await.unwrap();
    let alice = over(&world, &wire, store.path(), SyncMode::OnDemand).await;
    let mut events = alice.events();
    let one = |event: &Event| crate::world::new_text(event).filter(|text| text == "only one");
    until(&mut events, one).await;
}

#[tokio::test]
async fn requirement_c4_login_with_1000_conversations_and_nothing_new_costs_one_round_trip() {
    let world = World::new();
    let store = tempdir().unwrap();
    let names: Vec<String> = (0..1_000).map(|n| format!("friend{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    people(&world, &["alice"]).await;
    people(&world, &names).await;
    for name in &names {
        say(&world, name, 1).await;
    }
    let wire = Wire::to(world.address(ListenerKind::Tcp)).await;
    let alice = over(&world, &wire, store.path(), SyncMode::Whole).await;
    soon(alice.wait_synced()).await.unwrap();
    assert_eq!(alice.conversations().await.unwrap().len(), 1_000);
    alice.close().await;
    wire.forget();

    let alice = over(&world, &wire, store.path(), SyncMode::Whole).await;
    soon(alice.wait_synced()).await.unwrap();
    let (bytes, round_trips) = (wire.bytes(), wire.round_trips());
    println!("{bytes} bytes, {round_trips} round trips");
    assert!(bytes <= LOGIN_BYTES, "{bytes} bytes");
    assert_eq!(alice.conversations().await.unwrap().len(), 1_000);
    assert_eq!(round_trips, 1, "authentication and sync");
    alice.close().await;
    let bytes = wire.bytes();
    assert!(bytes <= LOGIN_BYTES, "{bytes} bytes with all that followed");
}
