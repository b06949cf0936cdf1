//! Sessions over QUIC (requirement E1): the same doors, one stream, addresses that are proven, and moves.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::{sync::Arc, time::Duration};

use anser_gateway::{Gateway, GatewayConfig, ListenerKind, TlsSource};
use anser_proto::v1::{self, Reconnect};
use anser_types::limits::{CONTENT_MAX_BYTES, HEARTBEAT_RANGE_MS};
use anser_types::{DeviceClass, ErrorCode};
use arc_swap::ArcSwap;
use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream, TransportConfig,
};
use tokio::io::Join;
use tokio::time::Instant;

use crate::certificate::Certificate;
use crate::peer::{Peer, content_to, texts};
use crate::world::{World, address, tcp};

/// A client's socket with its settings.
struct Machine {
    endpoint: Endpoint,
    config: ClientConfig,
}

impl Machine {
    /// Trusts one certificate and offers these protocols.
    fn new(trusted: &Certificate, alpn: &[&[u8]]) -> Self {
        let mut tls = trusted.client(alpn);
        // Whoever would send early data could, if the server allowed it.
        tls.enable_early_data = true;
        let tls = QuicClientConfig::try_from(tls).unwrap();
        let endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let mut transport = TransportConfig::default();
        // Heartbeats decide when a connection is dead, not QUIC.
        transport.max_idle_timeout(None);
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(Arc::new(transport));
        Self { endpoint, config }
    }

    async fn connect(&self, to: SocketAddr) -> Result<Connection, ConnectionError> {
        self.endpoint.connect_with(self.config.clone(), to, "localhost").unwrap().await
    }

    async fn peer(&self, gateway: &Gateway) -> Peer<Join<RecvStream, SendStream>> {
        peer_of(&self.connect(address(gateway, ListenerKind::Quic)).await.unwrap()).await
    }
}

async fn peer_of(connection: &Connection) -> Peer<Join<RecvStream, SendStream>> {
    let (send, receive) = connection.open_bi().await.unwrap();
    Peer::new(tokio::io::join(receive, send))
}

fn machine(trusted: &Certificate) -> Machine {
    Machine::new(trusted, &[b"anser/1"])
}

fn config(world: &World, certificate: &Certificate) -> GatewayConfig {
    let source: TlsSource = Arc::new(ArcSwap::new(Arc::clone(&certificate.config)));
    GatewayConfig { tls: Some(source), ..world.config(&[ListenerKind::Tcp, ListenerKind::Quic]) }
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_quic_and_tcp() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let machine = machine(&certificate);
    let mut alice = machine.peer(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let mut bob = tcp(&gateway).await;
    bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
    alice.send("bob", "by packets").await;
    assert_eq!(texts(&bob.batch().await), ["alice: by packets"]);
    bob.send("alice", "by a stream").await;
    assert_eq!(texts(&alice.batch().await), ["bob: by a stream"]);
    // More at once than a stranger may send.
    alice.command(content_to("bob", Bytes::from(vec![b'x'; CONTENT_MAX_BYTES]))).await;
    assert_eq!(alice.command_ack().await.error, None);
}

#[tokio::test]
async fn requirement_e1_a_session_goes_on_when_its_client_moves() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let machine = machine(&certificate);
    let mut alice = machine.peer(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let before = machine.endpoint.local_addr().unwrap();
    for _ in 0..2 {
        machine.endpoint.rebind(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).unwrap();
        assert_ne!(machine.endpoint.local_addr().unwrap(), before);
        assert_eq!(alice.pong().await, 0);
    }
    let mut bob = tcp(&gateway).await;
    bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
    bob.send("alice", "still there?").await;
    assert_eq!(texts(&alice.batch().await), ["bob: still there?"]);
    assert_eq!(world.service.status().sessions, 2);
}

#[tokio::test]
async fn requirement_e1_quic_refuses_another_protocol_and_shows_its_certificate() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let to = address(&gateway, ListenerKind::Quic);
    let no_application_protocol = 0x100 + 120;
    for alpn in [&[b"h3".as_slice()][..], &[]] {
        let refused = Machine::new(&certificate, alpn).connect(to).await;
        match refused {
            Err(ConnectionError::ConnectionClosed(close)) => {
                assert_eq!(u64::from(close.error_code), no_application_protocol, "{close}");
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = machine(&Certificate::new()).connect(to).await.unwrap_err();
    assert!(matches!(refused, ConnectionError::TransportError(_)), "{refused}");
}

#[tokio::test]
async fn requirement_e1_nothing_is_said_before_the_handshake_is_over() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let machine = machine(&certificate);
    let mut alice = machine.peer(&gateway).await;
    // The tickets for the next time have come before what follows them.
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let to = address(&gateway, ListenerKind::Quic);
    let again = machine.endpoint.connect_with(machine.config.clone(), to, "localhost").unwrap();
    assert!(again.into_0rtt().is_err(), "the server's tickets allow no early data");
}

#[tokio::test]
async fn a_new_certificate_is_used_at_once_by_quic_and_disturbs_nobody() {
    let world = World::new();
    let (old, new) = (Certificate::new(), Certificate::new());
    let config = config(&world, &old);
    let source = config.tls.clone().unwrap();
    let gateway = world.start(config);
    let to = address(&gateway, ListenerKind::Quic);
    let before = machine(&old);
    let mut alice = before.peer(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    source.store(Arc::clone(&new.config));
    assert!(machine(&old).connect(to).await.is_err());
    assert!(machine(&new).connect(to).await.is_ok());
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test]
async fn quic_shares_the_places_of_the_other_doors() {
    let (world, certificate) = (World::new(), Certificate::new());
    let mut config = config(&world, &certificate);
    config.connections = 1;
    let gateway = world.start(config);
    let machine = machine(&certificate);
    let mut alice = machine.peer(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    tcp(&gateway).await.closed_with(ErrorCode::TooManyConnections).await;
    let refused = machine.connect(address(&gateway, ListenerKind::Quic)).await;
    assert!(matches!(refused, Err(ConnectionError::ConnectionClosed(_))), "{refused:?}");
    // A place that is left is free.
    alice.say(|wire, out| wire.close(out)).await;
    assert_eq!(alice.hear_or_end().await, None);
    drop(alice);
    while machine.connect(address(&gateway, ListenerKind::Quic)).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_address_cannot_take_every_place_by_quic() {
    let (world, certificate) = (World::new(), Certificate::new());
    let mut config = config(&world, &certificate);
    config.connections_per_address = 1;
    config.loopback_is_exempt = false;
    let gateway = world.start(config);
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let machine = machine(&certificate);
    let mut late = machine.peer(&gateway).await;
    late.hello(&world.device("bob", DeviceClass::Phone).await, 0, 0).await;
    let close = late.closed_with(ErrorCode::TooManyConnections).await;
    assert_eq!(close.reconnect(), Reconnect::After);
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test]
async fn who_opens_no_stream_or_a_second_one_gets_nothing() {
    let (mut world, certificate) = (World::new(), Certificate::new());
    world.connection.hello_timeout = Duration::from_millis(50);
    let gateway = world.start(config(&world, &certificate));
    let machine = machine(&certificate);
    let to = address(&gateway, ListenerKind::Quic);
    let silent = machine.connect(to).await.unwrap();
    assert!(matches!(silent.closed().await, ConnectionError::ApplicationClosed(_)));
    let connection = machine.connect(to).await.unwrap();
    let mut alice = peer_of(&connection).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    tokio::select! {
        biased;
        _ = connection.open_bi() => panic!("a second stream"),
        _ = connection.open_uni() => panic!("a stream of one direction"),
        head = alice.pong() => assert_eq!(head, 0),
    }
}

#[tokio::test]
async fn requirement_j6_draining_tells_sessions_over_quic_and_waits_until_they_have_heard() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let machine = machine(&certificate);
    let mut alice = machine.peer(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let leave = async {
        let close = alice.closed_with(ErrorCode::Draining).await;
        drop(alice);
        close
    };
    let (close, ()) = tokio::join!(leave, gateway.drain());
    assert_eq!(close.reconnect(), Reconnect::After);
    let to = address(&gateway, ListenerKind::Quic);
    UdpSocket::bind(to).expect("the listener's socket is closed");
}

/// In virtual time: nothing happens on the sockets while the clock jumps.
#[tokio::test(start_paused = true)]
async fn requirement_e1_quic_suffers_the_longest_silence_a_client_may_announce() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let machine = machine(&certificate);
    let mut alice = machine.peer(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let silence_ms = u32::try_from(HEARTBEAT_RANGE_MS.1).unwrap();
    let foreground = v1::Foreground { background: true, silence_ms };
    alice.say(|wire, out| wire.foreground(foreground, out)).await;
    let since = Instant::now();
    alice.closed_with(ErrorCode::Silent).await;
    let waited = since.elapsed();
    assert!(waited >= Duration::from_millis(HEARTBEAT_RANGE_MS.1) * 3 / 2, "{waited:?}");
}

/// Passes packets on to the server and keeps what comes back.
async fn one_way_street(to: SocketAddr) -> SocketAddr {
    let inside = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let outside = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = inside.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 2048];
        while let Ok((length, _)) = inside.recv_from(&mut packet).await {
            outside.send_to(&packet[..length], to).await.unwrap();
        }
    });
    at
}

/// Passes packets both ways and tells of each that the server sends whether it is a Retry (RFC 9000, section 17.2.5).
async fn watched_street(to: SocketAddr, retries: tokio::sync::mpsc::Sender<bool>) -> SocketAddr {
    let inside = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let outside = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = inside.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut there, mut back) = ([0; 2048], [0; 2048]);
        let mut client = None;
        loop {
            tokio::select! {
                Ok((length, from)) = inside.recv_from(&mut there) => {
                    client = Some(from);
                    outside.send_to(&there[..length], to).await.unwrap();
                }
                Ok((length, _)) = outside.recv_from(&mut back) => {
                    retries.try_send(back[0] & 0xf0 == 0xf0).unwrap_or_default();
                    if let Some(client) = client {
                        inside.send_to(&back[..length], client).await.unwrap();
                    }
                }
            }
        }
    });
    at
}

#[tokio::test]
async fn requirement_g5_under_load_an_address_must_be_proven_before_anything_is_done_for_it() {
    let (world, certificate) = (World::new(), Certificate::new());
    let gateway = world.start(config(&world, &certificate));
    let to = address(&gateway, ListenerKind::Quic);
    let (retries, mut seen) = tokio::sync::mpsc::channel(64);
    let watched = watched_street(to, retries).await;
    let calm = machine(&certificate).connect(watched).await.unwrap();
    assert_eq!(seen.recv().await, Some(false));
    drop(calm);
    // Many begin and never hear an answer, as if their addresses were another's.
    let liars = machine(&certificate);
    let street = one_way_street(to).await;
    let begun: Vec<_> = (0..200)
        .map(|_| liars.endpoint.connect_with(liars.config.clone(), street, "localhost").unwrap())
        .collect();
    loop {
        let (retries, mut seen) = tokio::sync::mpsc::channel(64);
        let honest = watched_street(to, retries).await;
        let connection = machine(&certificate).connect(honest).await.unwrap();
        if seen.recv().await == Some(true) {
            let mut alice = peer_of(&connection).await;
            alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
            break;
        }
    }
    drop(begun);
}
