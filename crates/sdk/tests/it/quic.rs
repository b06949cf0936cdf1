//! Sessions over QUIC (requirement E1): they survive a change of the network, end in order, and where UDP is blocked
//! another transport is taken.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anser_gateway::ListenerKind;
use anser_sdk::transports::Dialer;
use anser_sdk::types::ErrorCode;
use anser_sdk::{CertificatePin, Event, Trust};
use parking_lot::Mutex;
use tempfile::tempdir;
use tokio::net::UdpSocket;

use crate::world::{World, id, new_text, soon, texts, until};

/// What a street has seen.
#[derive(Default)]
struct Seen {
    /// Where packets of clients came from, in order; each counts as a network.
    networks: Vec<SocketAddr>,
    /// Networks from which and to which nothing passes any more.
    dead: Vec<SocketAddr>,
    /// Handshakes begun on each (RFC 9000, section 17.2.2: an Initial packet).
    initials: HashMap<SocketAddr, usize>,
    /// The longest packets, to the server and back.
    longest: [usize; 2],
}

/// A way to the server like that through a router: each address of a client gets one of its own.
struct Street {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Street {
    async fn to(server: SocketAddr) -> Self {
        let inside = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let (address, seen) = (inside.local_addr().unwrap(), Arc::new(Mutex::new(Seen::default())));
        tokio::spawn(carry(inside, server, Arc::clone(&seen)));
        Self { address, seen }
    }

    fn networks(&self) -> usize {
        self.seen.lock().networks.len()
    }

    /// Whoever was here has to come another way.
    fn every_network_dies(&self) {
        let mut seen = self.seen.lock();
        seen.dead = seen.networks.clone();
    }

    fn handshakes_on(&self, network: usize) -> usize {
        let seen = self.seen.lock();
        seen.initials.get(&seen.networks[network]).copied().unwrap_or(0)
    }
}

async fn carry(inside: Arc<UdpSocket>, server: SocketAddr, seen: Arc<Mutex<Seen>>) {
    let mut outside: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut packet = [0; 2048];
    while let Ok((length, from)) = inside.recv_from(&mut packet).await {
        let there = match outside.entry(from) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => {
                let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                seen.lock().networks.push(from);
                let (back, inside) = (Arc::clone(&socket), Arc::clone(&inside));
                tokio::spawn(carry_back(back, inside, from, Arc::clone(&seen)));
                Arc::clone(new.insert(socket))
            }
        };
        let passes = {
            let mut seen = seen.lock();
            seen.longest[0] = seen.longest[0].max(length);
            if packet[0] & 0xf0 == 0xc0 {
                *seen.initials.entry(from).or_default() += 1;
            }
            !seen.dead.contains(&from)
        };
        if passes {
            there.send_to(&packet[..length], server).await.unwrap();
        }
    }
}

async fn carry_back(
    outside: Arc<UdpSocket>,
    inside: Arc<UdpSocket>,
    client: SocketAddr,
    seen: Arc<Mutex<Seen>>,
) {
    let mut packet = [0; 2048];
    while let Ok((length, _)) = outside.recv_from(&mut packet).await {
        let passes = {
            let mut seen = seen.lock();
            seen.longest[1] = seen.longest[1].max(length);
            !seen.dead.contains(&client)
        };
        if passes {
            inside.send_to(&packet[..length], client).await.unwrap();
        }
    }
}

#[tokio::test]
async fn requirement_e1_a_session_survives_a_change_of_the_network() {
    let world = World::new();
    let street = Street::to(world.address(ListenerKind::Quic)).await;
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world
        .builder_at(&format!("quic://{}", street.address), a.path())
        .network("wifi:home")
        .login_with(world.devices("alice"))
        .await
        .unwrap();
    let bob = world.client("bob", b.path()).await;
    soon(alice.wait_connected()).await.unwrap();
    soon(bob.wait_connected()).await.unwrap();
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    until(&mut of_alice, |event| matches!(event, Event::Connected { .. }).then_some(())).await;
    soon(alice.send_text(id("bob"), "from home")).await.unwrap();
    assert_eq!((street.networks(), world.service().status().sessions), (1, 2));
    assert!(street.handshakes_on(0) > 0);

    for (number, network) in ["mobile:one", "wifi:work"].into_iter().enumerate() {
        street.every_network_dies();
        // Said while there is no way, and again on the new one by itself.
        let under_way = alice.send_text(id("bob"), format!("on the way to {network}"));
        let (sent, changed) = tokio::join!(soon(under_way), alice.network_changed(network));
        sent.unwrap();
        changed.unwrap();
        soon(bob.send_text(id("alice"), format!("{network}?"))).await.unwrap();
        assert_eq!(until(&mut of_alice, only_texts).await, format!("{network}?"));
        assert_eq!(street.networks(), number + 2);
        assert_eq!(street.handshakes_on(number + 1), 0, "no new connection");
        assert_eq!(world.service().status().sessions, 2);
    }
    // Each once.
    let said = texts(&mut of_bob, 3).await;
    assert_eq!(said, ["from home", "on the way to mobile:one", "on the way to wifi:work"]);
    soon(bob.send_text(id("alice"), "the end")).await.unwrap();
    assert_eq!(until(&mut of_alice, only_texts).await, "the end");
    alice.close().await;
    bob.close().await;
}

#[tokio::test]
async fn requirement_e1_over_quic_nothing_is_spent_on_measuring_the_path() {
    let world = World::new();
    let street = Street::to(world.address(ListenerKind::Quic)).await;
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world
        .builder_at(&format!("quic://{}", street.address), a.path())
        .login_with(world.devices("alice"))
        .await
        .unwrap();
    let bob = world.client("bob", b.path()).await;
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    let long = "tell me everything! ".repeat(500);
    for _ in 0..5 {
        soon(alice.send_text(id("bob"), long.as_str())).await.unwrap();
        assert_eq!(until(&mut of_bob, new_text).await, long);
        soon(bob.send_text(id("alice"), long.as_str())).await.unwrap();
        assert_eq!(until(&mut of_alice, new_text).await, long);
    }
    // What every path carries (RFC 9000, section 14); who looks for more sends more.
    assert_eq!(street.seen.lock().longest, [1_200; 2]);
    alice.close().await;
    bob.close().await;
}

/// A new text; panics if the client said that its connection ended or began.
fn only_texts(event: &Event) -> Option<String> {
    match event {
        Event::Connecting | Event::Connected { .. } | Event::Disconnected { .. } => {
            panic!("{event:?}")
        }
        event => new_text(event),
    }
}

#[tokio::test]
async fn requirement_e1_a_client_over_quic_that_closes_is_gone_at_once() {
    let world = World::new();
    let store = tempdir().unwrap();
    let alice = world
        .builder(ListenerKind::Quic, store.path())
        .login_with(world.devices("alice"))
        .await
        .unwrap();
    soon(alice.wait_connected()).await.unwrap();
    assert_eq!(world.service().status().sessions, 1);
    alice.close().await;
    // What the client said last has arrived when it is closed; nothing more of it is needed.
    soon(async {
        while world.service().status().sessions > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Somebody who takes packets and answers none, as a firewall does.
async fn nobody() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

#[tokio::test]
async fn requirement_e1_where_udp_is_blocked_another_transport_is_taken() {
    let world = World::new();
    let (blocked, store) = (nobody().await, tempdir().unwrap());
    let alice = world
        .builder(ListenerKind::Https, store.path())
        .endpoint(world.url(ListenerKind::Tls).parse().unwrap())
        .endpoint(format!("quic://{}", blocked.local_addr().unwrap()).parse().unwrap())
        .login_with(world.devices("alice"))
        .await
        .unwrap();
    soon(alice.wait_connected()).await.unwrap();
    soon(blocked.readable()).await.expect("QUIC was tried");
    let mut events = alice.events();
    until(&mut events, |event| match event {
        Event::Connected { .. } => Some(()),
        Event::Disconnected { .. } => panic!("without a failure: {event:?}"),
        _ => None,
    })
    .await;
    assert_eq!(world.service().status().sessions, 1, "nobody else is in");
    alice.close().await;
}

#[tokio::test]
async fn requirement_e1_the_first_transport_that_is_ready_is_taken() {
    let world = World::new();
    let dialer = Dialer::new(&Trust::Pinned(vec![world.pin()]), false).unwrap();
    let blocked = nobody().await;
    let quic = format!("quic://{}", blocked.local_addr().unwrap()).parse().unwrap();
    let tls = world.url(ListenerKind::Tls).parse().unwrap();
    let (which, _link) = soon(dialer.open_first(&[quic, tls])).await.unwrap();
    assert_eq!(which, 1);
    // A certificate that is refused is told, whatever else fails.
    let nothing_listens = "tcp://127.0.0.1:1".parse().unwrap();
    let quic = world.url(ListenerKind::Quic).parse().unwrap();
    let strict = Dialer::new(&Trust::Pinned(vec![CertificatePin([7; 32])]), false).unwrap();
    let refusal = soon(strict.open_first(&[nothing_listens, quic])).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::CertificateRefused);
}
