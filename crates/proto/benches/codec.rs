//! What the wire costs without a network: `cargo bench -p anser-proto`.
//!
//! For each of the hot frames, at the side that writes it and at the side that reads it: encoding into a buffer, and
//! cutting out of a stream plus understanding. Frames come in reads of 16 KiB, as a busy socket gives them.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock; the codec does not")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use anser_proto::codec::FrameDecoder;
use anser_proto::session::client::{ClientSession, command_body};
use anser_proto::session::server::{ServerSession, encode_event};
use anser_proto::v1;
use anser_types::limits::{CONTENT_MAX_BYTES, FRAME_MAX_BYTES};
use anser_types::{CommandNo, InboxSeq};
use bytes::{Bytes, BytesMut};

/// Frames of one round, and of one large message in a round.
const FRAMES: u64 = 50_000;
const LARGE_FRAMES: u64 = 500;
/// Rounds; the median is reported.
const ROUNDS: usize = 7;
/// Bytes of one read.
const READ_BYTES: usize = 16 * 1024;
const TEXT: &[u8] = b"A message of ordinary length, as people write them to each other.";
const CLOCK_MS: u64 = 61_169_730_250;

/// Both halves of an open session.
fn session() -> (ClientSession, ServerSession) {
    let (mut client, mut server) = (ClientSession::new(), ServerSession::new());
    let mut out = BytesMut::new();
    client.hello(v1::Hello::default(), &mut out);
    server.receive(&cut(&out.split().freeze())[0]).unwrap();
    server.welcome(v1::Welcome { user: "alice".to_owned(), ..v1::Welcome::default() }, &mut out);
    client.receive(&cut(&out.freeze())[0]).unwrap();
    (client, server)
}

fn cut(stream: &Bytes) -> Vec<Bytes> {
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    decoder.push(stream);
    std::iter::from_fn(|| decoder.next().unwrap()).collect()
}

fn send(content: Bytes) -> Bytes {
    command_body(&v1::Command {
        local_no: 1_041,
        sent_at_ms: CLOCK_MS,
        op: Some(v1::command::Op::Send(v1::SendMessage {
            to: Some(v1::send_message::To::User("bob".to_owned())),
            content,
            ..v1::SendMessage::default()
        })),
        ..v1::Command::default()
    })
}

fn event(content: Bytes) -> v1::Event {
    v1::Event {
        event: Some(v1::event::Event::Direct(v1::Message {
            peer: "alice".to_owned(),
            seq: 1_041,
            server_time_ms: CLOCK_MS,
            sent_before_ms: 38,
            device_no: 2,
            local_no: 1_041,
            content,
            ..v1::Message::default()
        })),
    }
}

fn command_ack(n: u64) -> v1::CommandAck {
    v1::CommandAck { command_no: n, seq: n, inbox_seq: n, ..v1::CommandAck::default() }
}

/// Nanoseconds of writing a frame and of reading one.
struct Cost {
    write: f64,
    read: f64,
    bytes: usize,
}

/// Writes `frames` frames as a connection does, into a buffer that is sent when it holds enough; then reads them all.
fn round(
    frames: u64,
    mut write: impl FnMut(u64, &mut BytesMut),
    mut read: impl FnMut(&Bytes),
) -> Cost {
    let mut buffer = BytesMut::with_capacity(2 * FRAME_MAX_BYTES);
    let start = Instant::now();
    for n in 1..=frames {
        write(n, &mut buffer);
        if buffer.len() >= FRAME_MAX_BYTES {
            black_box(&buffer);
            buffer.clear();
        }
    }
    let written = start.elapsed();
    let mut stream = BytesMut::new();
    (1..=frames).for_each(|n| write(n, &mut stream));
    let stream = black_box(stream.freeze());
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    let mut found = 0_usize;
    let start = Instant::now();
    for chunk in stream.chunks(READ_BYTES) {
        decoder.push(chunk);
        while let Some(frame) = decoder.next().unwrap() {
            read(&frame);
            found += 1;
        }
    }
    let spent = start.elapsed();
    assert_eq!(found as u64, frames);
    let each = |spent: Duration| spent.as_secs_f64() * 1e9 / frames as f64;
    let bytes = stream.len() / found;
    Cost { write: each(written), read: each(spent), bytes }
}

fn report(name: &str, one_round: impl FnMut() -> Cost) {
    let rounds: Vec<Cost> = std::iter::repeat_with(one_round).take(ROUNDS).collect();
    let median = |of: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    };
    println!(
        "{name:<28} {:>6} bytes  write {:>7.0} ns  read {:>7.0} ns",
        rounds[0].bytes,
        median(|cost| cost.write),
        median(|cost| cost.read)
    );
}

fn main() {
    println!("frames, {FRAMES} a round ({LARGE_FRAMES} large ones), median of {ROUNDS} rounds");
    let text = Bytes::from_static(TEXT);
    let large = Bytes::from(vec![b'x'; CONTENT_MAX_BYTES]);
    for (name, content, frames) in
        [("msg:R", text.clone(), FRAMES), ("msg:R, 64 KiB", large.clone(), LARGE_FRAMES)]
    {
        report(name, || {
            let (client, mut server) = session();
            let body = send(content.clone());
            round(
                frames,
                |n, out| client.command(CommandNo(n), 3, &body, out),
                |frame| drop(black_box(server.receive(frame).unwrap())),
            )
        });
    }
    report("msg:A", || {
        let (mut client, server) = session();
        round(
            FRAMES,
            |n, out| server.command_ack(&command_ack(n), out),
            |frame| drop(black_box(client.receive(frame).unwrap())),
        )
    });
    for (name, content, frames) in
        [("msg:N", text.clone(), FRAMES), ("msg:N, 64 KiB", large, LARGE_FRAMES)]
    {
        report(name, || notify(frames, &[encode_event(&event(content.clone()))]));
    }
    let page = vec![encode_event(&event(text.clone())); 50];
    report("a page of 50 entries", || notify(FRAMES / 50, &page));
    report("ack:R", || {
        let (client, mut server) = session();
        round(
            FRAMES,
            |n, out| client.ack(InboxSeq(n), 0, out),
            |frame| drop(black_box(server.receive(frame).unwrap())),
        )
    });
    report("ack:A", || {
        let (mut client, server) = session();
        round(
            FRAMES,
            |n, out| server.ack_ok(InboxSeq(n), out),
            |frame| drop(black_box(client.receive(frame).unwrap())),
        )
    });
    println!("an event, encoded once for all its receivers: {:.0} ns", encode_once(&event(text)));
}

/// Nanoseconds of what fan-out hands to every receiver's session.
fn encode_once(event: &v1::Event) -> f64 {
    let start = Instant::now();
    for _ in 0..FRAMES {
        black_box(encode_event(black_box(event)));
    }
    start.elapsed().as_secs_f64() * 1e9 / FRAMES as f64
}

/// Batches of events that were encoded before, as fan-out does it once for all receivers.
fn notify(frames: u64, events: &[Bytes]) -> Cost {
    let (mut client, server) = session();
    let entries = events.len() as u64;
    round(
        frames,
        |n, out| server.event_batch(InboxSeq(n * entries), events.iter(), None, out),
        |frame| drop(black_box(client.receive(frame).unwrap())),
    )
}
