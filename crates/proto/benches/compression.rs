//! What compressing frames costs and saves: `cargo bench -p anser-proto --bench compression`.
//!
//! Frames are made up as for the dictionary's training, from another seed. The texts of the last rows are in nothing the
//! training has seen: talk that was written for this, and lines of this repository's documentation.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock; the codec does not")]

use std::hint::black_box;
use std::sync::Barrier;
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
/// As the product compresses.
const ZSTD_LEVEL: i32 = 2;
const PAGE: &str = include_str!("../../../docs/protocol.md");

/// What people say, in words of its own: no line of it stands in the material of the training.
const CHAT: [&str; 20] = [
    "Could somebody open the gate? I forgot my badge again.",
    "Grandma's surgery went fine, she'll be home by Thursday",
    "did anyone water the tomatoes while I was away",
    "The landlord wants to raise the rent by eight percent, can he do that?",
    "ok I merged it, the pipeline is green now",
    "Bring warm clothes, the cabin has no heating until six",
    "no worries, take your time",
    "My train got cancelled so I'm stuck in Leipzig for another hour",
    "we should really invite Tom's cousin too",
    "I tried the new ramen place yesterday, not worth the queue to be honest",
    "外婆做的红烧肉真好吃，下次你一定要来尝尝",
    "昨晚那场球你看了没？最后一分钟绝杀",
    "合同我看过了，第三条的违约金写得不对，让法务改一下",
    "孩子发烧了，我先带他去儿童医院，下午的会帮我请个假",
    "楼下新开了一家理发店，办卡打七折",
    "这周五部门团建，去爬香山，记得穿运动鞋",
    "接口超时的原因找到了，是连接池太小",
    "快递放在门卫那里了，你下班顺路拿一下",
    "哎呀我把钥匙锁在屋里了",
    "房东说空调下周才有人来修，热死了",
];

/// A page of so many direct messages with lines of the documentation.
fn documentation_page(entries: usize, skip: usize) -> Vec<u8> {
    direct_page(entries, documentation().cycle().skip(skip))
}

fn documentation() -> impl Iterator<Item = &'static str> + Clone {
    let lines = PAGE.lines().flat_map(|line| line.split_inclusive(['.', ';', ':']));
    lines.map(str::trim).filter(|line| line.len() > 20)
}

fn direct_page(entries: usize, lines: impl Iterator<Item = &'static str>) -> Vec<u8> {
    let events = lines.take(entries).enumerate().map(|(n, line)| {
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
    let mut plain = zstd::bulk::Compressor::new(ZSTD_LEVEL).unwrap();
    let without: usize = frames.iter().map(|frame| plain.compress(frame).unwrap().len() + 8).sum();
    println!("  zstd without dictionary: {:>3.0} %", without as f64 * 100.0 / whole as f64);
}

/// Threads that each compress and read: what they keep is seen in the memory of the process.
const THREADS: usize = 64;

/// What threads keep after a page of 50 entries and after the largest frames, and what zstd's prepared dictionaries take
/// once for all of them.
fn memory() {
    println!(
        "zstd: {} + {} bytes of prepared dictionaries for the process",
        zstd::dict::EncoderDictionary::copy(DICTIONARY, ZSTD_LEVEL).as_cdict().sizeof(),
        zstd::dict::DecoderDictionary::copy(DICTIONARY).as_ddict().sizeof()
    );
    for method in [Method::Zstd, Method::Deflate] {
        for entries in [50, 2_500] {
            let frame = documentation_page(entries, 0);
            let (done, leave) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
            let before = resident_bytes();
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        let packed = method.pack(&frame, <[u8]>::to_vec).unwrap();
                        let bytes = u32::try_from(frame.len()).unwrap();
                        drop(black_box(method.unpack(&packed, bytes).unwrap()));
                        drop(packed);
                        done.wait();
                        leave.wait();
                    });
                }
                done.wait();
                let each = resident_bytes().saturating_sub(before) / THREADS / 1_024;
                println!(
                    "{method:?}: {each} KiB per thread after a frame of {} bytes",
                    frame.len()
                );
                leave.wait();
            });
        }
    }
}

/// Resident memory of this process, from Linux.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4_096
}

fn main() {
    println!("{FRAMES} frames a row, median of {ROUNDS} rounds; % of the bytes that are left");
    for bytes in [200, 300, 400, 512, 700, 1_024, 4_096] {
        report(&format!("message of {bytes} bytes"), message(bytes));
    }
    for entries in [2, 4, 8, 20, 50, 500] {
        report(&format!("page of {entries} entries"), page(entries));
    }
    for entries in [8, 20] {
        let lines = |n: usize| CHAT.into_iter().cycle().skip(n % CHAT.len());
        report(&format!("page of {entries}, unseen talk"), |n| direct_page(entries, lines(n)));
    }
    report("page of 50, documentation", |n| documentation_page(50, n * 37));
    report("page of 8, documentation", |n| documentation_page(8, n * 37));
    memory();
}
