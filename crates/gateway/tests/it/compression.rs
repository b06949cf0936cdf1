//! Compressed frames on a session: pages shrink, pushes do not, old and new understand each other, bombs are refused.

use anser_proto::compression::{Method, SUPPORTED};
use anser_proto::session::client::ClientSession;
use anser_proto::v1;
use anser_service::SignedIn;
use anser_types::limits::FRAME_MAX_BYTES;
use anser_types::{DeviceClass, ErrorCode};
use prost::Message;
use tokio::io::DuplexStream;

use crate::peer::{Peer, text_to, texts};
use crate::world::World;

const NONE: &[Method] = &[];

fn connect(world: &World, methods: &'static [Method]) -> Peer<DuplexStream> {
    let (mut peer, _) = world.connect(64 * 1024);
    peer.wire = ClientSession::compressing(methods);
    peer
}

async fn online(world: &World, user: &str, methods: &'static [Method]) -> Peer<DuplexStream> {
    let device = world.device(user, DeviceClass::Bot).await;
    let mut peer = connect(world, methods);
    peer.sign_in(&device).await;
    peer
}

/// What a device reads that comes back to these messages, and the bytes it received for it.
async fn backlog(
    world: &World,
    device: &SignedIn,
    methods: &'static [Method],
) -> (Vec<String>, usize) {
    let mut bob = connect(world, methods);
    bob.hello(device, crate::peer::LOG_EPOCH, 0).await;
    let welcome = bob.welcome().await;
    let mut read = Vec::new();
    while bob.cursor < welcome.inbox_head {
        let batch = bob.batch().await;
        read.extend(texts(&batch));
        bob.store(&batch).await;
    }
    (read, bob.received_bytes)
}

#[tokio::test(start_paused = true)]
async fn requirement_f2_a_backlog_shrinks_and_says_the_same() {
    let world = World::new();
    let mut alice = online(&world, "alice", NONE).await;
    // One device for each reading: none has read it before.
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(world.device("bob", DeviceClass::Desktop).await);
    }
    for n in 0..120 {
        alice.send("bob", &format!("I will be there in {n} minutes, see you at the station")).await;
    }
    let (plain, plain_bytes) = backlog(&world, &devices[0], NONE).await;
    assert_eq!(plain.len(), 120);
    for (device, methods) in devices[1..].iter().zip([&[Method::Zstd], &[Method::Deflate]]) {
        let (read, bytes) = backlog(&world, device, methods).await;
        assert_eq!(read, plain);
        assert!(bytes * 2 < plain_bytes, "{methods:?}: {bytes} of {plain_bytes} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_f2_what_is_pushed_costs_the_same_bytes_for_everybody() {
    let world = World::new();
    let mut alice = online(&world, "alice", NONE).await;
    let mut old = online(&world, "bob", NONE).await;
    let mut new = online(&world, "bob", SUPPORTED).await;
    let before = (old.received_bytes, new.received_bytes);
    let long = "the same again ".repeat(100);
    alice.send("bob", &long).await;
    let expected = [format!("alice: {long}")];
    assert_eq!(texts(&old.batch().await), expected);
    assert_eq!(texts(&new.batch().await), expected);
    assert_eq!(old.received_bytes - before.0, new.received_bytes - before.1);
}

#[tokio::test(start_paused = true)]
async fn requirement_f2_old_and_new_clients_and_servers_understand_each_other() {
    let long = "the same again ".repeat(100);
    for (server, clients, agreed) in
        [(true, SUPPORTED, 2), (true, NONE, 0), (false, SUPPORTED, 0), (false, NONE, 0)]
    {
        let mut world = World::new();
        world.connection.compression = server;
        let mut bob = online(&world, "bob", NONE).await;
        let device = world.device("alice", DeviceClass::Phone).await;
        let mut alice = connect(&world, clients);
        assert_eq!(alice.sign_in(&device).await.compression, agreed);
        let before = alice.sent_bytes;
        alice.send("bob", &long).await;
        assert_eq!(alice.sent_bytes - before < long.len(), agreed != 0);
        assert_eq!(texts(&bob.batch().await), [format!("alice: {long}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_f2_bombs_and_cut_frames_end_their_session_only() {
    let world = World::new();
    let mut bob = online(&world, "bob", SUPPORTED).await;
    let zeros = vec![0; 16 * 1024 * 1024];
    let bomb = Method::Zstd.pack(&zeros, <[u8]>::to_vec).unwrap();
    let cases = [
        (zeros.len(), &bomb[..], ErrorCode::FrameTooLarge),
        (FRAME_MAX_BYTES, &bomb[..], ErrorCode::BadFrame),
        (FRAME_MAX_BYTES, &bomb[..bomb.len() / 2], ErrorCode::BadFrame),
    ];
    for (announced, body, code) in cases {
        let mut mallory = online(&world, "mallory", SUPPORTED).await;
        let bytes = u32::try_from(announced).unwrap();
        let compressed = v1::Compressed { bytes, body: body.to_vec().into() };
        let frame = v1::client_frame::Frame::Compressed(compressed);
        let frame = v1::ClientFrame { frame: Some(frame) };
        mallory.write(&frame.encode_length_delimited_to_vec()).await;
        mallory.closed_with(code).await;
    }
    // Who did not agree on it may not say it either.
    let mut eve = online(&world, "eve", NONE).await;
    let ping = v1::Compressed { bytes: 2, body: b"\x01\x02\0\xfd\xff\x1a\0"[..].into() };
    let frame = v1::ClientFrame { frame: Some(v1::client_frame::Frame::Compressed(ping)) };
    eve.write(&frame.encode_length_delimited_to_vec()).await;
    eve.closed_with(ErrorCode::BadFrame).await;

    bob.command(text_to("mallory", "still here")).await;
    assert_eq!(bob.command_ack().await.error, None);
}
