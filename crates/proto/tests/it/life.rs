//! A session's life: versions, limits by phase, heartbeats, leaving.

use anser_proto::session::client::{ClientSession, Incoming};
use anser_proto::session::gate::Phase;
use anser_proto::session::server::{Request, ServerSession};
use anser_proto::v1;
use anser_proto::version::{SUPPORTED, negotiate};
use anser_types::limits::{FRAME_MAX_BYTES, HELLO_MAX_BYTES};
use anser_types::{ErrorCode, InboxSeq};
use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::samples::{self, active, client_frame, only_frame, server_frame};

#[test]
fn neighbouring_releases_share_a_version_whichever_is_newer() {
    assert_eq!(negotiate(&(1..=1), &(1..=2)), Some(1));
    assert_eq!(negotiate(&(1..=2), &(1..=1)), Some(1));
    assert_eq!(negotiate(&(1..=2), &(2..=3)), Some(2));
    assert_eq!(negotiate(&(1..=2), &(1..=2)), Some(2), "the highest both speak");
    assert_eq!(negotiate(&(1..=2), &(3..=4)), None);
    assert_eq!(negotiate(&(3..=4), &(1..=2)), None);
}

#[test]
fn absent_or_reversed_versions_are_no_version() {
    assert_eq!(negotiate(&(0..=1), &(0..=0)), None);
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 2..=1;
    assert_eq!(negotiate(&(1..=2), &reversed), None);
    assert!(*SUPPORTED.start() >= 1 && SUPPORTED.end() - SUPPORTED.start() <= 1);
}

fn receive_hello(version_min: u32, version_max: u32) -> Result<Request, ErrorCode> {
    let hello = v1::Hello { version_min, version_max, ..samples::hello() };
    let frame = client_frame(v1::client_frame::Frame::Hello(hello));
    let mut server = ServerSession::new();
    server.receive(&Bytes::from(frame.encode_to_vec())).map_err(|reason| reason.code)
}

#[test]
fn a_client_without_a_common_version_is_told_so() {
    assert!(matches!(receive_hello(1, 9), Ok(Request::Hello(_))));
    assert_eq!(receive_hello(2, 3), Err(ErrorCode::UnsupportedVersion));
    assert_eq!(receive_hello(0, 0), Err(ErrorCode::UnsupportedVersion));
}

#[test]
fn a_server_that_chooses_a_version_not_offered_is_left() {
    let mut client = ClientSession::new();
    client.hello(samples::hello(), &mut BytesMut::new());
    let welcome = v1::Welcome { version: 2, ..samples::welcome() };
    let frame = server_frame(v1::server_frame::Frame::Welcome(welcome));
    let reason = client.receive(&Bytes::from(frame.encode_to_vec())).unwrap_err();
    assert_eq!(reason.code, ErrorCode::UnsupportedVersion);
}

#[test]
fn both_halves_agree_on_version_and_limits_after_welcome() {
    let (before, _) = (ServerSession::new(), ClientSession::new());
    assert_eq!(before.frame_limit(), HELLO_MAX_BYTES);
    assert_eq!(ClientSession::new().frame_limit(), HELLO_MAX_BYTES);
    let (client, server) = active();
    assert_eq!((client.version(), server.version()), (1, 1));
    assert_eq!((client.phase(), server.phase()), (Phase::Active, Phase::Active));
    assert_eq!((client.frame_limit(), server.frame_limit()), (FRAME_MAX_BYTES, FRAME_MAX_BYTES));
}

#[test]
fn requirement_e3_a_heartbeat_is_three_bytes_each_way() {
    let (mut client, mut server) = active();
    let mut out = BytesMut::new();
    client.ping(None, &mut out);
    assert_eq!(out[..], [0x02, 0x1a, 0x00]);
    assert_eq!(server.receive(&only_frame(&out)), Ok(Request::Ping(v1::Ping::default())));

    out.clear();
    server.pong(None, &mut out);
    assert_eq!(out[..], [0x02, 0x22, 0x00]);
    assert_eq!(client.receive(&only_frame(&out)), Ok(Incoming::Pong(v1::Pong::default())));
}

#[test]
fn a_heartbeat_that_compares_heads_stays_below_ten_bytes() {
    let (client, server) = active();
    let (mut ping, mut pong) = (BytesMut::new(), BytesMut::new());
    client.ping(Some(InboxSeq(1_000_000)), &mut ping);
    server.pong(Some(InboxSeq(1_000_000)), &mut pong);
    assert!(ping.len() < 10 && pong.len() < 10);
}

#[test]
fn leaving_before_sign_in_ends_at_once_and_afterwards_drains() {
    let leave = Bytes::from(
        client_frame(v1::client_frame::Frame::Close(v1::ClientClose {})).encode_to_vec(),
    );
    let mut stranger = ServerSession::new();
    assert_eq!(stranger.receive(&leave), Ok(Request::Close));
    assert_eq!(stranger.phase(), Phase::Closed);

    let (_, mut server) = active();
    assert_eq!(server.receive(&leave), Ok(Request::Close));
    assert_eq!(server.phase(), Phase::Draining);
    let mut out = BytesMut::new();
    server.command_ack(&v1::CommandAck { command_no: 1, ..Default::default() }, &mut out);
    assert!(!out.is_empty(), "what was begun is answered");
}

#[test]
fn a_frame_with_two_cases_or_a_case_of_the_wrong_type_is_bad() {
    let (_, mut server) = active();
    // Ping and Ping; Ack as an integer; field number 0; a group; a body longer than the frame.
    let bad: [&[u8]; 5] = [&[0x1a, 0, 0x1a, 0], &[0x10, 1], &[0x02, 0], &[0x1b, 0x1c], &[0x1a, 1]];
    for frame in bad {
        let reason = server.receive(&Bytes::from_static(frame)).unwrap_err();
        assert_eq!(reason.code, ErrorCode::BadFrame, "{frame:x?}");
    }
}

#[test]
fn drain_changes_nothing_before_welcome() {
    let mut server = ServerSession::new();
    server.drain();
    assert_eq!(server.phase(), Phase::Greeting { hello: false });
}

#[test]
fn a_token_is_never_shown() {
    let shown = format!("{:?}", client_frame(v1::client_frame::Frame::Hello(samples::hello())));
    assert!(shown.contains("device_no: 2") && !shown.contains("anser_"), "{shown}");
}
