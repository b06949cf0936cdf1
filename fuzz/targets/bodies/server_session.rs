//! The server's half of a session under any client: an answer, a catalogued error, never a panic.

use anser_proto::codec::FrameDecoder;
use anser_proto::compression::SUPPORTED;
use anser_proto::session::server::{Request, ServerSession};
use anser_proto::v1;
use anser_types::ErrorCode;
use bytes::BytesMut;

/// What a client may be told about its own frames.
const NAMED: [ErrorCode; 4] = [
    ErrorCode::BadFrame,
    ErrorCode::FrameTooLarge,
    ErrorCode::WrongPhase,
    ErrorCode::UnsupportedVersion,
];

/// One input.
pub fn run(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let mut session = ServerSession::compressing(SUPPORTED);
    let mut decoder = FrameDecoder::new(session.frame_limit());
    let mut out = BytesMut::new();
    for chunk in bytes.chunks(usize::from(how >> 1) + 1) {
        decoder.push(chunk);
        while let Ok(Some(frame)) = decoder.next() {
            match session.receive(&frame) {
                Ok(Request::Hello(_)) => {
                    assert!(session.version() > 0, "a version was agreed");
                    session.welcome(v1::Welcome::default(), &mut out);
                    decoder.set_max(session.frame_limit());
                }
                Ok(Request::Command(received)) => {
                    let again = session.receive(&frame);
                    assert_eq!(again, Ok(Request::Command(received)), "a repetition hashes alike");
                    if how & 1 == 1 {
                        session.drain();
                    }
                }
                Ok(_) => {}
                Err(reason) => {
                    assert!(NAMED.contains(&reason.code), "{reason}");
                    session.close(&reason, &mut out);
                    return;
                }
            }
        }
    }
}
