//! The servers' list of their addresses reaches a client by its session or by HTTP, and is used (requirements E7, J3).

use anser_gateway::{GatewayList, ListenerKind};
use anser_proto::endpoint_list::ListSigner;
use anser_sdk::types::{ErrorCode, Gateway};
use anser_sdk::{Client, Endpoint, Event, Trust};
use tempfile::tempdir;

use crate::world::{World, until};

/// A list of one server at this port of this machine.
fn list(secret: u8, version: u64, tls: u16) -> GatewayList {
    let here =
        Gateway { host: "127.0.0.1".into(), tls: Some(tls), weight: 1, ..Gateway::default() };
    GatewayList::new(ListSigner::new(&[secret; 32]).sign(version, 3600, &[here])).unwrap()
}

/// Made now, so that its time is not over.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn requirement_e7_a_client_whose_addresses_all_fail_finds_the_servers_by_http() {
    let world = World::new();
    let tls = world.address(ListenerKind::Tls).port();
    world.gateways.publish(Some(list(1, now(), tls)));
    let (alice, store) = (world.device("alice").await, tempdir().unwrap());
    // Nobody listens on this port: it was somebody's just now.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::builder()
        .endpoint(format!("tcp://{gone}").parse::<Endpoint>().unwrap())
        .http(format!("http://{}", world.address(ListenerKind::Http)))
        .trust(Trust::Pinned(vec![world.pin()]))
        .store_directory(store.path())
        .login_as(alice)
        .await
        .unwrap();
    let mut events = client.events();
    let named = until(&mut events, |event| match event {
        Event::EndpointListChanged { gateways, .. } => Some(*gateways),
        _ => None,
    });
    assert_eq!(named.await, 1);
    let connected = |event: &Event| matches!(event, Event::Connected { .. }).then_some(());
    until(&mut events, connected).await;
    client.close().await;
}

#[tokio::test]
async fn requirement_e7_a_list_of_another_server_is_refused_and_told_of_and_the_session_goes_on() {
    let world = World::new();
    let tls = world.address(ListenerKind::Tls).port();
    world.gateways.publish(Some(list(1, now(), tls)));
    let (alice, store) = (world.device("alice").await, tempdir().unwrap());
    let client = world.builder(ListenerKind::Tcp, store.path()).login_as(alice).await.unwrap();
    let mut events = client.events();
    until(&mut events, |event| matches!(event, Event::EndpointListChanged { .. }).then_some(()))
        .await;
    client.close().await;

    world.gateways.publish(Some(list(2, now() + 1, 1)));
    let client = world.builder(ListenerKind::Tcp, store.path()).resume().await.unwrap();
    let mut events = client.events();
    let reason = until(&mut events, |event| match event {
        Event::EndpointListRefused { reason } => Some(reason.clone()),
        _ => None,
    });
    let reason = reason.await;
    assert_eq!(reason.code, ErrorCode::EndpointListRefused);
    assert!(reason.detail.contains("another key"), "{}", reason.detail);
    client.close().await;
}
