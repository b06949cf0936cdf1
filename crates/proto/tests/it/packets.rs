//! The six packets of a "hello" from alice to bob, byte by byte, as docs/protocol-hello.md shows them.
//!
//! Encoded by both session halves from realistic values (numbers above 1,000, times of 2026); the gateway's tests count
//! the same packets on a socket.

use anser_proto::session::client::command_body;
use anser_proto::session::server::encode_event;
use anser_proto::{time, v1};
use anser_types::{CommandNo, InboxSeq, UnixMs};
use bytes::BytesMut;

use crate::samples::{active, message_event, only_frame, say_hello};

/// 2026-11-20T10:15:30.250Z by alice's clock; the server commits 38 ms later.
const SENT_AT: UnixMs = UnixMs(1_795_169_730_250);
const COMMITTED_AT: UnixMs = UnixMs(1_795_169_730_288);

/// Name and bytes of each packet, in the order in which they travel.
fn six_packets() -> Vec<(&'static str, BytesMut)> {
    let (alice, server) = active();
    let (bob, _) = active();
    let mut packets = Vec::new();
    let mut packet = |name, write: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        write(&mut out);
        packets.push((name, out));
    };

    let command = v1::Command { sent_at_ms: time::to_wire(SENT_AT), ..say_hello("hello") };
    packet("msg:R", &|out| alice.command(CommandNo(1_041), 0, &command_body(&command), out));

    let sent_before_ms = time::sent_before(COMMITTED_AT, SENT_AT);
    let ack = v1::CommandAck {
        command_no: 1_041,
        seq: 1_205,
        inbox_seq: 3_018,
        sent_before_ms,
        ..Default::default()
    };
    packet("msg:A", &|out| server.command_ack(&ack, out));

    let event = encode_event(&message_event("hello"));
    packet("msg:N", &|out| server.event_batch(InboxSeq(4_711), [&event].into_iter(), None, out));
    packet("ack:R", &|out| bob.ack(InboxSeq(4_711), 0, out));
    packet("ack:A", &|out| server.ack_ok(InboxSeq(4_711), out));

    let delivered = v1::Position { peer: "bob".into(), up_to_seq: 1_205, ..Default::default() };
    let signal = v1::Signal { signal: Some(v1::signal::Signal::Delivered(delivered)) };
    packet("ack:N", &|out| server.signal(&signal, out));
    packets
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn requirement_a1_the_six_packets_of_a_hello_take_less_than_118_bytes() {
    let packets = six_packets();
    let mut total = 0;
    for (name, bytes) in &packets {
        println!("{name} {:3} bytes  {}", bytes.len(), hex(bytes));
        total += bytes.len();
    }
    println!("together {total} bytes");
    let names: Vec<_> = packets.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["msg:R", "msg:A", "msg:N", "ack:R", "ack:A", "ack:N"]);
    assert!(total < 118, "{total} bytes");
}

#[test]
fn the_worked_example_in_the_documentation_is_what_the_code_writes() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol-hello.md");
    let page = std::fs::read_to_string(page).unwrap();
    let spaced = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for (name, bytes) in six_packets() {
        let line = format!("{name} ({} bytes)", bytes.len());
        assert!(spaced.contains(&line), "docs/protocol-hello.md lacks \"{line}\"");
        assert!(
            spaced.contains(&hex(&bytes)),
            "docs/protocol-hello.md lacks {name}: {}",
            hex(&bytes)
        );
    }
}

#[test]
fn the_times_of_the_packets_lead_back_to_both_clocks() {
    let (mut alice, server) = active();
    let mut out = BytesMut::new();
    let sent_before_ms = time::sent_before(COMMITTED_AT, SENT_AT);
    server.command_ack(&v1::CommandAck { sent_before_ms, ..Default::default() }, &mut out);
    let received = alice.receive(&only_frame(&out)).unwrap();
    let anser_proto::session::client::Incoming::CommandAck(ack) = received else {
        panic!("not an answer")
    };
    assert_eq!(time::server_time(SENT_AT, ack.sent_before_ms), COMMITTED_AT);
    assert_eq!(time::sent_at(COMMITTED_AT, ack.sent_before_ms), SENT_AT);
}
