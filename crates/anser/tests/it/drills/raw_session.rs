//! A session without the SDK: as little as a client needs, for hundreds of them and for clients that behave badly.

use std::net::SocketAddr;

use anser_proto::codec::FrameDecoder;
use anser_proto::session::client::{ClientSession, Incoming};
use anser_proto::session::received::ReceivedKind;
use anser_proto::v1;
use anser_sdk::http::SignedIn;
use anser_types::{InboxSeq, Seq};
use bytes::BytesMut;
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
        let mut raw = Self { stream, session, decoder, cursor, seqs: Vec::new() };
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
            let Incoming::EventBatch(batch) = self.next().await? else { continue };
            assert_eq!(batch.first, self.cursor.next(), "no hole and nothing twice");
            for event in &batch.events {
                if let ReceivedKind::Known(v1::event::Event::Direct(message)) = &event.kind {
                    self.seqs.push(Seq(message.seq));
                }
                self.cursor = self.cursor.next();
            }
            let more = batch.head.is_some_and(|head| head > self.cursor);
            let mut out = BytesMut::new();
            self.session.ack(self.cursor, if more { WANT } else { 0 }, &mut out);
            self.write(&out).await?;
        }
        Ok(())
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
