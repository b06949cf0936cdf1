//! A session without the SDK: as little as a client needs, for hundreds of them and for clients that behave badly.

use std::net::SocketAddr;

use anser_proto::codec::FrameDecoder;
use anser_proto::session::client::{ClientSession, Incoming, command_body};
use anser_proto::session::received::{ReceivedBatch, ReceivedKind};
use anser_proto::v1;
use anser_sdk::http::SignedIn;
use anser_types::limits::COMMANDS_IN_FLIGHT;
use anser_types::{CommandNo, InboxSeq, Seq, UserId};
use bytes::{Bytes, BytesMut};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Entries asked for at a time.
const WANT: u32 = 100;

/// One open session.
pub struct RawSession {
    stream: TcpStream,
    session: ClientSession,
    decoder: FrameDecoder,
    /// The last inbox entry received.
    pub cursor: InboxSeq,
    /// The numbers of the direct messages received, in the order they came.
    pub seqs: Vec<Seq>,
    /// The last command sent, and the last one answered.
    commands: (CommandNo, CommandNo),
}

impl RawSession {
    /// Says hello and waits for the answer; why there is none, otherwise.
    pub async fn open(address: SocketAddr, who: &SignedIn) -> Result<Self, String> {
        Self::connect(address, who, 0, InboxSeq(0)).await
    }

    /// The same, going on after what another session has received.
    pub async fn resume(
        address: SocketAddr,
        who: &SignedIn,
        (cursor, seqs): (InboxSeq, Vec<Seq>),
    ) -> Result<Self, String> {
        let session = Self::connect(address, who, 1, cursor).await?;
        Ok(Self { seqs, ..session })
    }

    async fn connect(
        address: SocketAddr,
        who: &SignedIn,
        log_epoch: u64,
        cursor: InboxSeq,
    ) -> Result<Self, String> {
        // A small window: a session that does not read is felt by the server soon.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let stream = socket.connect(address).await.map_err(|error| error.to_string())?;
        let session = ClientSession::new();
        let decoder = FrameDecoder::new(session.frame_limit());
        let commands = (CommandNo(0), CommandNo(0));
        let mut raw = Self { stream, session, decoder, cursor, seqs: Vec::new(), commands };
        let mut out = BytesMut::new();
        let hello = v1::Hello {
            token: who.token.expose_secret().to_owned(),
            device_no: who.device.0,
            // A device that has met this log before goes on at its cursor.
            log_epoch,
            inbox_cursor: cursor.0,
            want: WANT,
            client: "drill".to_owned(),
            ..Default::default()
        };
        raw.session.hello(hello, &mut out);
        raw.write(&out).await?;
        match raw.next().await? {
            Incoming::Welcome(_) => {
                raw.decoder.set_max(raw.session.frame_limit());
                Ok(raw)
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Reads, and says what it has, until its inbox is read up to here.
    pub async fn read_up_to(&mut self, head: InboxSeq) -> Result<(), String> {
        while self.cursor < head {
            self.read_batch(|_| ()).await?;
        }
        Ok(())
    }

    /// Reads the next entries, says that it has them, and shows the messages among them. Safe to be interrupted.
    pub async fn read_batch(&mut self, mut show: impl FnMut(&v1::Message)) -> Result<(), String> {
        let batch = loop {
            if let Incoming::EventBatch(batch) = self.next().await? {
                break batch;
            }
        };
        let out = self.take_in(&batch, &mut show);
        self.write(&out).await
    }

    fn take_in(&mut self, batch: &ReceivedBatch, show: &mut impl FnMut(&v1::Message)) -> BytesMut {
        assert_eq!(batch.first, self.cursor.next(), "no hole and nothing twice");
        for event in &batch.events {
            if let ReceivedKind::Known(v1::event::Event::Direct(message)) = &event.kind {
                self.seqs.push(Seq(message.seq));
                show(message);
            }
            self.cursor = self.cursor.next();
        }
        let more = batch.head.is_some_and(|head| head > self.cursor);
        let mut out = BytesMut::new();
        self.session.ack(self.cursor, if more { WANT } else { 0 }, &mut out);
        out
    }

    /// Sends a message; the number of its command. As many may be on their way as the protocol allows.
    pub async fn say(&mut self, to: &UserId, content: Bytes) -> Result<CommandNo, String> {
        let (last, answered) = self.commands;
        let command_no = last.next();
        let send = v1::SendMessage {
            to: Some(v1::send_message::To::User(to.as_str().to_owned())),
            content,
            ..Default::default()
        };
        let command = v1::Command {
            local_no: command_no.0,
            op: Some(v1::command::Op::Send(send)),
            ..Default::default()
        };
        let mut out = BytesMut::new();
        self.session.command(command_no, last.0 - answered.0, &command_body(&command), &mut out);
        self.commands.0 = command_no;
        self.write(&out).await?;
        Ok(command_no)
    }

    /// Whether another message may be sent before one is answered.
    pub fn may_say(&self) -> bool {
        self.unanswered() < COMMANDS_IN_FLIGHT as u64
    }

    pub fn unanswered(&self) -> u64 {
        self.commands.0.0 - self.commands.1.0
    }

    /// The next answer. Safe to be interrupted.
    pub async fn answer(&mut self) -> Result<CommandNo, String> {
        loop {
            let Incoming::CommandAck(ack) = self.next().await? else { continue };
            if ack.error.is_some() {
                return Err(format!("{ack:?}"));
            }
            let command_no = CommandNo(ack.command_no);
            assert_eq!(command_no, self.commands.1.next(), "answers come in order");
            self.commands.1 = command_no;
            return Ok(command_no);
        }
    }

    async fn next(&mut self) -> Result<Incoming, String> {
        loop {
            if let Some(frame) = self.decoder.next().map_err(|error| error.to_string())? {
                return self.session.receive(&frame).map_err(|reason| reason.to_string());
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk).await.map_err(|error| error.to_string())? {
                0 => return Err("the server closed the connection".to_owned()),
                read => self.decoder.push(&chunk[..read]),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).await.map_err(|error| error.to_string())
    }
}
