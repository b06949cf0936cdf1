//! The same session over WebSocket.

use std::collections::VecDeque;

use anser_gateway::{Gateway, ListenerKind};
use anser_proto::codec::FrameDecoder;
use anser_proto::session::client::{ClientSession, Incoming, command_body};
use anser_proto::v1;
use anser_service::SignedIn;
use anser_types::limits::{FRAME_MAX_BYTES, HELLO_MAX_BYTES};
use anser_types::{CommandNo, DeviceClass, ErrorCode, InboxSeq};
use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::peer::{text_to, texts};
use crate::world::{World, address, tcp};

struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    wire: ClientSession,
    heard: VecDeque<Incoming>,
}

impl Browser {
    async fn open(gateway: &Gateway) -> Self {
        let url = format!("ws://{}/v1/ws", address(gateway, ListenerKind::Http));
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self { socket, wire: ClientSession::new(), heard: VecDeque::new() }
    }

    async fn write(&mut self, bytes: impl Into<Bytes>) {
        self.socket.send(Message::Binary(bytes.into())).await.unwrap();
    }

    /// Bytes as no WebSocket library would send them.
    async fn write_raw(&mut self, bytes: &[u8]) {
        let MaybeTlsStream::Plain(stream) = self.socket.get_mut() else { panic!("no TLS here") };
        stream.write_all(bytes).await.unwrap();
    }

    async fn say(&mut self, encode: impl FnOnce(&mut ClientSession, &mut BytesMut)) {
        let mut out = BytesMut::new();
        encode(&mut self.wire, &mut out);
        self.write(out.freeze()).await;
    }

    async fn hello(&mut self, device: &SignedIn) {
        let hello = v1::Hello {
            token: device.token.clone(),
            device_no: device.device.0,
            ..v1::Hello::default()
        };
        self.say(|wire, out| wire.hello(hello, out)).await;
    }

    /// The next thing said; `None` at the end.
    async fn hear(&mut self) -> Option<Incoming> {
        loop {
            if let Some(incoming) = self.heard.pop_front() {
                return Some(incoming);
            }
            match self.socket.next().await?.ok()? {
                Message::Binary(bytes) => {
                    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
                    decoder.push(&bytes);
                    while let Some(frame) = decoder.next().unwrap() {
                        self.heard.push_back(self.wire.receive(&frame).unwrap());
                    }
                    assert_eq!(decoder.pending_bytes(), 0, "a message holds whole frames");
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    async fn welcomed(&mut self) -> v1::Welcome {
        match self.hear().await {
            Some(Incoming::Welcome(welcome)) => welcome,
            other => panic!("{other:?}"),
        }
    }

    async fn closed_with(&mut self, code: ErrorCode) {
        match self.hear().await {
            Some(Incoming::Close(close)) => {
                assert_eq!(close.code, u32::from(code.number()), "{close:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(self.hear().await, None);
    }
}

#[tokio::test]
async fn requirement_e1_two_people_talk_over_websocket_and_tcp() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http, ListenerKind::Tcp]);
    let mut bob = tcp(&gateway).await;
    bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
    let mut alice = Browser::open(&gateway).await;
    alice.hello(&world.device("alice", DeviceClass::Web).await).await;
    assert_eq!(alice.welcomed().await.user, "alice");
    // Several frames in one message.
    let mut out = BytesMut::new();
    for number in 1..=3 {
        let command = v1::Command {
            local_no: number,
            op: Some(text_to("bob", &number.to_string())),
            ..v1::Command::default()
        };
        alice.wire.command(CommandNo(number), 0, &command_body(&command), &mut out);
    }
    alice.write(out.freeze()).await;
    for number in 1..=3 {
        let Some(Incoming::CommandAck(ack)) = alice.hear().await else { panic!() };
        assert_eq!((ack.command_no, ack.seq, ack.error), (number, number, None));
    }
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.extend(texts(&bob.batch().await));
    }
    assert_eq!(heard, ["alice: 1", "alice: 2", "alice: 3"]);
    bob.command(text_to("alice", "heard you")).await;
    while !matches!(bob.hear().await, Incoming::CommandAck(_)) {}
    let Some(Incoming::EventBatch(batch)) = alice.hear().await else { panic!() };
    assert_eq!(texts(&batch), ["bob: heard you"]);
    alice.say(|wire, out| wire.ack(InboxSeq(4), 0, out)).await;
    let Some(Incoming::AckOk(ok)) = alice.hear().await else { panic!() };
    assert_eq!(ok.inbox_seq, 4);
    // Leaving in order.
    alice.say(|wire, out| wire.close(out)).await;
    assert_eq!(alice.hear().await, None);
}

#[tokio::test]
async fn what_is_no_frame_is_told_over_websocket_too() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let mut text = Browser::open(&gateway).await;
    text.socket.send(Message::Text("hello".into())).await.unwrap();
    text.closed_with(ErrorCode::BadFrame).await;

    let mut cut = Browser::open(&gateway).await;
    cut.write(vec![9, 0x1a]).await;
    cut.closed_with(ErrorCode::BadFrame).await;

    let mut large = Browser::open(&gateway).await;
    let announced = HELLO_MAX_BYTES + 1;
    large.write(vec![(announced & 0x7f) as u8 | 0x80, (announced >> 7) as u8]).await;
    large.closed_with(ErrorCode::FrameTooLarge).await;

    let mut huge = Browser::open(&gateway).await;
    huge.write(vec![0; 2 * FRAME_MAX_BYTES]).await;
    huge.closed_with(ErrorCode::FrameTooLarge).await;
}

#[tokio::test]
async fn before_hello_no_message_may_be_larger_than_a_hello() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    // The head alone of a binary message of 8 KiB: refused before a byte of it is waited for or has a place.
    let mut announced = Browser::open(&gateway).await;
    announced.write_raw(&[0x82, 0x80 | 126, 0x20, 0x00, 1, 2, 3, 4]).await;
    announced.closed_with(ErrorCode::FrameTooLarge).await;
    // In pieces of 1 KiB without an end.
    let mut pieces = Browser::open(&gateway).await;
    for number in 0..5 {
        let opcode = if number == 0 { 0x02 } else { 0x00 };
        pieces.write_raw(&[opcode, 0x80 | 126, 0x04, 0x00, 1, 2, 3, 4]).await;
        pieces.write_raw(&[0; 1024]).await;
    }
    pieces.closed_with(ErrorCode::FrameTooLarge).await;
    // Whoever is known may say more.
    let mut alice = Browser::open(&gateway).await;
    world.device("bob", DeviceClass::Phone).await;
    alice.hello(&world.device("alice", DeviceClass::Web).await).await;
    alice.welcomed().await;
    let op = Some(text_to("bob", &"x".repeat(60_000)));
    let body = command_body(&v1::Command { local_no: 1, op, ..v1::Command::default() });
    alice.say(|wire, out| wire.command(CommandNo(1), 0, &body, out)).await;
    let Some(Incoming::CommandAck(ack)) = alice.hear().await else { panic!() };
    assert_eq!((ack.seq, ack.error), (1, None));
}

#[tokio::test]
async fn pings_of_the_transport_are_answered() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let mut alice = Browser::open(&gateway).await;
    alice.hello(&world.device("alice", DeviceClass::Web).await).await;
    alice.welcomed().await;
    alice.socket.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
    loop {
        if let Message::Pong(bytes) = alice.socket.next().await.unwrap().unwrap() {
            assert_eq!(bytes.as_ref(), b"there?");
            break;
        }
    }
}

#[tokio::test]
async fn sessions_over_websocket_drain_too() {
    let world = World::new();
    let gateway = world.gateway(&[ListenerKind::Http]);
    let mut alice = Browser::open(&gateway).await;
    alice.hello(&world.device("alice", DeviceClass::Web).await).await;
    alice.welcomed().await;
    tokio::join!(alice.closed_with(ErrorCode::Draining), gateway.drain());
}
