//! What a newer version adds: fields are skipped, event kinds are kept raw, and nothing ends the session.

use anser_proto::session::client::Incoming;
use anser_proto::session::received::{ReceivedBatch, ReceivedEvent, ReceivedKind};
use anser_proto::session::server::{Request, encode_event};
use anser_proto::v1;
use anser_types::InboxSeq;
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::newer::{FIELDS, extended};
use crate::samples::{active, client_frames, message_event, only_frame, server_frames};

#[test]
fn newer_fields_change_nothing_that_is_understood() {
    for frame in client_frames() {
        let plain = Bytes::from(frame.encode_to_vec());
        let (receive, newer) = (|frame: &Bytes| active().1.receive(frame), extended(&plain));
        match (receive(&plain), receive(&newer)) {
            // Their hash covers what was received, known or not.
            (Ok(Request::Command(one)), Ok(Request::Command(other))) => {
                assert_eq!(one.command, other.command);
                assert_ne!(one.hash, other.hash);
            }
            (one, other) => {
                assert_eq!(one.map_err(|reason| reason.code), other.map_err(|reason| reason.code));
            }
        }
    }
    for frame in server_frames() {
        let plain = Bytes::from(frame.encode_to_vec());
        let (one, other) = (active().0.receive(&plain), active().0.receive(&extended(&plain)));
        assert_eq!(one, other);
    }
}

fn receive_batch(events: &[Bytes], head: Option<InboxSeq>) -> ReceivedBatch {
    let (mut client, server) = active();
    let mut out = BytesMut::new();
    server.event_batch(InboxSeq(4_711), events.iter(), head, &mut out);
    match client.receive(&only_frame(&out)).unwrap() {
        Incoming::EventBatch(batch) => batch,
        other => panic!("expected events, got {other:?}"),
    }
}

#[test]
fn a_batch_gives_each_event_and_its_bytes() {
    let events = [encode_event(&message_event("one")), encode_event(&message_event("two"))];
    let batch = receive_batch(&events, Some(InboxSeq(4_900)));
    assert_eq!((batch.first, batch.head), (InboxSeq(4_711), Some(InboxSeq(4_900))));
    let raw: Vec<_> = batch.events.iter().map(|event| event.raw.clone()).collect();
    assert_eq!(raw, events);
    let one = message_event("one").event.unwrap();
    assert_eq!(batch.events[0].kind, ReceivedKind::Known(one));
}

#[test]
fn an_empty_batch_still_says_where_the_inbox_stands() {
    let batch = receive_batch(&[], Some(InboxSeq(4_900)));
    assert_eq!((batch.events.len(), batch.first), (0, InboxSeq(4_711)));
    assert_eq!(batch.head, Some(InboxSeq(4_900)));
}

#[test]
fn a_batch_is_what_the_generated_code_would_encode() {
    let events = vec![message_event("one"), message_event("two")];
    let encoded: Vec<_> = events.iter().map(encode_event).collect();
    let (_, server) = active();
    let mut out = BytesMut::new();
    server.event_batch(InboxSeq(4_711), encoded.iter(), Some(InboxSeq(5)), &mut out);
    let batch = v1::EventBatch { first_inbox_seq: 4_711, events, head: 5 };
    let frame = v1::ServerFrame { frame: Some(v1::server_frame::Frame::EventBatch(batch)) };
    assert_eq!(only_frame(&out), frame.encode_to_vec());
}

#[test]
fn an_event_of_a_newer_kind_is_kept_raw_with_its_number() {
    let known = encode_event(&message_event("known"));
    let newer = Bytes::from_static(&[0x3a, 0x02, 0x08, 0x01]); // field 7
    let empty = Bytes::new();
    let batch = receive_batch(&[known, newer.clone(), empty], None);
    assert!(matches!(batch.events[0].kind, ReceivedKind::Known(_)));
    let body = Bytes::from_static(&[0x08, 0x01]);
    assert_eq!(batch.events[1].kind, ReceivedKind::Unknown { number: 7, body });
    assert_eq!(batch.events[1].raw, newer);
    let nothing = ReceivedKind::Unknown { number: 0, body: Bytes::new() };
    assert_eq!(batch.events[2].kind, nothing, "it still takes its place among the numbers");
}

#[test]
fn guarantee_g24_an_unknown_event_is_understood_after_an_upgrade() {
    // What an older version kept raw is read by the version that knows it.
    let raw = encode_event(&message_event("later"));
    let read = ReceivedEvent::read(raw).unwrap();
    assert_eq!(read.kind, ReceivedKind::Known(message_event("later").event.unwrap()));
}

#[test]
fn newer_fields_of_an_event_stay_in_its_bytes() {
    let mut raw = BytesMut::from(&encode_event(&message_event("one"))[..]);
    raw.put_slice(FIELDS);
    let raw = raw.freeze();
    let batch = receive_batch(std::slice::from_ref(&raw), None);
    assert_eq!(batch.events[0].raw, raw);
    assert_eq!(batch.events[0].kind, ReceivedKind::Known(message_event("one").event.unwrap()));
}

#[test]
fn a_change_of_a_newer_kind_is_named_by_its_number() {
    let change = v1::Change { change_no: 3, actor: "alice".into(), ..Default::default() };
    let mut change = change.encode_to_vec();
    change.extend_from_slice(&[0xe2, 0x03, 0x01, 0x77]); // field 60
    let mut raw = BytesMut::from(&[0x2a][..]);
    prost::encode_length_delimiter(change.len(), &mut raw).unwrap();
    raw.put_slice(&change);

    let event = ReceivedEvent::read(raw.freeze()).unwrap();
    assert_eq!(event.unknown_change(), Some((60, Bytes::from_static(&[0x77]))));
    let message = ReceivedEvent::read(encode_event(&message_event("one"))).unwrap();
    assert_eq!(message.unknown_change(), None);
}

#[test]
fn queries_and_replies_of_a_newer_kind_keep_their_number_and_signals_are_skipped() {
    let (mut client, mut server) = active();
    let query = Bytes::from_static(&[0x22, 0x04, 0x08, 0x09, 0x7a, 0x00]);
    let expected = v1::Query { query_no: 9, query: None };
    assert_eq!(server.receive(&query), Ok(Request::Query(expected)));
    let reply = Bytes::from_static(&[0x32, 0x04, 0x08, 0x09, 0x72, 0x00]);
    let expected = v1::Reply { query_no: 9, reply: None };
    assert_eq!(client.receive(&reply), Ok(Incoming::Reply(expected)));
    let signal = Bytes::from_static(&[0x2a, 0x02, 0x7a, 0x00]);
    assert_eq!(server.receive(&signal), Ok(Request::Ignored));
    assert_eq!(client.receive(&signal), Ok(Incoming::Ignored));
}
