//! The doors: places, TLS, slow stores, draining.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{sync::Arc, time::Duration};

use anser_backend::Boxed;
use anser_backend::memory::{CommitDecision, CommitGate, CommitKind, MemoryBackend, PendingCommit};
use anser_gateway::{GatewayConfig, ListenError, ListenerKind, TlsSource};
use anser_proto::v1::Reconnect;
use anser_types::{DeviceClass, ErrorCode};
use arc_swap::ArcSwap;
use futures::TryFutureExt as _;
use futures::future::try_join_all;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::Certificate;
use crate::peer::{Peer, text_to, texts};
use crate::world::{World, address, tcp};

#[tokio::test]
async fn requirement_j6_a_connection_without_a_place_is_told_so() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Tcp]);
    config.connections = 1;
    let gateway = world.start(config);
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let mut late = tcp(&gateway).await;
    let close = late.closed_with(ErrorCode::TooManyConnections).await;
    assert_eq!(close.reconnect(), Reconnect::After);
    assert!(close.retry_after_ms > 0);
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test]
async fn requirement_g5_one_address_cannot_come_again_and_again() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Tcp]);
    config.connections_per_minute = 2;
    config.loopback_is_exempt = false;
    let gateway = world.start(config);
    for _ in 0..2 {
        let mut peer = tcp(&gateway).await;
        peer.say(|wire, out| wire.close(out)).await;
        assert_eq!(peer.hear_or_end().await, None);
    }
    let close = tcp(&gateway).await.closed_with(ErrorCode::TooManyConnections).await;
    assert_eq!(close.reconnect(), Reconnect::After);
    // 127.0.0.2 is another address of the same machine.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let stream = socket.connect(address(&gateway, ListenerKind::Tcp)).await.unwrap();
    Peer::new(stream).sign_in(&world.device("carol", DeviceClass::Phone).await).await;
}

#[tokio::test]
async fn one_address_cannot_take_every_place() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Tcp, ListenerKind::Http]);
    config.connections_per_address = 2;
    config.loopback_is_exempt = false;
    let gateway = world.start(config);
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let mut bob = tcp(&gateway).await;
    bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
    let close = tcp(&gateway).await.closed_with(ErrorCode::TooManyConnections).await;
    assert_eq!(close.reconnect(), Reconnect::After);
    // 127.0.0.2 is another address of the same machine.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let stream = socket.connect(address(&gateway, ListenerKind::Tcp)).await.unwrap();
    let mut elsewhere = Peer::new(stream);
    elsewhere.sign_in(&world.device("carol", DeviceClass::Phone).await).await;
    // The doors share the places, and a place that is left is free.
    bob.say(|wire, out| wire.close(out)).await;
    assert_eq!(bob.hear_or_end().await, None);
    drop(bob);
    let mut again = loop {
        let mut next = tcp(&gateway).await;
        next.hello(&world.device("dave", DeviceClass::Phone).await, 0, 0).await;
        match next.hear().await {
            anser_proto::session::client::Incoming::Welcome(_) => break next,
            anser_proto::session::client::Incoming::Close(_) => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(again.pong().await, 0);
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test]
async fn this_machine_may_take_every_place_unless_told_otherwise() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Tcp]);
    config.connections_per_address = 1;
    let gateway = world.start(config);
    let mut peers = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let mut peer = tcp(&gateway).await;
        peer.sign_in(&world.device(name, DeviceClass::Phone).await).await;
        peers.push(peer);
    }
    assert_eq!(world.service.status().sessions, 3);
}

#[tokio::test]
async fn a_place_is_free_again_when_its_connection_is_gone() {
    let world = World::new();
    let mut config = world.config(&[ListenerKind::Tcp]);
    config.connections = 1;
    let gateway = world.start(config);
    let device = world.device("alice", DeviceClass::Phone).await;
    for _ in 0..5 {
        let mut alice = tcp(&gateway).await;
        alice.sign_in(&device).await;
        alice.say(|wire, out| wire.close(out)).await;
        // The server has closed when the end is heard; its place is given back right after.
        assert_eq!(alice.hear_or_end().await, None);
        drop(alice);
        while world.service.status().sessions > 0 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Tcp]);
    let mut config = world.config(&[ListenerKind::Http]);
    config.listeners[0].address = address(&gateway, ListenerKind::Tcp);
    let taken = config.listeners[0].address.to_string();
    match anser_gateway::Gateway::start(config, Arc::clone(&world.service)) {
        Err(error @ ListenError::Address { .. }) => assert!(error.to_string().contains(&taken)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two listeners on {taken}"),
    }
    let config = world.config(&[ListenerKind::Tls]);
    let started = anser_gateway::Gateway::start(config, Arc::clone(&world.service));
    assert!(matches!(started, Err(ListenError::NoCertificate { .. })));
}

#[tokio::test]
async fn requirement_j6_draining_sends_everybody_away_at_different_times() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Tcp]);
    let address = address(&gateway, ListenerKind::Tcp);
    let mut peers = Vec::new();
    for number in 0..5 {
        let mut peer = tcp(&gateway).await;
        let device = world.device(&format!("user{number}"), DeviceClass::Phone).await;
        peer.sign_in(&device).await;
        peers.push(peer);
    }
    let leave = async {
        let mut pauses = Vec::new();
        for mut peer in peers {
            let close = peer.closed_with(ErrorCode::Draining).await;
            assert_eq!(close.reconnect(), Reconnect::After);
            pauses.push(close.retry_after_ms);
        }
        pauses
    };
    let (mut pauses, ()) = tokio::join!(leave, gateway.drain());
    pauses.sort_unstable();
    pauses.dedup();
    assert_eq!(pauses.len(), 5, "{pauses:?}");
    assert!(pauses[4] - pauses[0] > 3_000, "spread over the time for draining: {pauses:?}");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn who_does_not_leave_is_cut() {
    let mut world = World::new();
    world.connection.drain = Duration::from_millis(50);
    let gateway = world.gateway(&[ListenerKind::Tcp, ListenerKind::Http]);
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let stranger = tcp(&gateway).await;
    let half_a_request = TcpStream::connect(address(&gateway, ListenerKind::Http)).await.unwrap();
    half_a_request.try_write(b"GET /heal").unwrap_or_default();
    gateway.drain().await;
    drop((alice, stranger, half_a_request));
}

/// A store whose batches wait for a permit.
struct Slow(Arc<Semaphore>);

impl CommitGate for Slow {
    fn decide(&self, commit: PendingCommit) -> Boxed<'_, CommitDecision> {
        Box::pin(async move {
            if commit.kind == CommitKind::Batch {
                self.0.acquire().await.unwrap().forget();
            }
            CommitDecision::Commit
        })
    }
}

fn slow_world() -> (World, Arc<Semaphore>) {
    let permits = Arc::new(Semaphore::new(0));
    let backend = MemoryBackend::with_gate(Arc::new(Slow(Arc::clone(&permits))));
    (World::on(backend, |_| ()), permits)
}

#[tokio::test(start_paused = true)]
async fn a_draining_session_gets_the_answers_to_what_was_begun() {
    let (world, permits) = slow_world();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    alice.command(text_to("bob", "just in time")).await;
    assert_eq!(alice.pong().await, 0);
    world.service.drain().await;
    alice.command(text_to("bob", "too late")).await;
    permits.add_permits(8);
    let ack = alice.command_ack().await;
    assert_eq!((ack.command_no, ack.seq, ack.error), (1, 1, None));
    alice.closed_with(ErrorCode::Draining).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_answered_in_time_is_said_to_be_late_and_asked_for_again() {
    let (world, permits) = slow_world();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    let (number, body) = alice.compose(text_to("bob", "patience"));
    alice.transmit(number, &body).await;
    let error = alice.command_ack().await.error.unwrap();
    assert_eq!(error.code, u32::from(ErrorCode::TimedOut.number()));
    alice.transmit(number, &body).await;
    assert_eq!(alice.pong().await, 0);
    permits.add_permits(8);
    // Nobody has told this session yet that its own message was accepted: it is pushed like anybody's.
    assert_eq!(texts(&alice.batch().await), ["to bob: patience"]);
    let ack = alice.command_ack().await;
    assert_eq!((ack.command_no, ack.seq, ack.duplicate, ack.error), (number, 1, true, None));
}

/// A TLS connection that trusts one certificate and offers these protocols.
async fn tls(
    gateway: &anser_gateway::Gateway,
    kind: ListenerKind,
    trusted: &Certificate,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let config = trusted.client(alpn);
    let stream = TcpStream::connect(address(gateway, kind)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn tls_gateway(world: &World, certificate: &Certificate) -> (anser_gateway::Gateway, TlsSource) {
    let source: TlsSource = Arc::new(ArcSwap::new(Arc::clone(&certificate.config)));
    let config = GatewayConfig {
        tls: Some(Arc::clone(&source)),
        ..world.config(&[ListenerKind::Tls, ListenerKind::Https])
    };
    (world.start(config), source)
}

#[tokio::test]
async fn requirement_e1_a_session_over_tls() {
    let world = World::new();
    let certificate = Certificate::new();
    let (gateway, _) = tls_gateway(&world, &certificate);
    let mut alice =
        Peer::new(tls(&gateway, ListenerKind::Tls, &certificate, &[b"anser/1"]).await.unwrap());
    assert_eq!(alice.stream.get_ref().1.alpn_protocol(), Some(b"anser/1".as_slice()));
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let mut bob = Peer::new(tls(&gateway, ListenerKind::Tls, &certificate, &[]).await.unwrap());
    bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
    alice.send("bob", "under the seal").await;
    assert_eq!(texts(&bob.batch().await), ["alice: under the seal"]);
    // Who speaks another protocol is refused by the handshake.
    assert!(tls(&gateway, ListenerKind::Tls, &certificate, &[b"h2"]).await.is_err());
    assert!(tls(&gateway, ListenerKind::Https, &certificate, &[b"http/1.1"]).await.is_ok());
}

#[tokio::test]
async fn a_new_certificate_is_used_at_once_and_disturbs_nobody() {
    let world = World::new();
    let (old, new) = (Certificate::new(), Certificate::new());
    let (gateway, source) = tls_gateway(&world, &old);
    let mut alice = Peer::new(tls(&gateway, ListenerKind::Tls, &old, &[]).await.unwrap());
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    source.store(Arc::clone(&new.config));
    assert!(tls(&gateway, ListenerKind::Tls, &old, &[]).await.is_err());
    assert!(tls(&gateway, ListenerKind::Tls, &new, &[]).await.is_ok());
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_gives_its_place_back() {
    let mut world = World::new();
    world.connection.hello_timeout = Duration::from_millis(20);
    let certificate = Certificate::new();
    let mut config = world.config(&[ListenerKind::Tls]);
    config.tls = Some(Arc::new(ArcSwap::new(Arc::clone(&certificate.config))));
    config.connections = 1;
    let gateway = world.start(config);
    let silent = TcpStream::connect(address(&gateway, ListenerKind::Tls)).await.unwrap();
    // The server hangs up on the silent one.
    silent.readable().await.unwrap();
    assert_eq!(silent.try_read(&mut [0; 16]).unwrap_or(0), 0);
    while tls(&gateway, ListenerKind::Tls, &certificate, &[]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requirement_j6_who_says_nothing_at_the_door_for_tls_takes_nobodys_turn() {
    let (world, certificate) = (World::new(), Certificate::new());
    let (gateway, _) = tls_gateway(&world, &certificate);
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(address(&gateway, ListenerKind::Tls)).await.unwrap());
    }
    let mut alice = Peer::new(tls(&gateway, ListenerKind::Tls, &certificate, &[]).await.unwrap());
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test]
async fn requirement_j6_handshakes_that_begin_in_one_moment_take_turns_with_who_is_inside() {
    let (world, certificate) = (World::new(), Certificate::new());
    let (gateway, _) = tls_gateway(&world, &certificate);
    let mut alice = Peer::new(tls(&gateway, ListenerKind::Tls, &certificate, &[]).await.unwrap());
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let (gateway, certificate) = (&gateway, &certificate);
    let comers = (0..100).map(|_| tls(gateway, ListenerKind::Tls, certificate, &[]));
    let answered = AtomicUsize::new(0);
    let count = || {
        answered.fetch_add(1, Relaxed);
    };
    let counted = comers.map(|comer| comer.inspect_ok(|_| count()));
    let talk = async {
        assert_eq!(alice.pong().await, 0);
        answered.load(Relaxed)
    };
    let (comers, meanwhile) = tokio::join!(try_join_all(counted), talk);
    assert_eq!(comers.expect("everybody is answered").len(), 100);
    assert!(meanwhile < 100, "alice was heard between them");
}
