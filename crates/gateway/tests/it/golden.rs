//! Bytes on a real socket.

use anser_gateway::ListenerKind;
use anser_types::DeviceClass;
use anser_types::limits::COMMANDS_IN_FLIGHT;

use crate::peer::{Peer, text_to, texts};
use crate::world::{World, tcp};
use anser_proto::v1;
use tokio::net::TcpStream;

/// Messages before the one that is counted: every number is above a thousand then.
const BEFORE: u64 = 1_040;

async fn talk_a_lot(alice: &mut Peer<TcpStream>) {
    let mut left = BEFORE;
    while left > 0 {
        let window = left.min(COMMANDS_IN_FLIGHT as u64);
        for _ in 0..window {
            alice.command(text_to("bob", "before")).await;
        }
        for _ in 0..window {
            assert_eq!(alice.command_ack().await.error, None);
        }
        left -= window;
    }
}

struct Counted {
    what: &'static str,
    bytes: usize,
}

#[tokio::test]
async fn requirement_f1_six_packets_of_a_hello_take_less_than_130_bytes() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Tcp]);
    let alices = world.device("alice", DeviceClass::Phone).await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&alices).await;
    talk_a_lot(&mut alice).await;
    let mut bob = tcp(&gateway).await;
    bob.come_back(&bobs).await;
    // Bob's last acknowledgement has told alice about everything before.
    while alice.signal().await != delivered("bob", BEFORE) {}

    let mut packets = Vec::new();
    let (mut sent, mut received) = (alice.sent_bytes, alice.received_bytes);
    alice.command(text_to("bob", "hello")).await;
    packets.push(Counted { what: "msg:R", bytes: alice.sent_bytes - sent });
    let ack = alice.command_ack().await;
    assert!(ack.command_no > 1_000 && ack.seq > 1_000 && ack.inbox_seq > 1_000, "{ack:?}");
    assert!(!ack.stored_offline && !ack.duplicate && ack.error.is_none(), "{ack:?}");
    packets.push(Counted { what: "msg:A", bytes: alice.received_bytes - received });
    received = bob.received_bytes;
    let batch = bob.batch().await;
    assert_eq!(texts(&batch), ["alice: hello"]);
    assert!(batch.first.0 > 1_000);
    packets.push(Counted { what: "msg:N", bytes: bob.received_bytes - received });
    (sent, received) = (bob.sent_bytes, bob.received_bytes);
    bob.store(&batch).await;
    packets.push(Counted { what: "ack:R", bytes: bob.sent_bytes - sent });
    packets.push(Counted { what: "ack:A", bytes: bob.received_bytes - received });
    received = alice.received_bytes;
    assert_eq!(alice.signal().await, delivered("bob", BEFORE + 1));
    packets.push(Counted { what: "ack:N", bytes: alice.received_bytes - received });

    let total: usize = packets.iter().map(|packet| packet.bytes).sum();
    for Counted { what, bytes } in &packets {
        println!("{what} {bytes:>3} bytes");
    }
    println!("together {total} bytes");
    assert!(total < 130, "six packets take {total} bytes");
}

fn delivered(peer: &str, up_to_seq: u64) -> v1::signal::Signal {
    v1::signal::Signal::Delivered(v1::Position {
        peer: peer.to_owned(),
        up_to_seq,
        ..v1::Position::default()
    })
}

#[tokio::test]
async fn requirement_e3_a_heartbeat_takes_three_bytes_each_way() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Tcp]);
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let (sent, received) = (alice.sent_bytes, alice.received_bytes);
    assert_eq!(alice.pong().await, 0);
    assert_eq!((alice.sent_bytes - sent, alice.received_bytes - received), (3, 3));
}
