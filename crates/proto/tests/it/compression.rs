//! Compressed frames: what is agreed, what shrinks, what stays as it is, and what is refused.

use anser_proto::compression::{DICTIONARY, Method, SUPPORTED, THRESHOLD_BYTES};
use anser_proto::session::client::{ClientSession, Incoming, command_body};
use anser_proto::session::server::{Request, ServerSession, encode_event};
use anser_proto::v1;
use anser_types::limits::FRAME_MAX_BYTES;
use anser_types::{CommandNo, ErrorCode, InboxSeq};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use prost::Message;

use crate::dictionary::frames::Maker;
use crate::dictionary::training;
use crate::samples::{hello, only_frame, say_hello, welcome};

/// `Compressed` of either direction.
const COMPRESSED_KEY: u8 = 15 << 3 | 2;

/// An open session between sides that speak these methods, and which one Welcome named.
fn agreed(
    clients: &'static [Method],
    servers: &'static [Method],
) -> (ClientSession, ServerSession, u32) {
    let mut client = ClientSession::compressing(clients);
    let mut server = ServerSession::compressing(servers);
    let mut out = BytesMut::new();
    client.hello(hello(), &mut out);
    server.receive(&only_frame(&out)).unwrap();
    out.clear();
    server.welcome(welcome(), &mut out);
    let Incoming::Welcome(welcome) = client.receive(&only_frame(&out)).unwrap() else {
        panic!("no Welcome");
    };
    (client, server, welcome.compression)
}

fn both(method: &'static [Method]) -> (ClientSession, ServerSession) {
    let (client, server, number) = agreed(method, SUPPORTED);
    assert_eq!(number, method[0].number());
    (client, server)
}

const METHODS: [&[Method]; 2] = [&[Method::Deflate], &[Method::Zstd]];

fn page_of(events: usize) -> Vec<Bytes> {
    let page = Maker::new(77).inbox_page(50..51);
    let Some(v1::server_frame::Frame::EventBatch(batch)) = page.frame else { panic!("no page") };
    batch.events.iter().map(encode_event).take(events).collect()
}

fn write_page(server: &ServerSession, events: &[Bytes], head: Option<u64>) -> BytesMut {
    let mut out = BytesMut::new();
    server.event_batch(InboxSeq(1), events.iter(), head.map(InboxSeq), &mut out);
    out
}

/// A compressed frame as a faulty or hostile client would write it.
fn forged(bytes: u32, body: &[u8]) -> Bytes {
    let compressed = v1::Compressed { bytes, body: Bytes::copy_from_slice(body) };
    let frame = v1::client_frame::Frame::Compressed(compressed);
    v1::ClientFrame { frame: Some(frame) }.encode_to_vec().into()
}

fn packed(method: Method, whole: &[u8]) -> Vec<u8> {
    method.pack(whole, <[u8]>::to_vec).expect("it shrinks")
}

/// As ciphertext looks: no byte says anything about another.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(byte).take(bytes).collect()
}

#[test]
fn requirement_f2_the_server_takes_what_the_client_likes_most_of_what_it_speaks() {
    const NONE: &[Method] = &[];
    const REVERSED: &[Method] = &[Method::Deflate, Method::Zstd];
    for (clients, servers, expected) in [
        (SUPPORTED, SUPPORTED, 2),
        (REVERSED, SUPPORTED, 1),
        (SUPPORTED, METHODS[0], 1),
        (METHODS[1], METHODS[0], 0),
        (NONE, SUPPORTED, 0),
        (SUPPORTED, NONE, 0),
    ] {
        assert_eq!(agreed(clients, servers).2, expected, "{clients:?} with {servers:?}");
    }
    // Methods of the future are passed over.
    assert_eq!(Method::choose(&[9, 1_000, 1], SUPPORTED), Some(Method::Deflate));
}

#[test]
fn requirement_f2_a_page_shrinks_and_says_the_same() {
    let events = page_of(50);
    let (_, plain, _) = agreed(&[], SUPPORTED);
    let whole = write_page(&plain, &events, Some(900));
    for method in METHODS {
        let (mut client, server) = both(method);
        let shrunk = write_page(&server, &events, Some(900));
        assert!(shrunk.len() * 5 < whole.len() * 4, "{} of {}", shrunk.len(), whole.len());
        let frame = only_frame(&shrunk);
        assert_eq!(frame[0], COMPRESSED_KEY);
        let Incoming::EventBatch(batch) = client.receive(&frame).unwrap() else { panic!() };
        let raw: Vec<Bytes> = batch.events.into_iter().map(|event| event.raw).collect();
        assert_eq!(raw, events);
        assert_eq!((batch.first, batch.head), (InboxSeq(1), Some(InboxSeq(900))));
    }
}

#[test]
fn requirement_f2_what_is_pushed_and_what_is_short_is_never_compressed() {
    let events = page_of(50);
    for method in METHODS {
        let (_, server) = both(method);
        let pushed = write_page(&server, &events, None);
        assert_ne!(only_frame(&pushed)[0], COMPRESSED_KEY, "a push");
        let mut few = events.clone();
        while write_page(&server, &few, None).len() > THRESHOLD_BYTES - 8 {
            few.pop();
        }
        let short = write_page(&server, &few, Some(900));
        assert_ne!(only_frame(&short)[0], COMPRESSED_KEY, "a short page");
    }
}

#[test]
fn requirement_f2_a_long_command_shrinks_and_keeps_its_hash() {
    let text: &'static str = "The same words again and again. ".repeat(60).leak();
    let body = command_body(&say_hello(text));
    let (plain_client, mut plain_server, _) = agreed(&[], SUPPORTED);
    let mut whole = BytesMut::new();
    plain_client.command(CommandNo(7), 0, &body, &mut whole);
    let expected = plain_server.receive(&only_frame(&whole)).unwrap();
    for method in METHODS {
        let (client, mut server) = both(method);
        let mut shrunk = BytesMut::new();
        client.command(CommandNo(7), 0, &body, &mut shrunk);
        assert!(shrunk.len() * 4 < whole.len());
        assert_eq!(server.receive(&only_frame(&shrunk)), Ok(expected.clone()));
    }
}

#[test]
fn requirement_f2_what_does_not_shrink_goes_as_it_is() {
    let noise = noise(4_096);
    let send = v1::SendMessage { content: noise.into(), ..Default::default() };
    let body =
        command_body(&v1::Command { op: Some(v1::command::Op::Send(send)), ..Default::default() });
    for method in METHODS {
        let (client, mut server) = both(method);
        let mut out = BytesMut::new();
        client.command(CommandNo(1), 0, &body, &mut out);
        let frame = only_frame(&out);
        assert_ne!(frame[0], COMPRESSED_KEY);
        assert!(matches!(server.receive(&frame), Ok(Request::Command(_))));
    }
}

#[test]
fn what_does_not_shrink_disturbs_nothing_after_it() {
    let mut maker = Maker::new(5);
    for method in METHODS.map(|methods| methods[0]) {
        for round in 1..200 {
            assert_eq!(method.pack(&noise(round * 37), <[u8]>::len), None);
            // A beginning that shrinks before an end that does not.
            let mut both = maker.frame();
            both.extend(noise(both.len() * 7));
            assert_eq!(method.pack(&both, <[u8]>::len), None);
            let whole = maker.long_command().encode_to_vec();
            let packed = packed(method, &whole);
            let bytes = u32::try_from(whole.len()).unwrap();
            assert_eq!(method.unpack(&packed, bytes), Ok(whole));
        }
    }
}

#[test]
fn requirement_f2_hello_is_never_compressed_and_nothing_compressed_comes_before_welcome() {
    let mut client = ClientSession::compressing(SUPPORTED);
    let mut out = BytesMut::new();
    client.hello(v1::Hello { client: "x".repeat(2_000), ..hello() }, &mut out);
    assert_eq!(only_frame(&out)[0], 6 << 3 | 2, "a plain Hello");
    let ping = forged(2, b"\x01\x02\0\xfd\xff\x1a\0");
    let mut stranger = ServerSession::compressing(SUPPORTED);
    assert_eq!(stranger.receive(&ping).unwrap_err().code, ErrorCode::WrongPhase);
}

#[test]
fn requirement_f2_a_bomb_is_refused() {
    let zeros = vec![0_u8; 16 * 1024 * 1024];
    for method in METHODS {
        let bomb = packed(method[0], &zeros);
        assert!(bomb.len() * 100 < zeros.len(), "{}", bomb.len());
        let refused = |announced: usize| {
            let frame = forged(u32::try_from(announced).unwrap(), &bomb);
            both(method).1.receive(&frame).unwrap_err().code
        };
        assert_eq!(refused(zeros.len()), ErrorCode::FrameTooLarge, "as large as it says");
        assert_eq!(refused(FRAME_MAX_BYTES + 1), ErrorCode::FrameTooLarge);
        assert_eq!(refused(FRAME_MAX_BYTES), ErrorCode::BadFrame, "larger than it says");
        assert_eq!(refused(10), ErrorCode::BadFrame);
        assert_eq!(refused(0), ErrorCode::BadFrame);
    }
}

#[test]
fn requirement_f2_what_is_cut_damaged_or_not_agreed_is_refused() {
    let text: &'static str = "The same words again and again. ".repeat(60).leak();
    let frame = v1::client_frame::Frame::Command(say_hello(text));
    let whole = v1::ClientFrame { frame: Some(frame) }.encode_to_vec();
    let bytes = u32::try_from(whole.len()).unwrap();
    for method in METHODS {
        let good = packed(method[0], &whole);
        let code = |frame: &Bytes| both(method).1.receive(frame).map_err(|reason| reason.code);
        assert!(matches!(code(&forged(bytes, &good)), Ok(Request::Command(_))));
        for cut in 0..good.len() {
            assert_eq!(
                code(&forged(bytes, &good[..cut])),
                Err(ErrorCode::BadFrame),
                "cut at {cut}"
            );
        }
        assert_eq!(code(&forged(bytes - 1, &good)), Err(ErrorCode::BadFrame));
        assert_eq!(code(&forged(bytes + 1, &good)), Err(ErrorCode::BadFrame));
        let longer = [&good[..], b"more"].concat();
        assert_eq!(code(&forged(bytes, &longer)), Err(ErrorCode::BadFrame));
        // A compressed frame holds no compressed frame.
        let inner = forged(bytes, &good);
        let outer = v1::Compressed { bytes: 0, body: inner };
        let repeated = [&outer.body[..], &[0xc0, 0x0c, 0x01].repeat(300)].concat();
        let twice = forged(u32::try_from(repeated.len()).unwrap(), &packed(method[0], &repeated));
        assert_eq!(code(&twice), Err(ErrorCode::BadFrame));

        let mut without = agreed(&[], SUPPORTED).1;
        assert_eq!(without.receive(&forged(bytes, &good)).unwrap_err().code, ErrorCode::BadFrame);
    }
}

#[test]
fn requirement_f2_a_client_does_not_take_what_it_did_not_offer() {
    let mut client = ClientSession::compressing(METHODS[0]);
    client.hello(hello(), &mut BytesMut::new());
    let chosen = v1::Welcome { version: 1, compression: 2, ..welcome() };
    let frame = v1::ServerFrame { frame: Some(v1::server_frame::Frame::Welcome(chosen)) };
    let refused = client.receive(&frame.encode_to_vec().into()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::BadFrame);
}

#[test]
fn requirement_f2_the_dictionary_is_what_its_training_makes() {
    assert!(DICTIONARY.len() <= 64 * 1024);
    assert_eq!(DICTIONARY[..4], [0x37, 0xa4, 0x30, 0xec], "a dictionary of zstd (RFC 8878, 5)");
    let trained = training::train().unwrap();
    assert!(
        trained == DICTIONARY,
        "`cargo xtask dictionary` makes another one: a new method's number"
    );
}

proptest! {
    #[test]
    fn whatever_is_packed_comes_back(seed in any::<u64>()) {
        let whole = Maker::new(seed).frame();
        for method in METHODS {
            if let Some(packed) = method[0].pack(&whole, <[u8]>::to_vec) {
                prop_assert!(packed.len() <= whole.len() - whole.len() / 8);
                let bytes = u32::try_from(whole.len()).unwrap();
                prop_assert_eq!(method[0].unpack(&packed, bytes), Ok(whole.clone()));
            }
        }
    }

    #[test]
    fn no_bytes_are_more_than_refused(body in prop::collection::vec(any::<u8>(), 0..300), bytes in 0_u32..4_096) {
        for method in METHODS {
            let unpacked = method[0].unpack(&body, bytes);
            prop_assert!(unpacked.is_err() || unpacked.is_ok_and(|whole| whole.len() == bytes as usize));
        }
    }
}
