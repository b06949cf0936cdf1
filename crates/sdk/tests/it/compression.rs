//! Compressed frames between whole clients and a real server.

use std::path::Path;

use anser_gateway::ListenerKind;
use anser_sdk::{Client, PageBounds};
use tempfile::tempdir;

use crate::wire::Wire;
use crate::world::{World, id, soon, texts};

fn lines() -> Vec<String> {
    (0..50)
        .map(|n| format!("The meeting is at {n} o'clock, please send me the file before"))
        .collect()
}

async fn over(world: &World, wire: &Wire, store: &Path, compression: bool) -> Client {
    let tcp = format!("tcp://{}", wire.address).parse().unwrap();
    let builder = Client::builder().endpoint(tcp).http(world.http_base()).store_directory(store);
    let builder = if compression { builder } else { builder.compression(false) };
    builder.login_with(world.devices("bob")).await.unwrap()
}

/// What a new device of bob reads of the history with alice, and the bytes on the wire for it.
async fn history_of_a_new_device(world: &World, compression: bool) -> (Vec<String>, usize) {
    let wire = Wire::to(world.address(ListenerKind::Tcp)).await;
    let store = tempdir().unwrap();
    let bob = over(world, &wire, store.path(), compression).await;
    soon(bob.wait_synced()).await.unwrap();
    let page = soon(bob.history(id("alice"), PageBounds::newest(50))).await.unwrap();
    assert!(page.complete);
    let said = page.messages.iter().map(|message| message.text().unwrap().to_owned()).collect();
    bob.close().await;
    (said, wire.bytes())
}

#[tokio::test]
async fn requirement_f2_a_page_of_history_takes_less_on_the_wire() {
    let world = World::new();
    let store = tempdir().unwrap();
    let alice = world.client("alice", store.path()).await;
    world.device("bob").await;
    for line in lines() {
        soon(alice.send_text(id("bob"), line)).await.unwrap();
    }
    let (plain, plain_bytes) = history_of_a_new_device(&world, false).await;
    let (compressed, bytes) = history_of_a_new_device(&world, true).await;
    assert_eq!(plain, lines());
    assert_eq!(compressed, plain);
    assert!(bytes * 2 < plain_bytes, "{bytes} of {plain_bytes} bytes");
}

#[tokio::test]
async fn requirement_f2_old_and_new_clients_talk_through_old_and_new_servers() {
    let long = "All the same. ".repeat(200);
    for server in [true, false] {
        let world = if server { World::new() } else { World::without_compression() };
        let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
        let alice = world.client("alice", a.path()).await;
        let wire = Wire::to(world.address(ListenerKind::Tcp)).await;
        let bob = over(&world, &wire, b.path(), false).await;
        soon(bob.wait_connected()).await.unwrap();
        let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
        soon(alice.send_text(id("bob"), &long)).await.unwrap();
        assert_eq!(texts(&mut of_bob, 1).await, [&long[..]]);
        soon(bob.send_text(id("alice"), &long)).await.unwrap();
        assert_eq!(texts(&mut of_alice, 1).await, [&long[..]]);
    }
}
