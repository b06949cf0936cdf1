//! Delivered and read: by signal, by question, only forward.

use anser_client::AppEvent;
use anser_client::Input;
use anser_proto::session::server::ServerSession;
use anser_proto::v1;
use anser_types::Seq;
use bytes::BytesMut;

use crate::host::{direct, user};
use crate::world::World;

/// What a session in progress would send.
fn signal(world: &mut World, signal: v1::signal::Signal) {
    let attempt = *world.server.conns.keys().next().unwrap();
    let mut session = ServerSession::new();
    let mut out = BytesMut::new();
    let mut hello = BytesMut::new();
    anser_proto::session::client::ClientSession::new().hello(v1::Hello::default(), &mut hello);
    session.receive(&hello.split_off(1).freeze()).unwrap();
    session.welcome(v1::Welcome::default(), &mut out);
    out.clear();
    session.signal(&v1::Signal { signal: Some(signal) }, &mut out);
    world.input(Input::Bytes { attempt, bytes: out.freeze() });
}

fn position(up_to_seq: u64) -> v1::Position {
    v1::Position { peer: "bob".to_owned(), up_to_seq, ..v1::Position::default() }
}

fn told(world: &World) -> Vec<(&'static str, u64)> {
    let receipts = world.heard.events.iter().filter_map(|event| match event {
        AppEvent::DeliveryReceipt { up_to, .. } => Some(("delivered", up_to.0)),
        AppEvent::ReadReceipt { up_to, .. } => Some(("read", up_to.0)),
        _ => None,
    });
    receipts.collect()
}

#[test]
fn requirement_a2_sent_becomes_delivered_and_read_and_never_goes_back() {
    let mut world = World::online();
    (0..3).for_each(|_| {
        world.send("bob", "hello");
    });
    world.secs(1);
    signal(&mut world, v1::signal::Signal::Delivered(position(2)));
    signal(&mut world, v1::signal::Signal::Read(position(1)));
    signal(&mut world, v1::signal::Signal::Delivered(position(1)));
    signal(&mut world, v1::signal::Signal::Read(position(3)));
    signal(&mut world, v1::signal::Signal::Delivered(position(3)));
    assert_eq!(told(&world), [("delivered", 2), ("read", 1), ("delivered", 3), ("read", 3)]);
    assert_eq!(world.disk.receipts[&(direct("bob"), user("bob"))], (Seq(3), Seq(3)));
}

#[test]
fn lost_receipts_are_asked_for_once_after_each_welcome() {
    let mut world = World::online();
    world.send("bob", "hello");
    world.secs(1);
    let receipt = v1::Receipt {
        peer: "bob".to_owned(),
        delivered_up_to: 1,
        read_up_to: 1,
        ..v1::Receipt::default()
    };
    world.server.receipts = vec![receipt];
    world.restart();
    world.secs(1);
    assert_eq!(told(&world), [("delivered", 1), ("read", 1)]);
    assert_eq!(world.server.queries.len(), 1);
    world.restart();
    world.secs(1);
    assert_eq!(world.server.queries.len(), 1, "everything is settled");
}

/// Which peers the receipts queries of a session named, query by query.
fn asked(world: &World) -> Vec<Vec<String>> {
    let queries = world.server.queries.iter().map(|query| match &query.query {
        Some(v1::query::Query::Receipts(asked)) => asked.peers.clone(),
        other => panic!("{other:?}"),
    });
    queries.collect()
}

#[test]
fn receipts_of_any_number_of_conversations_are_asked_for_page_by_page() {
    let mut world = World::online();
    let peers: std::collections::BTreeSet<_> = (0..730).map(|i| format!("peer{i}")).collect();
    for peer in &peers {
        world.send(peer, "hello");
    }
    world.until("sent", |w| w.disk.outbox.is_empty());
    world.restart();
    world.secs(2);
    let pages = asked(&world);
    assert_eq!(pages.len(), 15);
    let all: Vec<_> = pages.into_iter().flatten().collect();
    assert_eq!(all.len(), 730, "each once");
    assert_eq!(all.into_iter().collect::<std::collections::BTreeSet<_>>(), peers);
}

#[test]
fn a_page_of_receipts_that_does_not_fit_into_a_reply_is_halved() {
    let mut world = World::online();
    for i in 0..60 {
        world.send(&format!("peer{i}"), "hello");
    }
    world.until("sent", |w| w.disk.outbox.is_empty());
    world.server.receipts_limit = 12;
    world.restart();
    world.secs(2);
    let sizes: Vec<_> = asked(&world).iter().map(Vec::len).collect();
    assert_eq!(sizes, [50, 25, 12, 12, 12, 12, 12]);
    world.server.receipts_limit = 0;
    world.server.queries.clear();
    world.restart();
    world.secs(5);
    assert_eq!(asked(&world).len(), 5 + 60, "each is tried alone, and that is all");
    assert!(world.is_connected());
}

#[test]
fn readers_of_a_group_are_told_one_by_one() {
    let mut world = World::online();
    let group = bytes::Bytes::copy_from_slice(&[1; 16]);
    for (who, up_to_seq) in [("bob", 2), ("carol", 1), ("bob", 1), ("alice", 9), ("carol", 2)] {
        let (conversation, who) = (group.clone(), who.to_owned());
        let at = v1::Position { up_to_seq, conversation, who, ..v1::Position::default() };
        signal(&mut world, v1::signal::Signal::Read(at));
    }
    assert_eq!(told(&world), [("read", 2), ("read", 1), ("read", 2)]);
    assert_eq!(world.disk.receipts.len(), 2, "one's own position is no receipt");
}

#[test]
fn own_read_positions_move_forward_from_any_device() {
    let mut world = World::online();
    (0..5).for_each(|_| world.server.says("bob", "x"));
    world.server.push_own = true;
    for up_to_seq in [2, 4, 3] {
        let sync = v1::ReadSync { peer: "bob".to_owned(), up_to_seq, ..v1::ReadSync::default() };
        world.server.put(v1::event::Event::ReadSync(sync));
    }
    world.push();
    world.secs(1);
    assert_eq!(world.disk.read[&direct("bob")], Seq(4));
    world.mark_read("bob", 5);
    world.secs(1);
    assert_eq!(world.disk.read[&direct("bob")], Seq(5));
}
