//! Realistic messages that several tests use.

use anser_proto::compression::Method;
use anser_proto::session::client::ClientSession;
use anser_proto::session::server::ServerSession;
use anser_proto::{codec::FrameDecoder, v1};
use anser_types::limits::FRAME_MAX_BYTES;
use bytes::{Bytes, BytesMut};

/// A frame with one case.
pub fn client_frame(frame: v1::client_frame::Frame) -> v1::ClientFrame {
    v1::ClientFrame { frame: Some(frame) }
}

/// A frame with one case.
pub fn server_frame(frame: v1::server_frame::Frame) -> v1::ServerFrame {
    v1::ServerFrame { frame: Some(frame) }
}

pub fn hello() -> v1::Hello {
    v1::Hello {
        version_min: 1,
        version_max: 1,
        token: "anser_8Q2mZk0vT5".into(),
        device_no: 2,
        device_class: 3,
        log_epoch: 1,
        inbox_cursor: 4_710,
        network: "wifi:home".into(),
        client: "anser 0.1.0".into(),
        compression: vec![1],
        ..Default::default()
    }
}

pub fn welcome() -> v1::Welcome {
    v1::Welcome {
        server_time_unix_ms: 1_795_169_730_288,
        user: "alice".into(),
        session_epoch: 12,
        log_epoch: 1,
        last_command_no: 1_040,
        inbox_head: 4_710,
        limits: Some(v1::Limits { frame_bytes: 262_144, ..Default::default() }),
        ..Default::default()
    }
}

pub fn say_hello(text: &'static str) -> v1::Command {
    let send = v1::SendMessage {
        to: Some(v1::send_message::To::User("bob".into())),
        content: Bytes::from_static(text.as_bytes()),
        ..Default::default()
    };
    v1::Command {
        command_no: 1_041,
        unanswered_before: 3,
        local_no: 1_044,
        sent_at_ms: 59_480_130_250,
        op: Some(v1::command::Op::Send(send)),
    }
}

pub fn message_event(text: &'static str) -> v1::Event {
    let message = v1::Message {
        peer: "alice".into(),
        seq: 1_205,
        server_time_ms: 59_480_130_288,
        sent_before_ms: 38,
        device_no: 2,
        local_no: 1_044,
        content: Bytes::from_static(text.as_bytes()),
        ..Default::default()
    };
    v1::Event { event: Some(v1::event::Event::Direct(message)) }
}

/// One of every client case.
pub fn client_frames() -> Vec<v1::ClientFrame> {
    use v1::client_frame::Frame as F;
    let signal = v1::Signal {
        signal: Some(v1::signal::Signal::Typing(v1::Typing {
            peer: "bob".into(),
            ..Default::default()
        })),
    };
    let history = v1::HistoryQuery { limit: 50, ..Default::default() };
    let query = v1::Query { query_no: 1, query: Some(v1::query::Query::History(history)) };
    [
        F::Command(say_hello("hello")),
        F::Ack(v1::Ack { inbox_seq: 4_711, want: 50 }),
        F::Ping(v1::Ping::default()),
        F::Query(query),
        F::Signal(signal),
        F::Hello(hello()),
        F::Foreground(v1::Foreground { background: true, silence_ms: 243_000 }),
        F::Close(v1::ClientClose {}),
        F::Follow(v1::Follow { channels: vec![channel_position()] }),
        // An empty Ping in a block that deflate has only stored.
        F::Compressed(v1::Compressed { bytes: 2, body: b"\x01\x02\0\xfd\xff\x1a\0"[..].into() }),
    ]
    .map(client_frame)
    .into()
}

/// One of every server case.
pub fn server_frames() -> Vec<v1::ServerFrame> {
    use v1::server_frame::Frame as F;
    let events = vec![message_event("hello"), message_event("again")];
    let delivered = v1::Position { peer: "bob".into(), up_to_seq: 1_205, ..Default::default() };
    let error = v1::Error { code: 501, retry_after_ms: 100, ..Default::default() };
    [
        F::CommandAck(v1::CommandAck {
            command_no: 1_041,
            error: Some(error),
            ..Default::default()
        }),
        F::EventBatch(v1::EventBatch { first_inbox_seq: 4_711, events, head: 4_900 }),
        F::AckOk(v1::AckOk { inbox_seq: 4_711 }),
        F::Pong(v1::Pong { inbox_head: 4_900 }),
        F::Signal(v1::Signal { signal: Some(v1::signal::Signal::Delivered(delivered)) }),
        F::Reply(v1::Reply { query_no: 1, ..Default::default() }),
        F::Welcome(v1::Welcome { version: 1, ..welcome() }),
        F::Close(v1::Close { code: 503, retry_after_ms: 1_000, ..Default::default() }),
        F::SyncReset(v1::SyncReset { at: 4_711, log_epoch: 2, reason: 600 }),
        F::ChannelBatch(v1::ChannelBatch { events: vec![message_event("one")] }),
        F::ChannelHeads(v1::ChannelHeads { heads: vec![channel_position()], gone: Vec::new() }),
        // An empty Pong in a block that deflate has only stored.
        F::Compressed(v1::Compressed { bytes: 2, body: b"\x01\x02\0\xfd\xff\x22\0"[..].into() }),
    ]
    .map(server_frame)
    .into()
}

/// Both halves of a session after Hello and Welcome.
pub fn active() -> (ClientSession, ServerSession) {
    let deflate = &[Method::Deflate];
    let (mut client, mut server) =
        (ClientSession::compressing(deflate), ServerSession::compressing(deflate));
    let mut out = BytesMut::new();
    client.hello(hello(), &mut out);
    server.receive(&only_frame(&out)).unwrap();
    out.clear();
    server.welcome(welcome(), &mut out);
    client.receive(&only_frame(&out)).unwrap();
    (client, server)
}

/// The bodies of all whole frames in these bytes, which must end with the last one.
pub fn frames(stream: &[u8]) -> Vec<Bytes> {
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    decoder.push(stream);
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next().unwrap() {
        frames.push(frame);
    }
    assert_eq!(decoder.pending_bytes(), 0, "the stream ends inside a frame");
    frames
}

/// The body of the one frame in these bytes.
pub fn only_frame(stream: &[u8]) -> Bytes {
    let mut frames = frames(stream);
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

fn channel_position() -> v1::ChannelPosition {
    let conversation = Bytes::from_static(&[7; 16]);
    v1::ChannelPosition { conversation, seq: 9, change_no: 4 }
}
