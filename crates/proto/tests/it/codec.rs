//! Frames on a byte stream: cut anywhere, too large, lengths written wrongly.

use anser_proto::codec::{CodecError, FrameDecoder, encode_frame};
use anser_types::ErrorCode;
use anser_types::limits::{FRAME_MAX_BYTES, HELLO_MAX_BYTES};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use prost::Message;

use crate::samples;

/// A stream of every client frame, and the bodies it holds.
fn stream() -> (BytesMut, Vec<Bytes>) {
    let mut out = BytesMut::new();
    let mut bodies = Vec::new();
    for frame in samples::client_frames() {
        encode_frame(&frame, &mut out);
        bodies.push(Bytes::from(frame.encode_to_vec()));
    }
    (out, bodies)
}

fn drain(decoder: &mut FrameDecoder, into: &mut Vec<Bytes>) {
    while let Some(frame) = decoder.next().unwrap() {
        into.push(frame);
    }
}

#[test]
fn a_stream_split_in_two_anywhere_gives_the_same_frames() {
    let (stream, bodies) = stream();
    for cut in 0..=stream.len() {
        let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
        let mut found = Vec::new();
        for part in [&stream[..cut], &stream[cut..]] {
            decoder.push(part);
            drain(&mut decoder, &mut found);
        }
        assert_eq!(found, bodies, "cut at {cut}");
        assert_eq!(decoder.pending_bytes(), 0);
    }
}

#[test]
fn a_stream_byte_by_byte_gives_the_same_frames() {
    let (stream, bodies) = stream();
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    let mut found = Vec::new();
    for byte in &stream {
        decoder.push(std::slice::from_ref(byte));
        drain(&mut decoder, &mut found);
    }
    assert_eq!(found, bodies);
}

#[test]
fn a_stream_that_ends_early_gives_only_whole_frames_and_says_what_is_pending() {
    let (stream, bodies) = stream();
    let mut ends = vec![0];
    for body in &bodies {
        let framed = body.len() + prost::length_delimiter_len(body.len());
        ends.push(ends.last().unwrap() + framed);
    }
    for cut in 0..=stream.len() {
        let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
        let mut found = Vec::new();
        decoder.push(&stream[..cut]);
        drain(&mut decoder, &mut found);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(found, bodies[..whole], "cut at {cut}");
        assert_eq!(decoder.pending_bytes(), cut - ends[whole]);
    }
}

proptest! {
    #[test]
    fn every_split_into_chunks_gives_the_same_frames(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..12),
        sizes in prop::collection::vec(1_usize..97, 1..40),
    ) {
        let mut stream = BytesMut::new();
        for body in &bodies {
            prost::encode_length_delimiter(body.len(), &mut stream).unwrap();
            stream.extend_from_slice(body);
        }
        let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
        let mut found = Vec::new();
        let mut rest = &stream[..];
        for size in sizes.iter().cycle() {
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            decoder.push(chunk);
            drain(&mut decoder, &mut found);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, bodies);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic_or_give_a_frame_above_the_limit(
        bytes in prop::collection::vec(any::<u8>(), 0..600), max in 0_usize..300,
    ) {
        let mut decoder = FrameDecoder::new(max);
        decoder.push(&bytes);
        loop {
            match decoder.next() {
                Ok(Some(frame)) => prop_assert!(frame.len() <= max),
                Ok(None) => break,
                Err(first) => {
                    prop_assert_eq!(decoder.next(), Err(first));
                    prop_assert_eq!(decoder.pending_bytes(), 0);
                    break;
                }
            }
        }
    }
}

#[test]
fn a_frame_above_the_limit_fails_as_soon_as_its_length_is_read() {
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    decoder.push(&[0x81, 0x80]);
    assert_eq!(decoder.next(), Ok(None), "the length is not whole yet");
    decoder.push(&[0x10]);
    let error = CodecError::TooLarge { announced: 262_145, max: FRAME_MAX_BYTES };
    assert_eq!(decoder.next(), Err(error));
    assert_eq!(error.code(), ErrorCode::FrameTooLarge);

    decoder.push(&[0; 1_000]);
    assert_eq!(decoder.next(), Err(error), "the stream stays unusable");
    assert_eq!(decoder.pending_bytes(), 0, "and keeps nothing");
}

#[test]
fn a_frame_of_exactly_the_limit_passes() {
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    decoder.push(&[0x80, 0x80, 0x10]);
    decoder.push(&vec![7; FRAME_MAX_BYTES]);
    assert_eq!(decoder.next().unwrap().unwrap().len(), FRAME_MAX_BYTES);
}

#[test]
fn a_stranger_may_say_no_more_than_a_hello() {
    let mut decoder = FrameDecoder::new(HELLO_MAX_BYTES);
    decoder.push(&[0x81, 0x20]);
    let error = CodecError::TooLarge { announced: 4_097, max: HELLO_MAX_BYTES };
    assert_eq!(decoder.next(), Err(error));
}

#[test]
fn a_new_limit_holds_for_frames_that_have_arrived_but_were_not_taken() {
    let mut decoder = FrameDecoder::new(2);
    decoder.push(&[1, 7, 3, 7, 7, 7]);
    assert_eq!(decoder.next().unwrap().unwrap(), [7][..]);
    decoder.set_max(3);
    assert_eq!(decoder.next().unwrap().unwrap(), [7, 7, 7][..]);
}

#[test]
fn a_length_longer_than_needed_or_without_end_is_refused() {
    let wrong: [&[u8]; 5] = [
        &[0x80, 0x00],
        &[0x85, 0x80, 0x00],
        &[0x80, 0x80, 0x80, 0x80, 0x00],
        &[0x80, 0x80, 0x80, 0x80, 0x80],
        &[0xff; 10],
    ];
    for bytes in wrong {
        let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
        decoder.push(bytes);
        assert_eq!(decoder.next(), Err(CodecError::BadLength), "{bytes:x?}");
        assert_eq!(CodecError::BadLength.code(), ErrorCode::BadFrame);
    }
}

#[test]
fn an_empty_frame_is_a_frame() {
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    decoder.push(&[0]);
    assert_eq!(decoder.next().unwrap(), Some(Bytes::new()));
    assert_eq!(decoder.next().unwrap(), None);
}
