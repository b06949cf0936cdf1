//! The client's half of a session: frames for the server, and what the server's frames mean.

use anser_types::{CommandNo, ErrorCode, InboxSeq};
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::gate::{ClientCase, Phase, ServerCase, Verdict, from_client, from_server};
use super::packing::{Packing, nested};
use super::received::{self, ReceivedBatch, ReceivedEvent, check_lists, only_case};
use super::writing::{integer_len, put_case, put_integer, start_case};
use crate::close::CloseReason;
use crate::compression::Method;
use crate::{v1, version};

/// What the server said.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// The session is open.
    Welcome(v1::Welcome),
    /// A command was answered.
    CommandAck(v1::CommandAck),
    /// Inbox entries.
    EventBatch(ReceivedBatch),
    /// An Ack arrived.
    AckOk(v1::AckOk),
    /// A sign of life.
    Pong(v1::Pong),
    /// Something ephemeral.
    Signal(v1::Signal),
    /// A query was answered. A reply this version does not know has no case.
    Reply(v1::Reply),
    /// The server ended the session; see [`crate::close::advice_of`].
    Close(v1::Close),
    /// The cursor is void.
    SyncReset(v1::SyncReset),
    /// What came in followed channels.
    ChannelBatch(Vec<ReceivedEvent>),
    /// Where logs of followed channels end.
    ChannelHeads(v1::ChannelHeads),
    /// The servers' addresses; to be believed only after [`SignedList::open`](crate::endpoint_list::SignedList::open).
    EndpointList(Bytes),
    /// Nothing to do: a newer version's frame, or one after the end.
    Ignored,
}

/// One session as the client sees it.
///
/// Encoders append whole frames. After [`close`](Self::close) no command and no query is appended, and after the
/// server's Close nothing is.
#[derive(Debug)]
pub struct ClientSession {
    phase: Phase,
    version: u32,
    packing: Packing,
}

impl Default for ClientSession {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientSession {
    /// A session whose transport has just opened; no frame is compressed.
    #[must_use]
    pub const fn new() -> Self {
        Self::compressing(&[])
    }

    /// The same, with frames compressed by one of these methods if the server speaks it; the first is liked most.
    #[must_use]
    pub const fn compressing(methods: &'static [Method]) -> Self {
        let packing = Packing::speaking(methods);
        Self { phase: Phase::Greeting { hello: false }, version: 0, packing }
    }

    /// Where the session stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The agreed protocol version; 0 before Welcome.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The largest frame the server may send now. Give it to the decoder again after Welcome.
    #[must_use]
    pub const fn frame_limit(&self) -> usize {
        self.phase.frame_limit()
    }

    /// The first frame. Fills in the versions and the methods of compression spoken.
    pub fn hello(&mut self, mut hello: v1::Hello, out: &mut BytesMut) {
        if self.may_say(ClientCase::Hello) {
            hello.version_min = *version::SUPPORTED.start();
            hello.version_max = *version::SUPPORTED.end();
            hello.compression = self.packing.offer();
            put_case(ClientCase::Hello.number(), &hello, out);
            self.phase = Phase::Greeting { hello: true };
        }
    }

    /// Transmits a command (msg:R): its number, how many right before it lack a stored answer, and the body exactly as
    /// [`command_body`] gave it when the command was composed.
    pub fn command(
        &self,
        command_no: CommandNo,
        unanswered_before: u64,
        body: &Bytes,
        out: &mut BytesMut,
    ) {
        if !self.may_say(ClientCase::Command) {
            return;
        }
        let length = integer_len(received::COMMAND_NO, command_no.0)
            + integer_len(received::UNANSWERED_BEFORE, unanswered_before)
            + body.len();
        let start = out.len();
        start_case(ClientCase::Command.number(), length, out);
        put_integer(received::COMMAND_NO, command_no.0, out);
        put_integer(received::UNANSWERED_BEFORE, unanswered_before, out);
        out.put_slice(body);
        self.packing.shrink(start, ClientCase::Compressed.number(), out);
    }

    /// Says that everything up to a number is stored here (ack:R), and asks for `want` more entries unless 0.
    pub fn ack(&self, inbox_seq: InboxSeq, want: u32, out: &mut BytesMut) {
        self.say(ClientCase::Ack, &v1::Ack { inbox_seq: inbox_seq.0, want }, out);
    }

    /// Asks for a sign of life; with a head, to compare it.
    pub fn ping(&self, head: Option<InboxSeq>, out: &mut BytesMut) {
        let inbox_head = head.map_or(0, |head| head.0);
        self.say(ClientCase::Ping, &v1::Ping { inbox_head }, out);
    }

    /// Asks to read something.
    pub fn query(&self, query: &v1::Query, out: &mut BytesMut) {
        self.say(ClientCase::Query, query, out);
    }

    /// Says something ephemeral.
    pub fn signal(&self, signal: &v1::Signal, out: &mut BytesMut) {
        self.say(ClientCase::Signal, signal, out);
    }

    /// Says that the app left the foreground or came back, and how long it may be silent in the background.
    pub fn foreground(&self, foreground: v1::Foreground, out: &mut BytesMut) {
        self.say(ClientCase::Foreground, &foreground, out);
    }

    /// Asks to be pushed what comes in these channels.
    pub fn follow(&self, follow: &v1::Follow, out: &mut BytesMut) {
        self.say(ClientCase::Follow, follow, out);
    }

    /// Leaves: the server answers what was begun and closes the transport.
    pub fn close(&mut self, out: &mut BytesMut) {
        self.say(ClientCase::ClientClose, &v1::ClientClose {}, out);
        self.phase = match self.phase {
            Phase::Greeting { .. } | Phase::Closed => Phase::Closed,
            Phase::Active | Phase::Draining => Phase::Draining,
        };
    }

    /// What this frame says.
    ///
    /// # Errors
    /// The server does not follow the protocol: close the transport.
    pub fn receive(&mut self, frame: &Bytes) -> Result<Incoming, CloseReason> {
        match only_case(frame, ServerCase::from_number)? {
            Some((case, body)) => self.pass(case, body),
            None => Ok(Incoming::Ignored),
        }
    }

    fn pass(&mut self, case: ServerCase, body: Bytes) -> Result<Incoming, CloseReason> {
        match from_server(self.phase, case) {
            Verdict::Pass => self.read(case, body),
            Verdict::Drop => Ok(Incoming::Ignored),
            Verdict::Refuse => {
                let detail = format!("the server said {case:?} in phase {:?}", self.phase);
                Err(CloseReason::because(ErrorCode::WrongPhase, detail))
            }
        }
    }

    fn read(&mut self, case: ServerCase, body: Bytes) -> Result<Incoming, CloseReason> {
        Ok(match case {
            ServerCase::CommandAck => Incoming::CommandAck(v1::CommandAck::decode(body)?),
            ServerCase::EventBatch => Incoming::EventBatch(ReceivedBatch::read(&body)?),
            ServerCase::AckOk => Incoming::AckOk(v1::AckOk::decode(body)?),
            ServerCase::Pong => Incoming::Pong(v1::Pong::decode(body)?),
            ServerCase::Signal => match v1::Signal::decode(body)? {
                v1::Signal { signal: None } => Incoming::Ignored,
                signal => Incoming::Signal(signal),
            },
            ServerCase::Reply => {
                check_lists(&body)?;
                Incoming::Reply(v1::Reply::decode(body)?)
            }
            ServerCase::Welcome => self.read_welcome(body)?,
            ServerCase::Close => {
                let close = v1::Close::decode(body)?;
                self.phase = Phase::Closed;
                Incoming::Close(close)
            }
            ServerCase::SyncReset => Incoming::SyncReset(v1::SyncReset::decode(body)?),
            ServerCase::ChannelBatch => Incoming::ChannelBatch(received::channel_events(&body)?),
            ServerCase::ChannelHeads => {
                check_lists(&body)?;
                Incoming::ChannelHeads(v1::ChannelHeads::decode(body)?)
            }
            ServerCase::EndpointList => Incoming::EndpointList(body),
            ServerCase::Compressed => {
                match only_case(&self.packing.open(body)?, ServerCase::from_number)? {
                    Some((ServerCase::Compressed, _)) => return Err(nested()),
                    Some((case, body)) => self.pass(case, body)?,
                    None => Incoming::Ignored,
                }
            }
        })
    }

    fn read_welcome(&mut self, body: Bytes) -> Result<Incoming, CloseReason> {
        let welcome = v1::Welcome::decode(body)?;
        if !version::SUPPORTED.contains(&welcome.version) {
            let detail = format!(
                "the server chose version {}, which was not offered: update it",
                welcome.version
            );
            return Err(CloseReason::because(ErrorCode::UnsupportedVersion, detail));
        }
        self.packing.take(welcome.compression)?;
        self.version = welcome.version;
        self.phase = Phase::Active;
        Ok(Incoming::Welcome(welcome))
    }

    fn say(&self, case: ClientCase, message: &impl Message, out: &mut BytesMut) {
        if self.may_say(case) {
            put_case(case.number(), message, out);
        }
    }

    fn may_say(&self, case: ClientCase) -> bool {
        let verdict = from_client(self.phase, case);
        debug_assert_ne!(verdict, Verdict::Refuse, "{case:?} said in phase {:?}", self.phase);
        verdict == Verdict::Pass
    }
}

/// A command's body as the outbox keeps it and every transmission repeats it: all but number and lag.
#[must_use]
pub fn command_body(command: &v1::Command) -> Bytes {
    let body = v1::Command { command_no: 0, unanswered_before: 0, ..command.clone() };
    Bytes::from(body.encode_to_vec())
}
