//! The relay of datagrams on real sockets: what it carries, what the server sees of the phone, and what it counts.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::*;
use crate::link::{Carries, Link};
use crate::weather::{Mishap, Shape, Spell, Timetable};

const BEATS: RangeInclusive<usize> = 3..=9;
const NOTHING_HAPPENS: Timetable = Timetable { spells: Vec::new(), forgets_after: None };

/// A link to a server that the test plays.
async fn link() -> (Link, UdpSocket) {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let upstream = server.local_addr().unwrap();
    (Link::start(Carries::Datagrams, upstream, BEATS, 1).await.unwrap(), server)
}

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

async fn next(at: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; BUFFER_BYTES];
    let received = tokio::time::timeout(Duration::from_secs(20), at.recv_from(&mut buffer));
    let (length, from) = received.await.expect("nothing came").unwrap();
    (buffer[..length].to_vec(), from)
}

/// The phone says this; the address from which the server hears it.
async fn said(phone: &UdpSocket, link: &Link, server: &UdpSocket, words: &[u8]) -> SocketAddr {
    phone.send_to(words, link.address()).await.unwrap();
    let (heard, from) = next(server).await;
    assert_eq!(heard, words);
    from
}

#[tokio::test]
async fn datagrams_go_both_ways_and_are_counted() {
    let (link, server) = link().await;
    let phone = socket().await;
    let seen = said(&phone, &link, &server, b"hello").await;
    assert_eq!(said(&phone, &link, &server, b"again").await, seen);
    server.send_to(b"yes?", seen).await.unwrap();
    assert_eq!(next(&phone).await, (b"yes?".to_vec(), link.address()));
    let tally = link.tally();
    assert_eq!((tally.bytes, tally.packets, tally.connections), ([10, 4], [2, 1], 0));
    assert!(link.now() > Duration::ZERO);
    link.heard_after(Duration::ZERO).await;
}

#[tokio::test]
async fn after_a_move_the_server_sees_another_host_and_the_old_socket_is_dead() {
    let (link, server) = link().await;
    let (old, new) = (socket().await, socket().await);
    let before = said(&old, &link, &server, b"from home").await;
    let to = link.now();
    let from = to.saturating_sub(Duration::from_nanos(1));
    let spells = vec![Spell { from, to, mishap: Mishap::Move { resets: false } }];
    link.set(Weather::new(Shape::CALM, Shape::CALM, Timetable { spells, ..NOTHING_HAPPENS }));
    old.send_to(b"is anybody there?", link.address()).await.unwrap();
    server.send_to(b"are you there?", before).await.unwrap();
    let after = said(&new, &link, &server, b"on the train").await;
    assert_ne!(after.ip(), before.ip());
    server.send_to(b"there you are", after).await.unwrap();
    assert_eq!(next(&new).await.0, b"there you are");
    let read = old.try_recv(&mut [0; 8]).map_err(|error| error.kind());
    assert_eq!(read, Err(io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn a_translator_that_forgets_gives_the_phone_another_port_and_swallows_what_comes_to_the_old_one()
 {
    let (link, server) = link().await;
    let phone = socket().await;
    let before = said(&phone, &link, &server, b"hello").await;
    let forgets_after = Some(Duration::ZERO);
    link.set(Weather::new(
        Shape::CALM,
        Shape::CALM,
        Timetable { forgets_after, ..NOTHING_HAPPENS },
    ));
    let after = said(&phone, &link, &server, b"hello?").await;
    assert_eq!(after.ip(), before.ip());
    assert_ne!(after.port(), before.port());
    link.set(Weather::calm());
    server.send_to(b"to nobody", before).await.unwrap();
    server.send_to(b"to you", after).await.unwrap();
    assert_eq!(next(&phone).await.0, b"to you");
}

#[tokio::test]
async fn in_a_portal_nothing_passes_and_nobody_answers() {
    let (link, server) = link().await;
    let phone = socket().await;
    let to = link.now() + Duration::from_secs(3_600);
    let spells = vec![Spell { from: Duration::ZERO, to, mishap: Mishap::Portal }];
    link.set(Weather::new(Shape::CALM, Shape::CALM, Timetable { spells, ..NOTHING_HAPPENS }));
    phone.send_to(b"hello", link.address()).await.unwrap();
    while link.tally().packets[0] == 0 {
        tokio::task::yield_now().await;
    }
    link.set(Weather::calm());
    said(&phone, &link, &server, b"logged in").await;
}

#[tokio::test]
async fn a_connection_over_quic_is_counted_once_however_often_its_handshake_is_repeated() {
    let (link, server) = link().await;
    let phone = socket().await;
    let initial = |name: &[u8]| {
        let name_length = u8::try_from(name.len()).unwrap();
        [&[0xc3, 0, 0, 0, 1, 2, 8, 8, name_length], name, &[0; 1_000]].concat()
    };
    let short = [0x43; 40];
    for packet in [&initial(b"one")[..], &initial(b"one"), &short, &initial(b"two")] {
        said(&phone, &link, &server, packet).await;
    }
    assert_eq!(link.tally().connections, 2);
    assert_eq!(begins(&[0xc0, 0, 0]), None, "cut short");
}
