//! The list of the servers' addresses: in sessions and over HTTP (requirements E7, J3).

use anser_gateway::{GatewayList, ListenerKind};
use anser_proto::endpoint_list::{ListSigner, SignedList};
use anser_proto::session::client::Incoming;
use anser_proto::v1;
use anser_types::{DeviceClass, ErrorCode, Gateway};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::api::request;
use crate::world::{World, address};

fn signed(version: u64, hosts: &[&str]) -> Bytes {
    let gateways: Vec<_> = hosts
        .iter()
        .map(|host| Gateway {
            host: (*host).to_owned(),
            tls: Some(7411),
            weight: 1,
            ..Gateway::default()
        })
        .collect();
    ListSigner::new(&[5; 32]).sign(version, 3600, &gateways)
}

fn publish(world: &World, version: u64, hosts: &[&str]) -> Bytes {
    let signed = signed(version, hosts);
    world.connection.gateways.publish(Some(GatewayList::new(signed.clone()).unwrap()));
    signed
}

/// A session of a device that knows this list; the Welcome it gets.
async fn greet(
    world: &World,
    known: u64,
) -> (crate::peer::Peer<tokio::io::DuplexStream>, v1::Welcome) {
    let device = world.device("alice", DeviceClass::Phone).await;
    let (mut peer, _) = world.connect(64 * 1024);
    let hello = v1::Hello {
        token: device.token.clone(),
        device_no: device.device.0,
        device_class: u32::from(DeviceClass::Phone.code()),
        endpoint_list_version: known,
        ..v1::Hello::default()
    };
    peer.say(|wire, out| wire.hello(hello, out)).await;
    let Incoming::Welcome(welcome) = peer.hear().await else { panic!("no Welcome") };
    (peer, welcome)
}

async fn beat(peer: &mut crate::peer::Peer<tokio::io::DuplexStream>) {
    peer.say(|wire, out| wire.ping(None, out)).await;
    assert!(matches!(peer.hear().await, Incoming::Pong(_)));
}

#[tokio::test(start_paused = true)]
async fn requirement_e7_the_list_is_given_after_welcome_and_pushed_with_the_next_beat_when_it_changes()
 {
    let world = World::new();
    let first = publish(&world, 10, &["a"]);
    let (mut peer, welcome) = greet(&world, 0).await;
    assert_eq!(welcome.endpoint_list_version, 10);
    assert_eq!(peer.hear().await, Incoming::EndpointList(first));
    beat(&mut peer).await;
    let second = publish(&world, 11, &["a", "b"]);
    beat(&mut peer).await;
    assert_eq!(peer.hear().await, Incoming::EndpointList(second));
    // Nothing more: what is heard next is the answer to the next thing that is said.
    beat(&mut peer).await;
    beat(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn who_has_the_list_is_not_given_it_again_and_without_one_nothing_is_said() {
    let world = World::new();
    let (mut peer, welcome) = greet(&world, 0).await;
    assert_eq!(welcome.endpoint_list_version, 0);
    beat(&mut peer).await;
    publish(&world, 10, &["a"]);
    let (mut peer, welcome) = greet(&world, 10).await;
    assert_eq!(welcome.endpoint_list_version, 10);
    beat(&mut peer).await;
    world.connection.gateways.publish(None);
    beat(&mut peer).await;
    beat(&mut peer).await;
}

#[tokio::test]
async fn requirement_j3_the_list_is_to_be_had_before_sign_in_in_an_order_of_each_users_own() {
    let world = World::new();
    let hosts: Vec<String> = (1..=8).map(|n| format!("10.0.0.{n}")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let given = publish(&world, 1_795_169_730_288, &hosts);
    let gateway = world.gateway(&[ListenerKind::Http]);
    let http = address(&gateway, ListenerKind::Http);
    let order = async |query: &str| {
        let answer = request(http, "GET", &format!("/v1/gateways{query}"), "", "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        assert_eq!(body["version"], "1795169730288");
        let signed = STANDARD.decode(body["signed"].as_str().unwrap()).unwrap();
        assert_eq!(signed, given);
        let named = body["gateways"].as_array().unwrap();
        named.iter().map(|one| one["host"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let alice = order("?user=alice").await;
    assert_eq!(alice, order("?user=alice&network=wifi:home").await);
    assert_ne!(alice, order("?user=bob").await);
    // As a client orders them by itself.
    let mut own = SignedList::open(&given).unwrap().gateways;
    anser_types::gateway::rank(&mut own, "", "alice");
    assert_eq!(alice, own.into_iter().map(|one| one.host).collect::<Vec<_>>());

    let known = "if-none-match: \"1795169730288\"\r\n";
    assert_eq!(request(http, "GET", "/v1/gateways", known, "").await.status, 304);
    let long = "x".repeat(65);
    let twice = "?network=wifi&network=mobile".to_owned();
    for wrong in [format!("?network={long}"), format!("?user={long}"), twice] {
        let answer = request(http, "GET", &format!("/v1/gateways{wrong}"), "", "").await;
        answer.is_problem(400, ErrorCode::InvalidArgument);
    }
    world.connection.gateways.publish(None);
    let none = request(http, "GET", "/v1/gateways", "", "").await.json();
    assert_eq!(none["version"], "0");
    assert!(none.get("signed").is_none());
}
