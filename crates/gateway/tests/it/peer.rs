//! A client as small as it can be: says frames, hears frames, counts bytes.

use std::{collections::VecDeque, time::Duration};

use anser_proto::codec::FrameDecoder;
use anser_proto::session::client::{ClientSession, Incoming, command_body};
use anser_proto::session::received::{ReceivedBatch, ReceivedKind};
use anser_proto::{time, v1};
use anser_service::SignedIn;
use anser_types::{CommandNo, DeviceClass, ErrorCode, InboxSeq, UnixMs};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use v1::{command::Op, send_message::To};

/// Nothing in a test takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(3600);
/// The epoch of a log that never went back.
pub const LOG_EPOCH: u64 = 1;

pub struct Peer<S> {
    pub stream: S,
    pub wire: ClientSession,
    decoder: FrameDecoder,
    heard: VecDeque<Incoming>,
    pub sent_bytes: usize,
    pub received_bytes: usize,
    pub next_command_no: u64,
    pub device_no: u64,
    /// The last inbox entry that was acknowledged.
    pub cursor: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn new(stream: S) -> Self {
        let wire = ClientSession::new();
        Self {
            stream,
            decoder: FrameDecoder::new(wire.frame_limit()),
            wire,
            heard: VecDeque::new(),
            sent_bytes: 0,
            received_bytes: 0,
            next_command_no: 1,
            device_no: 0,
            cursor: 0,
        }
    }

    /// Bytes as they are, right or wrong.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.sent_bytes += bytes.len();
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub async fn say(&mut self, encode: impl FnOnce(&mut ClientSession, &mut BytesMut)) {
        let mut out = BytesMut::new();
        encode(&mut self.wire, &mut out);
        self.write(&out).await;
    }

    /// What the server says next.
    pub async fn hear(&mut self) -> Incoming {
        self.hear_or_end().await.expect("the server ended the connection without Close")
    }

    /// What the server says next, or `None` at the end of the connection.
    pub async fn hear_or_end(&mut self) -> Option<Incoming> {
        loop {
            if let Some(incoming) = self.heard.pop_front() {
                return Some(incoming);
            }
            let mut space = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut space)).await;
            let count = read.expect("the server says nothing").unwrap_or(0);
            if count == 0 {
                return None;
            }
            self.received_bytes += count;
            self.decoder.push(&space[..count]);
            while let Some(frame) = self.decoder.next().unwrap() {
                let incoming = self.wire.receive(&frame).unwrap();
                self.decoder.set_max(self.wire.frame_limit());
                self.heard.push_back(incoming);
            }
        }
    }

    /// Says Hello with the cursor this device has, and nothing more.
    pub async fn hello(&mut self, device: &SignedIn, log_epoch: u64, cursor: u64) {
        self.device_no = device.device.0;
        self.cursor = cursor;
        let hello = v1::Hello {
            token: device.token.clone(),
            device_no: device.device.0,
            device_class: u32::from(DeviceClass::Phone.code()),
            log_epoch,
            inbox_cursor: cursor,
            client: "test".to_owned(),
            ..v1::Hello::default()
        };
        self.say(|wire, out| wire.hello(hello, out)).await;
    }

    /// Signs in as a new installation: it begins where the inbox ends.
    pub async fn sign_in(&mut self, device: &SignedIn) -> v1::Welcome {
        self.hello(device, 0, 0).await;
        let welcome = self.welcome().await;
        self.next_command_no = welcome.last_command_no + 1;
        if welcome.inbox_head > 0 {
            let reset = self.reset().await;
            self.ack(reset.at, 0).await;
            assert_eq!(self.ack_ok().await, reset.at);
        }
        welcome
    }

    /// Signs in as an installation that was online before anything came, and reads the whole inbox.
    pub async fn come_back(&mut self, device: &SignedIn) -> v1::Welcome {
        self.hello(device, LOG_EPOCH, 0).await;
        let welcome = self.welcome().await;
        self.next_command_no = welcome.last_command_no + 1;
        while self.cursor < welcome.inbox_head {
            let batch = self.batch().await;
            self.store(&batch).await;
        }
        welcome
    }

    /// Acknowledges a batch; a page's acknowledgement asks for the next one, a last one's is answered.
    pub async fn store(&mut self, batch: &ReceivedBatch) {
        let last = batch.first.0 + batch.events.len() as u64 - 1;
        let more = batch.head.is_some_and(|head| head.0 > last);
        self.ack(last, if more { 50 } else { 0 }).await;
        if !more {
            assert_eq!(self.ack_ok().await, last);
        }
    }

    pub async fn ack(&mut self, up_to: u64, want: u32) {
        self.cursor = up_to;
        self.say(|wire, out| wire.ack(InboxSeq(up_to), want, out)).await;
    }

    /// Transmits the next command.
    pub async fn command(&mut self, op: Op) -> u64 {
        let (command_no, body) = self.compose(op);
        self.transmit(command_no, &body).await;
        command_no
    }

    pub fn compose(&mut self, op: Op) -> (u64, Bytes) {
        let command_no = self.next_command_no;
        self.next_command_no += 1;
        let command = v1::Command {
            local_no: command_no + 3,
            sent_at_ms: time::to_wire(UnixMs(1_795_169_730_250)),
            op: Some(op),
            ..v1::Command::default()
        };
        (command_no, command_body(&command))
    }

    pub async fn transmit(&mut self, command_no: u64, body: &Bytes) {
        self.say(|wire, out| wire.command(CommandNo(command_no), 0, body, out)).await;
    }

    /// Sends a text and waits for its answer.
    pub async fn send(&mut self, to: &str, text: &str) -> v1::CommandAck {
        self.command(text_to(to, text)).await;
        let ack = self.command_ack().await;
        assert_eq!(ack.error, None);
        ack
    }

    pub async fn welcome(&mut self) -> v1::Welcome {
        match self.hear().await {
            Incoming::Welcome(welcome) => welcome,
            other => panic!("a Welcome is expected, not {other:?}"),
        }
    }

    pub async fn command_ack(&mut self) -> v1::CommandAck {
        loop {
            match self.hear().await {
                Incoming::CommandAck(ack) => return ack,
                Incoming::Signal(_) => {}
                other => panic!("an answer to a command is expected, not {other:?}"),
            }
        }
    }

    pub async fn batch(&mut self) -> ReceivedBatch {
        match self.hear().await {
            Incoming::EventBatch(batch) => batch,
            other => panic!("events are expected, not {other:?}"),
        }
    }

    pub async fn ack_ok(&mut self) -> u64 {
        match self.hear().await {
            Incoming::AckOk(ok) => ok.inbox_seq,
            other => panic!("an AckOk is expected, not {other:?}"),
        }
    }

    pub async fn signal(&mut self) -> v1::signal::Signal {
        match self.hear().await {
            Incoming::Signal(signal) => signal.signal.unwrap(),
            other => panic!("a signal is expected, not {other:?}"),
        }
    }

    pub async fn reset(&mut self) -> v1::SyncReset {
        match self.hear().await {
            Incoming::SyncReset(reset) => reset,
            other => panic!("a SyncReset is expected, not {other:?}"),
        }
    }

    pub async fn reply(&mut self) -> v1::Reply {
        match self.hear().await {
            Incoming::Reply(reply) => reply,
            other => panic!("a Reply is expected, not {other:?}"),
        }
    }

    pub async fn pong(&mut self) -> u64 {
        self.say(|wire, out| wire.ping(None, out)).await;
        match self.hear().await {
            Incoming::Pong(pong) => pong.inbox_head,
            other => panic!("a Pong is expected, not {other:?}"),
        }
    }

    /// The server closes with this code; nothing follows.
    pub async fn closed_with(&mut self, code: ErrorCode) -> v1::Close {
        loop {
            match self.hear().await {
                Incoming::Close(close) => {
                    assert_eq!(close.code, u32::from(code.number()), "{close:?}");
                    assert_eq!(self.hear_or_end().await, None);
                    return close;
                }
                Incoming::Welcome(_) | Incoming::Signal(_) => {}
                other => panic!("a Close is expected, not {other:?}"),
            }
        }
    }
}

pub fn text_to(to: &str, text: &str) -> Op {
    content_to(to, Bytes::from(text.to_owned()))
}

pub fn content_to(to: &str, content: Bytes) -> Op {
    Op::Send(v1::SendMessage {
        to: Some(To::User(to.to_owned())),
        content,
        ..v1::SendMessage::default()
    })
}

/// The texts of a batch, each with its sender.
pub fn texts(batch: &ReceivedBatch) -> Vec<String> {
    batch
        .events
        .iter()
        .map(|event| match &event.kind {
            ReceivedKind::Known(v1::event::Event::Direct(message)) => {
                format!("{}: {}", message.peer, String::from_utf8_lossy(&message.content))
            }
            ReceivedKind::Known(v1::event::Event::OwnDirect(message)) => {
                format!("to {}: {}", message.peer, String::from_utf8_lossy(&message.content))
            }
            ReceivedKind::Known(v1::event::Event::Group(message)) => {
                format!("{}@group: {}", message.sender, String::from_utf8_lossy(&message.content))
            }
            other => format!("{other:?}"),
        })
        .collect()
}
