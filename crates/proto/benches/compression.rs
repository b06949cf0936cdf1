//! What compressing frames costs and saves: `cargo bench -p anser-proto --bench compression`.
//!
//! Frames are made up as for the dictionary's training, from another seed; the texts of the last rows are lines of this
//! repository's documentation, which the training has never seen.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock; the codec does not")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use anser_proto::compression::{DICTIONARY, Method};
use anser_proto::v1;
use bytes::Bytes;
use prost::Message;

#[path = "../dictionary/mod.rs"]
mod dictionary;
use dictionary::frames::Maker;

/// Frames of a row.
const FRAMES: usize = 200;
/// Rounds; the median is reported.
const ROUNDS: usize = 7;
const SEED: u64 = 4_711;
const PAGE: &str = include_str!("../../../docs/protocol.md");

/// A page of so many direct messages with lines of the documentation.
fn documentation_page(entries: usize, skip: usize) -> Vec<u8> {
    let lines = PAGE.lines().flat_map(|line| line.split_inclusive(['.', ';', ':']));
    let lines = lines.map(str::trim).filter(|line| line.len() > 20);
    let events = lines.cycle().skip(skip).take(entries).enumerate().map(|(n, line)| {
        let message = v1::Message {
            peer: "alice".to_owned(),
            seq: 1_041 + n as u64,
            server_time_ms: 61_169_730_250 + 41_077 * n as u64,
            sent_before_ms: 38,
            device_no: 2,
            local_no: 1_041 + n as u64,
            content: Bytes::from_static(line.as_bytes()),
            ..v1::Message::default()
        };
        v1::Event { event: Some(v1::event::Event::Direct(message)) }
    });
    let batch = v1::EventBatch { first_inbox_seq: 4_711, events: events.collect(), head: 5_000 };
    let frame = v1::server_frame::Frame::EventBatch(batch);
    v1::ServerFrame { frame: Some(frame) }.encode_to_vec()
}

fn page(entries: u64) -> impl FnMut(usize) -> Vec<u8> {
    let mut maker = Maker::new(SEED);
    move |_| {
        // Only for new people: what it makes is thrown away.
        maker.frame();
        maker.inbox_page(entries..entries + 1).encode_to_vec()
    }
}

fn message(bytes: usize) -> impl FnMut(usize) -> Vec<u8> {
    let mut maker = Maker::new(SEED);
    move |_| {
        let mut text = maker.text();
        while text.len() < bytes {
            text.push(' ');
            text.push_str(&maker.text());
        }
        let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap();
        text.truncate(end);
        let send = v1::SendMessage { content: Bytes::from(text), ..v1::SendMessage::default() };
        let op = Some(v1::command::Op::Send(send));
        let command = v1::Command { command_no: 7, op, ..v1::Command::default() };
        let frame = v1::client_frame::Frame::Command(command);
        v1::ClientFrame { frame: Some(frame) }.encode_to_vec()
    }
}

/// Median microseconds for each frame.
fn time(frames: usize, mut round: impl FnMut()) -> f64 {
    let mut all: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .collect();
    all.sort();
    all[ROUNDS / 2].as_secs_f64() * 1e6 / frames as f64
}

fn report(name: &str, mut one: impl FnMut(usize) -> Vec<u8>) {
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(&mut one).collect();
    let whole: usize = frames.iter().map(Vec::len).sum();
    print!("{name:<34} {:>6} bytes", whole / FRAMES);
    for method in [Method::Zstd, Method::Deflate] {
        let packed: Vec<(u32, Vec<u8>)> = frames
            .iter()
            .map(|frame| {
                let packed = method.pack(frame, <[u8]>::to_vec).unwrap_or_default();
                (u32::try_from(frame.len()).unwrap(), packed)
            })
            .collect();
        let kept = packed.iter().filter(|(_, packed)| !packed.is_empty()).count();
        let sent = |(bytes, packed): &(u32, Vec<u8>)| {
            if packed.is_empty() { *bytes as usize } else { packed.len() + 8 }
        };
        let bytes: usize = packed.iter().map(sent).sum();
        let pack = time(FRAMES, || {
            for frame in &frames {
                black_box(method.pack(frame, |packed| black_box(packed.len())));
            }
        });
        let unpack = time(FRAMES, || {
            for (bytes, packed) in packed.iter().filter(|(_, packed)| !packed.is_empty()) {
                black_box(method.unpack(packed, *bytes).unwrap());
            }
        });
        print!(
            "  {method:?}: {:>3.0} %, {:>3.0} % kept, pack {pack:>6.1} µs, unpack {unpack:>6.1} µs",
            bytes as f64 * 100.0 / whole as f64,
            kept as f64 * 100.0 / FRAMES as f64,
        );
    }
    let mut plain = zstd::bulk::Compressor::new(3).unwrap();
    let without: usize = frames.iter().map(|frame| plain.compress(frame).unwrap().len() + 8).sum();
    println!("  zstd without dictionary: {:>3.0} %", without as f64 * 100.0 / whole as f64);
}

/// What a thread keeps for zstd, and what all threads share.
fn memory() {
    let encoding = zstd::dict::EncoderDictionary::copy(DICTIONARY, 3);
    let decoding = zstd::dict::DecoderDictionary::copy(DICTIONARY);
    let mut compressor = zstd::bulk::Compressor::with_prepared_dictionary(&encoding).unwrap();
    let mut decompressor = zstd::bulk::Decompressor::with_prepared_dictionary(&decoding).unwrap();
    let mut sizes = Vec::new();
    for entries in [50, 1_200] {
        let frame = documentation_page(entries, 0);
        let packed = compressor.compress(&frame).unwrap();
        decompressor.decompress(&packed, frame.len()).unwrap();
        sizes.push((frame.len(), compressor.context_mut().sizeof()));
    }
    println!(
        "zstd, once per process: {} + {} bytes of prepared dictionaries; per thread, after frames of so many bytes: {sizes:?}",
        encoding.as_cdict().sizeof(),
        decoding.as_ddict().sizeof()
    );
}

fn main() {
    println!("{FRAMES} frames a row, median of {ROUNDS} rounds; % of the bytes that are left");
    for bytes in [200, 300, 400, 512, 700, 1_024, 4_096] {
        report(&format!("message of {bytes} bytes"), message(bytes));
    }
    for entries in [2, 4, 8, 20, 50, 500] {
        report(&format!("page of {entries} entries"), page(entries));
    }
    report("page of 50, documentation", |n| documentation_page(50, n * 37));
    report("page of 8, documentation", |n| documentation_page(8, n * 37));
    memory();
}
