//! Every frame of either side in every phase of the other: a table, checked against the one gate.

use anser_proto::close::CloseReason;
use anser_proto::compression::SUPPORTED;
use anser_proto::session::client::{ClientSession, Incoming};
use anser_proto::session::gate::{ClientCase, Phase, ServerCase};
use anser_proto::session::server::{Request, ServerSession};
use anser_types::ErrorCode;
use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::samples::{self, active, client_frames, server_frames};

/// What the table says of one frame in one phase.
#[derive(Debug, PartialEq)]
enum Fate {
    Handled,
    Ignored,
    WrongPhase,
}
use Fate::{Handled, Ignored, WrongPhase};

fn fate<T: PartialEq>(result: Result<T, CloseReason>, ignored: &T) -> Fate {
    match result {
        Ok(value) if value == *ignored => Ignored,
        Ok(_) => Handled,
        Err(reason) => {
            assert_eq!(reason.code, ErrorCode::WrongPhase);
            WrongPhase
        }
    }
}

const GREETING: Phase = Phase::Greeting { hello: false };
const GREETED: Phase = Phase::Greeting { hello: true };
const PHASES: [Phase; 5] = [GREETING, GREETED, Phase::Active, Phase::Draining, Phase::Closed];

fn server_in(phase: Phase) -> ServerSession {
    let mut out = BytesMut::new();
    let mut server = ServerSession::compressing(SUPPORTED);
    if phase != GREETING {
        let hello =
            samples::client_frame(anser_proto::v1::client_frame::Frame::Hello(samples::hello()));
        server.receive(&Bytes::from(hello.encode_to_vec())).unwrap();
    }
    if !matches!(phase, Phase::Greeting { .. }) {
        server.welcome(samples::welcome(), &mut out);
    }
    match phase {
        Phase::Draining => server.drain(),
        Phase::Closed => server.close(&CloseReason::because(ErrorCode::Replaced, ""), &mut out),
        _ => {}
    }
    assert_eq!(server.phase(), phase);
    server
}

fn client_in(phase: Phase) -> ClientSession {
    let mut out = BytesMut::new();
    let mut client = ClientSession::compressing(SUPPORTED);
    if phase != GREETING {
        client.hello(samples::hello(), &mut out);
    }
    if !matches!(phase, Phase::Greeting { .. }) {
        client = active().0;
    }
    match phase {
        Phase::Draining => client.close(&mut out),
        Phase::Closed => {
            let close = samples::server_frame(anser_proto::v1::server_frame::Frame::Close(
                Default::default(),
            ));
            client.receive(&Bytes::from(close.encode_to_vec())).unwrap();
        }
        _ => {}
    }
    assert_eq!(client.phase(), phase);
    client
}

#[test]
fn every_client_frame_in_every_phase() {
    use ClientCase as C;
    // Columns: before Hello, before Welcome, active, draining, closed.
    let table = [
        (C::Command, [WrongPhase, WrongPhase, Handled, Ignored, Ignored]),
        (C::Ack, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (C::Ping, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (C::Query, [WrongPhase, WrongPhase, Handled, Ignored, Ignored]),
        (C::Signal, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (C::Hello, [Handled, WrongPhase, WrongPhase, WrongPhase, Ignored]),
        (C::Foreground, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (C::ClientClose, [Handled, Handled, Handled, Handled, Ignored]),
        (C::Follow, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (C::Compressed, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
    ];
    assert_eq!(table.each_ref().map(|row| row.0), C::ALL);
    for ((case, fates), frame) in table.into_iter().zip(client_frames()) {
        for (phase, expected) in PHASES.into_iter().zip(fates) {
            let body = Bytes::from(frame.encode_to_vec());
            let found = fate(server_in(phase).receive(&body), &Request::Ignored);
            assert_eq!(found, expected, "{case:?} in {phase:?}");
        }
    }
}

#[test]
fn every_server_frame_in_every_phase() {
    use ServerCase as S;
    let table = [
        (S::CommandAck, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::EventBatch, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::AckOk, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::Pong, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::Signal, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::Reply, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::Welcome, [WrongPhase, Handled, WrongPhase, WrongPhase, Ignored]),
        (S::Close, [Handled, Handled, Handled, Handled, Ignored]),
        (S::SyncReset, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::ChannelBatch, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::ChannelHeads, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::EndpointList, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
        (S::Compressed, [WrongPhase, WrongPhase, Handled, Handled, Ignored]),
    ];
    assert_eq!(table.each_ref().map(|row| row.0), S::ALL);
    for ((case, fates), frame) in table.into_iter().zip(server_frames()) {
        for (phase, expected) in PHASES.into_iter().zip(fates) {
            let body = Bytes::from(frame.encode_to_vec());
            let found = fate(client_in(phase).receive(&body), &Incoming::Ignored);
            assert_eq!(found, expected, "{case:?} in {phase:?}");
        }
    }
}

#[test]
fn a_frame_of_a_newer_version_is_skipped_in_every_phase() {
    // Field 14 with a body, and a frame that holds nothing.
    for body in [&[0x72, 0x02, 0x08, 0x01][..], &[]] {
        let body = Bytes::copy_from_slice(body);
        for phase in PHASES {
            assert_eq!(server_in(phase).receive(&body), Ok(Request::Ignored));
            assert_eq!(client_in(phase).receive(&body), Ok(Incoming::Ignored));
        }
    }
}

#[test]
fn nothing_is_said_after_close() {
    let mut server = server_in(Phase::Closed);
    let mut out = BytesMut::new();
    server.pong(None, &mut out);
    server.command_ack(&Default::default(), &mut out);
    server.event_batch(anser_types::InboxSeq(1), [].iter(), None, &mut out);
    server.welcome(samples::welcome(), &mut out);
    server.close(&CloseReason::because(ErrorCode::Draining, ""), &mut out);
    assert!(out.is_empty());

    let mut client = client_in(Phase::Closed);
    client.ping(None, &mut out);
    client.command(anser_types::CommandNo(1), 0, &Bytes::new(), &mut out);
    client.hello(samples::hello(), &mut out);
    client.close(&mut out);
    assert!(out.is_empty());
}

#[test]
fn a_client_that_leaves_begins_nothing_new_and_still_acknowledges() {
    let mut out = BytesMut::new();
    let client = client_in(Phase::Draining);
    client.command(anser_types::CommandNo(1), 0, &Bytes::new(), &mut out);
    client.query(&Default::default(), &mut out);
    assert!(out.is_empty());
    client.ack(anser_types::InboxSeq(1), 0, &mut out);
    assert!(!out.is_empty());
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a debug assertion")]
#[should_panic(expected = "Command said in phase Greeting")]
fn a_command_before_welcome_is_a_fault_of_the_program() {
    client_in(GREETED).command(anser_types::CommandNo(1), 0, &Bytes::new(), &mut BytesMut::new());
}
