//! Connections that are half open, flap, come all at once, or do not read: messages wait and nobody else suffers.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anser_sdk::http::SignedIn;
use anser_types::{Content, InboxSeq, Seq, UserId};
use tokio::task::JoinSet;

use super::length;
use super::proxy::Proxy;
use super::raw_session::RawSession;
use crate::people::{Board, PATIENCE, Person, come_back, device, gather, judge, settle, sign_up};
use crate::program::{Home, Server};

const FLAPS: usize = 30;
const STORM: usize = 300;
/// What the slow consumer does not read: more than the buffers between it and the server hold.
const UNREAD: u64 = 600;
const UNREAD_BYTES: usize = 12 * 1024;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

async fn finish(home: &Home, server: Server, people: Vec<Person>, board: &Board) {
    settle(&people, board).await;
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    judge(home, people).await;
}

#[test]
fn guarantee_g9_messages_sent_into_half_open_connections_arrive_once() {
    runtime().block_on(async {
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let mut random = length::random("half open");
        let proxy = Proxy::start(server.address("tcp"), &mut random).await;
        let mut people = gather(&home, &server, 3, &board, &proxy.endpoint()).await;
        for round in 0..length::factor() {
            proxy.fall_silent(true);
            for person in &mut people {
                person.keep_waiting(&board, 20, round).await;
            }
            // Nobody is told that the connections are dead; only the network's change makes the clients look.
            proxy.fall_silent(false);
            come_back(&people).await;
            settle(&people, &board).await;
        }
        finish(&home, server, people, &board).await;
        drop(proxy);
    });
}

#[test]
fn guarantee_g16_a_flapping_client_gets_everything_once_and_disturbs_nobody() {
    runtime().block_on(async {
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let mut random = length::random("flapping");
        let proxy = Proxy::start(server.address("tcp"), &mut random).await;
        let steady = format!("tcp://{}", server.address("tcp"));
        let signed_in = sign_up(&server, 3).await;
        let users: Vec<UserId> = signed_in.iter().map(|who| who.user.clone()).collect();
        let mut people = Vec::new();
        for (n, who) in signed_in.into_iter().enumerate() {
            // The first one flaps; the others write to it and to each other.
            let endpoint = if n == 0 { proxy.endpoint() } else { steady.clone() };
            let to = users[(n + 1) % users.len()].clone();
            people.push(Person::sign_in(home.path(), &endpoint, who, to, board.clone()).await);
        }
        for flap in 0..FLAPS * length::factor() {
            for person in &mut people {
                person.say(&board, format!("flap {flap}")).await;
            }
            proxy.drop_all();
            people[0].client.network_changed("").await.unwrap();
        }
        finish(&home, server, people, &board).await;
        drop(proxy);
    });
}

#[test]
fn requirement_e5_hundreds_who_reconnect_at_once_are_all_let_in_and_people_lose_nothing() {
    runtime().block_on(async {
        let home = Home::new();
        let mut server = home.serve();
        let board = Board::new();
        let address = server.address("tcp");
        let mut people = gather(&home, &server, 2, &board, &format!("tcp://{address}")).await;
        let ports = server.ports();
        let mut crowd = Vec::new();
        for n in 0..STORM {
            crowd.push(device(&server, &format!("crowd-{n}")).await);
        }
        let mut sessions = storm(address, &crowd).await;
        for round in 0..length::factor() {
            for person in &mut people {
                person.keep_waiting(&board, 40, round).await;
            }
            server.kill();
            drop(sessions);
            server = home.serve_at(&ports);
            let (met, ()) = tokio::join!(storm(address, &crowd), async {
                come_back(&people).await;
            });
            sessions = met;
            settle(&people, &board).await;
        }
        assert_eq!(sessions.len(), STORM);
        drop(sessions);
        finish(&home, server, people, &board).await;
    });
}

/// All of them connect at the same moment, and again when refused, until all are in.
async fn storm(address: SocketAddr, crowd: &[SignedIn]) -> Vec<RawSession> {
    let mut arriving = JoinSet::new();
    for who in crowd {
        let who = who.clone();
        arriving.spawn(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                match RawSession::open(address, &who).await {
                    Ok(session) => return (session, tries),
                    Err(_refused) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
    }
    let all = tokio::time::timeout(PATIENCE, arriving.join_all()).await;
    let all = all.unwrap_or_else(|_| panic!("not all are in within {PATIENCE:?}"));
    let tries: usize = all.iter().map(|(_, tries)| tries).sum();
    println!("{} sessions with {tries} tries", all.len());
    all.into_iter().map(|(session, _)| session).collect()
}

#[test]
fn guarantee_g16_a_client_that_does_not_read_loses_nothing_and_slows_nobody() {
    runtime().block_on(async {
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let address = server.address("tcp");
        let mut people = gather(&home, &server, 2, &board, &format!("tcp://{address}")).await;
        let slow = device(&server, "slow").await;
        let mut stuck = RawSession::open(address, &slow).await.unwrap();

        // The first person floods the one who does not read, and goes on talking to the other.
        let mut last = None;
        for n in 0..UNREAD {
            let content = Content::text("x".repeat(UNREAD_BYTES));
            last = Some(people[0].client.send_message(slow.user.clone(), content).await.unwrap());
            if n % 10 == 0 {
                for person in &mut people {
                    person.say(&board, format!("beside the flood, {n}")).await;
                }
            }
        }
        let flood = people[0].client.wait_sent(last.unwrap());
        tokio::time::timeout(PATIENCE, flood).await.unwrap().unwrap();
        settle(&people, &board).await;
        assert_eq!(stuck.cursor, InboxSeq(0), "not a byte of it was read so far");
        let healthy = board.received.load(Ordering::Relaxed);

        // It was thrown out or not: in the end it has everything, in order.
        let head = InboxSeq(UNREAD);
        let read = async {
            while let Err(why) = stuck.read_up_to(head).await {
                println!("read up to {}, then: {why}", stuck.cursor.0);
                let so_far = (stuck.cursor, std::mem::take(&mut stuck.seqs));
                stuck = RawSession::resume(address, &slow, so_far).await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap();
        let expected: Vec<Seq> = (1..=UNREAD).map(Seq).collect();
        assert_eq!(stuck.seqs, expected);
        println!("{healthy} messages passed by the one who did not read {UNREAD}");
        drop(stuck);
        assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
        for person in people {
            person.leave().await;
        }
    });
}
