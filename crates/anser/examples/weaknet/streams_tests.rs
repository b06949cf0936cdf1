//! The relay on real sockets: what it carries, whom it tells and whom it does not.

use std::io::ErrorKind;

use std::time::Duration;

use super::*;
use crate::link::{Carries, Link};
use crate::weather::{Mishap, Shape, Spell, Timetable, Weather};

const HOUR: Duration = Duration::from_secs(3_600);

/// A server that says everything back and closes when its client does; a link to it.
async fn link_to_echo() -> Link {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                // The relay may end a connection in any way.
                let _ended = tokio::io::copy(&mut from, &mut to).await;
                let _closed = to.shutdown().await;
            });
        }
    });
    Link::start(Carries::Streams, address, 3..=9, 1).await.unwrap()
}

/// A phone's connection that is known to work.
async fn phone(link: &Link) -> TcpStream {
    let mut phone = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(echoed(&mut phone, b"hello").await, b"hello");
    phone
}

async fn echoed(phone: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    phone.write_all(words).await.unwrap();
    let mut back = vec![0; words.len()];
    phone.read_exact(&mut back).await.unwrap();
    back
}

/// This happens from now on.
fn begins(link: &Link, mishap: Mishap) {
    let from = link.now();
    let spells = vec![Spell { from, to: from + HOUR, mishap }];
    link.set(Weather::new(Shape::CALM, Shape::CALM, Timetable { spells, forgets_after: None }));
}

#[tokio::test]
async fn every_byte_arrives_in_order_and_so_does_the_end() {
    let link = link_to_echo().await;
    let mut phone = phone(&link).await;
    let said: Vec<u8> = (0_u32..300_000).flat_map(u32::to_be_bytes).collect();
    let (mut from, mut to) = phone.split();
    let mut back = Vec::new();
    let say = async {
        to.write_all(&said).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(say, from.read_to_end(&mut back));
    read.unwrap();
    assert!(back == said, "{} of {} bytes", back.len(), said.len());
    let tally = link.tally();
    assert_eq!(tally.bytes, [said.len() as u64 + 5; 2]);
    assert!(tally.packets.iter().all(|packets| *packets >= (said.len() / SEGMENT_BYTES) as u64));
    assert_eq!(tally.connections, 1);
}

#[tokio::test]
async fn after_a_silent_move_the_old_connection_hears_nothing_and_a_new_one_works() {
    let link = link_to_echo().await;
    let mut old = phone(&link).await;
    link.set(moved_just_now(&link));
    old.write_all(b"is anybody there?").await.unwrap();
    phone(&link).await;
    let read = old.try_read(&mut [0; 8]).map_err(|error| error.kind());
    assert_eq!(read, Err(ErrorKind::WouldBlock), "neither an answer nor an end");
}

#[tokio::test]
async fn a_move_that_resets_tells_the_phone() {
    let link = link_to_echo().await;
    let mut old = phone(&link).await;
    begins(&link, Mishap::Move { resets: true });
    let error = old.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_portal_answers_in_the_servers_place_until_the_user_has_logged_in() {
    let link = link_to_echo().await;
    begins(&link, Mishap::Portal);
    let mut lost = TcpStream::connect(link.address()).await.unwrap();
    lost.write_all(b"hello").await.unwrap();
    let mut answer = Vec::new();
    lost.read_to_end(&mut answer).await.unwrap();
    assert!(answer.len() > 5 && answer != b"hello");
    link.set(Weather::calm());
    phone(&link).await;
}

/// A silent move that is over already.
fn moved_just_now(link: &Link) -> Weather {
    let now = link.now();
    let from = now.saturating_sub(Duration::from_nanos(1));
    let spells = vec![Spell { from, to: now, mishap: Mishap::Move { resets: false } }];
    Weather::new(Shape::CALM, Shape::CALM, Timetable { spells, forgets_after: None })
}
