//! Damaged bytes: truncated at every byte, flipped, invented. Always an answer, never a panic.

use anser_proto::fields::{Fields, last_case};
use anser_proto::session::client::ClientSession;
use anser_proto::session::received::ReceivedEvent;
use anser_proto::session::server::ServerSession;
use anser_proto::v1;
use anser_types::ErrorCode;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use prost::Message;

use crate::samples::{self, active, client_frames, server_frames};

/// Sessions of every kind that a frame could meet.
fn feed(frame: &Bytes) {
    let (mut client, mut server) = active();
    let mut greeting = ClientSession::new();
    greeting.hello(samples::hello(), &mut BytesMut::new());
    let errors = [
        client.receive(frame).err(),
        server.receive(frame).err(),
        greeting.receive(frame).err(),
        ServerSession::new().receive(frame).err(),
        ReceivedEvent::read(frame.clone()).err(),
    ];
    for error in errors.into_iter().flatten() {
        let named = [ErrorCode::BadFrame, ErrorCode::WrongPhase, ErrorCode::UnsupportedVersion];
        assert!(named.contains(&error.code), "{error}");
    }
    assert!(last_case(frame, |_| true).is_none_or(|(_, body)| body.len() < frame.len()));
    let read: usize = Fields::of(frame).map_while(Result::ok).map(|field| field.raw.len()).sum();
    assert!(read <= frame.len());
}

fn every_frame() -> Vec<Bytes> {
    let client = client_frames().into_iter().map(|frame| frame.encode_to_vec());
    let server = server_frames().into_iter().map(|frame| frame.encode_to_vec());
    client.chain(server).map(Bytes::from).collect()
}

#[test]
fn every_frame_truncated_at_every_byte_is_bad_or_nothing() {
    for frame in client_frames() {
        let whole = Bytes::from(frame.encode_to_vec());
        for cut in 1..whole.len() {
            let reason = active().1.receive(&whole.slice(..cut)).unwrap_err();
            assert_eq!(reason.code, ErrorCode::BadFrame, "{frame:?} cut at {cut}");
        }
    }
    for frame in server_frames() {
        let whole = Bytes::from(frame.encode_to_vec());
        for cut in 1..whole.len() {
            let reason = active().0.receive(&whole.slice(..cut)).unwrap_err();
            assert_eq!(reason.code, ErrorCode::BadFrame, "{frame:?} cut at {cut}");
        }
    }
}

#[test]
fn every_frame_with_every_bit_flipped_is_answered() {
    for whole in every_frame() {
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            feed(&Bytes::from(damaged));
        }
    }
}

#[test]
fn a_body_that_announces_gigabytes_is_bad_before_anything_is_kept() {
    // Command, its content of 4 GiB − 1; a batch whose event announces the same.
    let command: &[u8] = &[0x0a, 0x09, 0x2a, 0x07, 0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    let batch: &[u8] = &[0x12, 0x06, 0x12, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let (mut client, mut server) = active();
    let code = server.receive(&Bytes::from_static(command)).unwrap_err().code;
    assert_eq!(code, ErrorCode::BadFrame);
    let code = client.receive(&Bytes::from_static(batch)).unwrap_err().code;
    assert_eq!(code, ErrorCode::BadFrame);
}

/// The field `tag`, a body of up to 2 MiB.
fn nested(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    prost::encode_length_delimiter(body.len(), &mut out).unwrap();
    out.extend_from_slice(body);
    out
}

#[test]
fn lists_that_would_take_many_times_their_bytes_are_bad() {
    let too_long = "a message of more than 8192 fields";
    let (mut client, mut server) = active();
    // 100,000 entries of two bytes each: users of an invitation, peers of a receipts query, events, messages.
    let entries = |tag| [tag, 0].repeat(100_000);
    let mut invite = vec![0x8a]; // field 17: a tag of two bytes
    invite.extend(nested(0x01, &entries(0x12)));
    let invite = nested(0x0a, &invite);
    let receipts = nested(0x22, &nested(0x2a, &entries(0x0a)));
    for frame in [invite, receipts] {
        let reason = server.receive(&Bytes::from(frame)).unwrap_err();
        assert_eq!(reason.detail, too_long);
    }
    let reason = client.receive(&Bytes::from(nested(0x12, &entries(0x12)))).unwrap_err();
    assert_eq!(reason.detail, too_long);
    let history = nested(0x32, &nested(0x12, &entries(0x12)));
    assert_eq!(client.receive(&Bytes::from(history)).unwrap_err().detail, too_long);
}

#[test]
fn the_longest_lists_of_the_protocol_pass() {
    let (_, mut server) = active();
    let users = vec!["a-user-id-of-sixty-four-bytes".repeat(2); 200];
    let invite = v1::Invite { users, ..Default::default() };
    let op = Some(v1::command::Op::Invite(invite));
    let command = v1::Command { command_no: 1, op, ..Default::default() };
    let frame = samples::client_frame(v1::client_frame::Frame::Command(command));
    server.receive(&Bytes::from(frame.encode_to_vec())).unwrap();
}

#[test]
fn text_that_is_no_utf_8_is_bad() {
    // Hello with a token of one byte 0xff.
    let hello = Bytes::from_static(&[0x32, 0x07, 0x08, 0x01, 0x10, 0x01, 0x1a, 0x01, 0xff]);
    assert_eq!(ServerSession::new().receive(&hello).unwrap_err().code, ErrorCode::BadFrame);
}

proptest! {
    #[test]
    fn invented_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        feed(&Bytes::from(bytes));
    }

    #[test]
    fn a_known_case_around_invented_bytes_is_answered(
        case in 1_u8..16, body in prop::collection::vec(any::<u8>(), 0..127),
    ) {
        let length = u8::try_from(body.len()).unwrap();
        let frame: Vec<u8> = [case << 3 | 2, length].into_iter().chain(body).collect();
        feed(&Bytes::from(frame));
    }

    #[test]
    fn spliced_frames_are_answered(one in 0_usize..17, other in 0_usize..17, at in 0_usize..80) {
        let frames = every_frame();
        let (one, other) = (&frames[one % frames.len()], &frames[other % frames.len()]);
        let (head, tail) = (&one[..at.min(one.len())], &other[at.min(other.len())..]);
        feed(&Bytes::from([head, tail].concat()));
    }
}
