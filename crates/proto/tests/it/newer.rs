//! The next version, as far as this one can know it: it speaks this one too, and says more than this one understands.

use std::ops::RangeInclusive;

use anser_proto::fields::{Fields, Value};
use anser_proto::v1::{self, client_frame, server_frame};
use bytes::Bytes;
use prost::Message;

/// The versions it speaks.
pub const VERSIONS: RangeInclusive<u32> = 1..=2;

/// Fields 200 to 203, one of each wire type.
pub const FIELDS: &[u8] = &[
    0xc0, 0x0c, 0x96, 0x01, // an integer
    0xc9, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, // eight bytes
    0xd2, 0x0c, 0x02, 0x68, 0x69, // a body
    0xdd, 0x0c, 1, 2, 3, 4, // four bytes
];

/// Frames of either side that only a newer version knows: a case, and a signal. Neither is answered.
pub fn unknown_frames() -> [Bytes; 2] {
    [Bytes::from_static(&[0x72, 0x02, 0x08, 0x01]), Bytes::from_static(&[0x2a, 0x02, 0x7a, 0x00])]
}

/// The same frame with newer fields within its case and beside it.
pub fn extended(frame: &[u8]) -> Bytes {
    let mut out = FIELDS.to_vec();
    for field in Fields::of(frame) {
        let field = field.expect("a frame");
        let Value::Bytes(body) = field.value else { panic!("a frame holds cases") };
        prost::encoding::encode_key(
            field.number,
            prost::encoding::WireType::LengthDelimited,
            &mut out,
        );
        prost::encode_length_delimiter(body.len() + FIELDS.len(), &mut out).expect("it fits");
        out.extend_from_slice(body);
        out.extend_from_slice(FIELDS);
    }
    out.extend_from_slice(FIELDS);
    out.into()
}

/// What a newer client says where one of this version says this: Hello offers more, everything holds more.
pub fn from_client(frame: &Bytes) -> Bytes {
    let mut said = v1::ClientFrame::decode(frame.clone()).expect("a client's frame");
    if let Some(client_frame::Frame::Hello(hello)) = &mut said.frame {
        (hello.version_min, hello.version_max) = (*VERSIONS.start(), *VERSIONS.end());
        hello.capabilities = vec![1, 7_001];
        hello.compression.insert(0, 99);
        return extended(&said.encode_to_vec());
    }
    extended(frame)
}

/// What a newer server says where one of this version says this, in the version agreed on.
pub fn from_server(frame: &Bytes, version: u32) -> Bytes {
    let mut said = v1::ServerFrame::decode(frame.clone()).expect("a server's frame");
    if let Some(server_frame::Frame::Welcome(welcome)) = &mut said.frame {
        welcome.version = version;
        welcome.capabilities = vec![1, 7_001];
        return extended(&said.encode_to_vec());
    }
    extended(frame)
}

/// The version that a frame names, if it is a Welcome.
pub fn chosen(frame: &Bytes) -> Option<u32> {
    match v1::ServerFrame::decode(frame.clone()).expect("a server's frame").frame {
        Some(server_frame::Frame::Welcome(welcome)) => Some(welcome.version),
        _ => None,
    }
}
