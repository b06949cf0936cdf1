//! This version and the next against each other, either as client and as server. What the next one is cannot be known; it
//! is simulated by `newer.rs`.

use std::ops::RangeInclusive;

use anser_proto::compression::SUPPORTED as METHODS;
use anser_proto::session::client::{ClientSession, Incoming, command_body};
use anser_proto::session::received::ReceivedKind;
use anser_proto::session::server::{Request, ServerSession, encode_event};
use anser_proto::v1::{self, client_frame, server_frame};
use anser_proto::version::{SUPPORTED, negotiate};
use anser_types::{CommandNo, ErrorCode, InboxSeq};
use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::newer;
use crate::samples::{frames, hello, message_event, say_hello, welcome};

/// A session in this process, either side of which may be newer.
struct Pair {
    client: ClientSession,
    server: ServerSession,
    newer_client: bool,
    newer_server: bool,
    /// What a newer server agreed to.
    agreed: u32,
}

impl Pair {
    fn new(newer_client: bool, newer_server: bool) -> Self {
        Self {
            client: ClientSession::compressing(METHODS),
            server: ServerSession::compressing(METHODS),
            newer_client,
            newer_server,
            agreed: 1,
        }
    }

    /// What the server understands of what the client says.
    fn client_says(&mut self, say: impl FnOnce(&mut ClientSession, &mut BytesMut)) -> Vec<Request> {
        let mut out = BytesMut::new();
        say(&mut self.client, &mut out);
        let mut said = frames(&out);
        if self.newer_client {
            said = said.iter().map(newer::from_client).collect();
            if self.server.version() != 0 {
                said.extend(newer::unknown_frames());
            }
        }
        let mut heard = Vec::new();
        for mut frame in said {
            if self.newer_server
                && let Some(theirs) = offered(&frame)
            {
                self.agreed = negotiate(&newer::VERSIONS, &theirs).expect("a common version");
                frame = as_this_version(&frame);
            }
            heard.push(self.server.receive(&frame).unwrap());
        }
        heard.retain(|request| *request != Request::Ignored);
        heard
    }

    /// What the client understands of what the server says.
    fn server_says(
        &mut self,
        say: impl FnOnce(&mut ServerSession, &mut BytesMut),
    ) -> Vec<Incoming> {
        let mut out = BytesMut::new();
        say(&mut self.server, &mut out);
        let mut said = frames(&out);
        if self.newer_server {
            said = said.iter().map(|frame| newer::from_server(frame, self.agreed)).collect();
            said.extend(newer::unknown_frames());
        }
        let mut heard = Vec::new();
        for mut frame in said {
            if self.newer_client
                && let Some(version) = newer::chosen(&frame)
            {
                assert!(newer::VERSIONS.contains(&version));
                frame = newer::from_server(&frame, 1);
            }
            heard.push(self.client.receive(&frame).unwrap());
        }
        heard.retain(|incoming| *incoming != Incoming::Ignored);
        heard
    }

    /// Opens the session; the version agreed on.
    fn open(&mut self) -> u32 {
        let heard = self.client_says(|client, out| client.hello(hello(), out));
        let [Request::Hello(said)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(said.token, hello().token);
        let heard = self.server_says(|server, out| server.welcome(welcome(), out));
        let [Incoming::Welcome(said)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((&said.user[..], said.compression), ("alice", METHODS[0].number()));
        self.agreed
    }
}

/// The versions that a frame offers, if it is a Hello.
fn offered(frame: &Bytes) -> Option<RangeInclusive<u32>> {
    match v1::ClientFrame::decode(frame.clone()).unwrap().frame {
        Some(client_frame::Frame::Hello(hello)) => Some(hello.version_min..=hello.version_max),
        _ => None,
    }
}

/// Hello as the half of this version reads it, once the newer one has agreed on a version.
fn as_this_version(frame: &Bytes) -> Bytes {
    let mut said = v1::ClientFrame::decode(frame.clone()).unwrap();
    if let Some(client_frame::Frame::Hello(hello)) = &mut said.frame {
        (hello.version_min, hello.version_max) = (1, 1);
    }
    said.encode_to_vec().into()
}

/// All six packets of a message, a query, and a word of an unknown kind each way.
fn talk(pair: &mut Pair) {
    let long: &'static str = "Something that is long enough to be compressed. ".repeat(40).leak();
    for text in ["hello", long] {
        let body = command_body(&say_hello(text));
        let heard = pair.client_says(|client, out| client.command(CommandNo(1), 0, &body, out));
        let [Request::Command(received)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(received.command.op, say_hello(text).op);
        let ack = v1::CommandAck { command_no: 1, seq: 7, ..Default::default() };
        let heard = pair.server_says(|server, out| server.command_ack(&ack, out));
        assert_eq!(heard, [Incoming::CommandAck(ack)]);

        // A page with an event that only a newer server would have made.
        let known = encode_event(&message_event(text));
        let unknown = Bytes::from_static(&[0x3a, 0x02, 0x08, 0x01]);
        let events = [known, unknown.clone()];
        let heard = pair.server_says(|server, out| {
            server.event_batch(InboxSeq(1), events.iter(), Some(InboxSeq(2)), out);
        });
        let [Incoming::EventBatch(batch)] = &heard[..] else { panic!("{heard:?}") };
        let expected = ReceivedKind::Known(message_event(text).event.unwrap());
        assert_eq!(batch.events[0].kind, expected);
        assert_eq!(batch.events[1].raw, unknown, "kept for the version that knows it");
        let heard = pair.client_says(|client, out| client.ack(InboxSeq(2), 0, out));
        assert_eq!(heard, [Request::Ack(v1::Ack { inbox_seq: 2, want: 0 })]);
        let heard = pair.server_says(|server, out| server.ack_ok(InboxSeq(2), out));
        assert_eq!(heard, [Incoming::AckOk(v1::AckOk { inbox_seq: 2 })]);
    }
    // A query that the older one cannot know is answered, and the answer understood.
    let query = v1::Query { query_no: 5, query: None };
    let heard = pair.client_says(|client, out| client.query(&query, out));
    assert_eq!(heard, [Request::Query(query)]);
    let error = v1::Error { code: ErrorCode::Unsupported.number().into(), ..Default::default() };
    let reply = v1::Reply { query_no: 5, reply: Some(v1::reply::Reply::Error(error)) };
    let heard = pair.server_says(|server, out| server.reply(&reply, out));
    assert_eq!(heard, [Incoming::Reply(reply)]);
    let heard = pair.client_says(|client, out| client.ping(None, out));
    assert_eq!(heard, [Request::Ping(v1::Ping::default())]);
    let heard = pair.client_says(ClientSession::close);
    assert_eq!(heard, [Request::Close]);
}

#[test]
fn requirement_f3_this_version_talks_to_itself() {
    let mut pair = Pair::new(false, false);
    assert_eq!(pair.open(), 1);
    talk(&mut pair);
}

#[test]
fn requirement_f3_a_newer_client_talks_to_a_server_of_this_version() {
    let mut pair = Pair::new(true, false);
    assert_eq!(pair.open(), 1);
    assert_eq!(pair.server.version(), 1);
    talk(&mut pair);
}

#[test]
fn requirement_f3_a_client_of_this_version_talks_to_a_newer_server() {
    let mut pair = Pair::new(false, true);
    assert_eq!(pair.open(), 1);
    assert_eq!(pair.client.version(), 1);
    talk(&mut pair);
}

#[test]
fn requirement_f3_two_of_the_next_version_agree_on_it() {
    let mut pair = Pair::new(true, true);
    assert_eq!(pair.open(), 2);
    talk(&mut pair);
}

#[test]
fn requirement_f3_without_a_common_version_both_are_told_what_to_update() {
    let next = SUPPORTED.end() + 1;
    for (theirs, older) in [(next..=next + 1, "update the server"), (0..=0, "update the client")] {
        let offer =
            v1::Hello { version_min: *theirs.start(), version_max: *theirs.end(), ..hello() };
        let frame = v1::ClientFrame { frame: Some(client_frame::Frame::Hello(offer)) };
        let refused = ServerSession::new().receive(&frame.encode_to_vec().into()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::UnsupportedVersion);
        assert!(refused.detail.ends_with(older), "{refused}");
        assert_eq!(refused.advice().reconnect, v1::Reconnect::Never);
    }
    let mut client = ClientSession::new();
    client.hello(hello(), &mut BytesMut::new());
    let chosen = v1::Welcome { version: next, ..welcome() };
    let frame = v1::ServerFrame { frame: Some(server_frame::Frame::Welcome(chosen)) };
    let refused = client.receive(&frame.encode_to_vec().into()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnsupportedVersion);
    assert_eq!(refused.advice().reconnect, v1::Reconnect::Never);
}
