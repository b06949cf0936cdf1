//! The frame decoder: bytes cut anywhere give the same frames or the same error, and never more than the limit.

use anser_proto::codec::{CodecError, FrameDecoder};
use bytes::Bytes;

/// The most that a decoder is told to let through here.
const LIMITS: [usize; 4] = [1, 127, 4096, 512 * 1024];

fn frames(decoder: &mut FrameDecoder, into: &mut Vec<Bytes>) -> Result<(), CodecError> {
    while let Some(frame) = decoder.next()? {
        into.push(frame);
    }
    Ok(())
}

/// Everything a decoder gives when its bytes come in chunks of `step`.
fn decode(bytes: &[u8], limit: usize, step: usize) -> (Vec<Bytes>, Option<CodecError>, usize) {
    let mut decoder = FrameDecoder::new(limit);
    let mut found = Vec::new();
    for chunk in bytes.chunks(step) {
        decoder.push(chunk);
        if let Err(error) = frames(&mut decoder, &mut found) {
            decoder.push(bytes);
            assert_eq!(decoder.next(), Err(error), "an error ends the stream for good");
            return (found, Some(error), decoder.pending_bytes());
        }
        assert!(decoder.pending_bytes() <= limit + 5, "no more than one incomplete frame is held");
    }
    (found, None, decoder.pending_bytes())
}

/// One input.
pub fn run(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let limit = LIMITS[usize::from(how & 3)];
    let step = usize::from(how >> 2) + 1;
    let whole = decode(bytes, limit, bytes.len().max(1));
    let cut = decode(bytes, limit, step);
    assert_eq!(whole, cut, "where the bytes are cut makes no difference");
    let taken: usize = whole.0.iter().map(Bytes::len).sum();
    assert!(taken <= bytes.len() && whole.0.iter().all(|frame| frame.len() <= limit));
}
