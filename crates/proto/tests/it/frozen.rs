//! Frozen frames of version 1: what programs of this version write and read, today and in every later version that still
//! speaks it.
#![allow(clippy::disallowed_methods, reason = "the wire reads no files, its tests do")]

use std::collections::BTreeSet;

use anser_proto::compression::SUPPORTED;
use anser_proto::session::client::ClientSession;
use anser_proto::session::server::ServerSession;
use anser_proto::v1;
use bytes::{Bytes, BytesMut};
use prost::Message;
use protox::prost_reflect::DynamicMessage;

use crate::frames::{SIDES, Sample, descriptor, maker, parse, path};
use crate::samples::{active, hello};

fn frozen(side: &str) -> Vec<Sample> {
    let file = std::fs::read_to_string(path(side)).unwrap();
    parse(&file)
}

#[test]
fn requirement_f3_frozen_frames_mean_what_they_meant() {
    for side in SIDES {
        let descriptor = descriptor(side);
        for Sample { name, text, bytes } in frozen(side) {
            let said = DynamicMessage::parse_text_format(descriptor.clone(), &text)
                .unwrap_or_else(|error| panic!("{side} {name} cannot be said any more: {error}"));
            assert_eq!(said.encode_to_vec(), bytes, "{side} {name} is written otherwise");
            let read = DynamicMessage::decode(descriptor.clone(), &bytes[..]).unwrap();
            assert_eq!(read.to_text_format(), text, "{side} {name} is read otherwise");
        }
    }
}

#[test]
fn requirement_f3_todays_code_reads_frozen_frames_and_writes_the_same_bytes() {
    for Sample { name, bytes, .. } in frozen("ClientFrame") {
        let read = v1::ClientFrame::decode(&bytes[..]).unwrap();
        assert_eq!(read.encode_to_vec(), bytes, "{name}");
        let is_hello = matches!(read.frame, Some(v1::client_frame::Frame::Hello(_)));
        let mut server = if is_hello { ServerSession::compressing(SUPPORTED) } else { active().1 };
        server.receive(&Bytes::from(bytes)).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    }
    for Sample { name, bytes, .. } in frozen("ServerFrame") {
        let read = v1::ServerFrame::decode(&bytes[..]).unwrap();
        assert_eq!(read.encode_to_vec(), bytes, "{name}");
        let mut client = active().0;
        if matches!(read.frame, Some(v1::server_frame::Frame::Welcome(_))) {
            client = ClientSession::compressing(SUPPORTED);
            client.hello(hello(), &mut BytesMut::new());
        }
        client.receive(&Bytes::from(bytes)).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    }
}

#[test]
fn requirement_f3_every_frame_that_can_be_said_is_frozen() {
    for side in SIDES {
        let names = |samples: Vec<Sample>| -> BTreeSet<String> {
            samples.into_iter().map(|sample| sample.name).collect()
        };
        let (today, frozen) = (names(maker::samples(side)), names(frozen(side)));
        let missing: Vec<&String> = today.difference(&frozen).collect();
        assert!(missing.is_empty(), "{side}: `cargo xtask frames` freezes {missing:?}");
    }
}
