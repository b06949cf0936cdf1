//! The client's half of a session under any server: a meaning, a catalogued error, never a panic.

use anser_proto::codec::FrameDecoder;
use anser_proto::compression::SUPPORTED;
use anser_proto::session::client::{ClientSession, Incoming};
use anser_proto::session::received::ReceivedEvent;
use anser_proto::v1;
use anser_types::ErrorCode;
use bytes::BytesMut;
use prost::Message;

/// What a client may find wrong with a server's frames.
const NAMED: [ErrorCode; 4] = [
    ErrorCode::BadFrame,
    ErrorCode::FrameTooLarge,
    ErrorCode::WrongPhase,
    ErrorCode::UnsupportedVersion,
];

/// One input.
pub fn run(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let mut session = ClientSession::compressing(SUPPORTED);
    let mut out = BytesMut::new();
    session.hello(v1::Hello::default(), &mut out);
    if how & 1 == 1 {
        // Most inputs begin in an open session; the others must find the way themselves.
        let welcome = v1::Welcome {
            version: 1,
            compression: SUPPORTED[usize::from(how >> 1) % SUPPORTED.len()].number(),
            ..Default::default()
        };
        let frame = v1::ServerFrame { frame: Some(v1::server_frame::Frame::Welcome(welcome)) };
        let opened = session.receive(&frame.encode_to_vec().into());
        assert!(matches!(opened, Ok(Incoming::Welcome(_))), "{opened:?}");
    }
    let mut decoder = FrameDecoder::new(session.frame_limit());
    for chunk in bytes.chunks(usize::from(how >> 1) + 1) {
        decoder.push(chunk);
        while let Ok(Some(frame)) = decoder.next() {
            match session.receive(&frame) {
                Ok(Incoming::EventBatch(batch)) => {
                    for event in &batch.events {
                        let again = ReceivedEvent::read(event.raw.clone());
                        assert_eq!(
                            again.as_ref(),
                            Ok(event),
                            "what is kept raw reads the same later"
                        );
                    }
                }
                Ok(Incoming::Welcome(_)) => decoder.set_max(session.frame_limit()),
                Ok(_) => {}
                Err(reason) => {
                    assert!(NAMED.contains(&reason.code), "{reason}");
                    return;
                }
            }
        }
    }
    session.close(&mut out);
}
