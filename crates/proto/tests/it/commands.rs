//! Commands on the wire: the body is repeated byte by byte, its hash does not depend on how it is transmitted.

use anser_proto::session::client::command_body;
use anser_proto::session::server::{ReceivedCommand, Request};
use anser_proto::v1;
use anser_types::CommandNo;
use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::samples::{active, only_frame, say_hello};

fn transmit(command_no: u64, unanswered_before: u64, body: &Bytes) -> (Bytes, ReceivedCommand) {
    let (client, mut server) = active();
    let mut out = BytesMut::new();
    client.command(CommandNo(command_no), unanswered_before, body, &mut out);
    let frame = only_frame(&out);
    match server.receive(&frame).unwrap() {
        Request::Command(received) => (frame, received),
        other => panic!("expected a command, got {other:?}"),
    }
}

/// A frame whose command is made of these encoded fields.
fn frame_of(fields: &[&[u8]]) -> Bytes {
    let command = fields.concat();
    let mut frame = BytesMut::from(&[0x0a][..]);
    prost::encode_length_delimiter(command.len(), &mut frame).unwrap();
    frame.put_slice(&command);
    frame.freeze()
}

fn hash_of(frame: &Bytes) -> [u8; 16] {
    match active().1.receive(frame).unwrap() {
        Request::Command(received) => received.hash,
        other => panic!("expected a command, got {other:?}"),
    }
}

#[test]
fn a_command_arrives_as_composed_with_the_number_of_its_transmission() {
    let command = say_hello("hello");
    let (_, received) = transmit(1_041, 3, &command_body(&command));
    assert_eq!(received.command, command);
}

#[test]
fn requirement_a2_a_resend_repeats_the_body_exactly_under_any_number() {
    let body = command_body(&say_hello("hello"));
    let (first, one) = transmit(1_041, 0, &body);
    let (again, two) = transmit(1_041, 0, &body);
    let (renumbered, three) = transmit(9, 40, &body);
    assert_eq!(first, again);
    for frame in [&first, &renumbered] {
        assert!(frame.ends_with(&body), "the body stands unchanged behind the number");
    }
    assert_eq!(one.hash, two.hash);
    assert_eq!(one.hash, three.hash);
}

#[test]
fn the_hash_is_the_start_of_sha256_over_the_body() {
    let body = command_body(&say_hello("hello"));
    let (_, received) = transmit(1_041, 3, &body);
    assert_eq!(received.hash, Sha256::digest(&body)[..16]);
}

#[test]
fn other_content_has_another_hash() {
    let (_, one) = transmit(1, 0, &command_body(&say_hello("hello")));
    let (_, other) = transmit(1, 0, &command_body(&say_hello("hallo")));
    assert_ne!(one.hash, other.hash);
}

#[test]
fn the_hash_skips_fields_1_and_2_wherever_and_however_they_stand() {
    let local_no: &[u8] = &[0x18, 0x05];
    let newer: &[u8] = &[0xfa, 0x07, 0x02, 0x01, 0x02]; // field 127
    let plain = hash_of(&frame_of(&[local_no, newer]));
    let number: &[u8] = &[0x08, 0x91, 0x08];
    let long_number: &[u8] = &[0x08, 0x91, 0x88, 0x00];
    let lag: &[u8] = &[0x10, 0x03];
    for fields in [
        vec![number, lag, local_no, newer],
        vec![lag, local_no, number, newer],
        vec![local_no, newer, long_number],
        vec![number, local_no, number, newer, lag],
    ] {
        assert_eq!(hash_of(&frame_of(&fields)), plain);
    }
    assert_ne!(hash_of(&frame_of(&[newer, local_no])), plain, "the order received counts");
    assert_ne!(hash_of(&frame_of(&[local_no])), plain, "unknown fields count");
}

#[test]
fn an_operation_of_a_newer_version_is_a_command_without_one() {
    // Field 7 (reserved for a later operation) with a body.
    let frame = frame_of(&[&[0x08, 0x07], &[0x3a, 0x02, 0x08, 0x01]]);
    match active().1.receive(&frame).unwrap() {
        Request::Command(ReceivedCommand { command, hash }) => {
            assert_eq!(command, v1::Command { command_no: 7, ..Default::default() });
            assert_eq!(hash, Sha256::digest([0x3a, 0x02, 0x08, 0x01])[..16]);
        }
        other => panic!("expected a command, got {other:?}"),
    }
}

#[test]
fn content_shares_the_received_buffer() {
    let (frame, received) = transmit(1, 0, &command_body(&say_hello("hello")));
    let Some(v1::command::Op::Send(send)) = received.command.op else { panic!("not a message") };
    let start = frame.as_ptr() as usize;
    let content = send.content.as_ptr() as usize;
    assert!((start..start + frame.len()).contains(&content));
}

proptest! {
    #[test]
    fn any_body_passes_through(
        content in prop::collection::vec(any::<u8>(), 0..300),
        command_no in 1_u64..u64::MAX,
        unanswered_before in any::<u64>(),
        local_no in any::<u64>(),
        sent_at_ms in any::<u64>(),
    ) {
        let send = v1::SendMessage { content: content.into(), ..Default::default() };
        let op = Some(v1::command::Op::Send(send));
        let command = v1::Command { command_no, unanswered_before, local_no, sent_at_ms, op };
        let body = command_body(&command);
        let (frame, received) = transmit(command_no, unanswered_before, &body);
        prop_assert_eq!(&received.command, &command);
        prop_assert!(frame.ends_with(&body));
        // The same frame as an encoder that knows no bodies makes.
        let whole = crate::samples::client_frame(v1::client_frame::Frame::Command(command));
        prop_assert_eq!(frame, whole.encode_to_vec());
    }
}
