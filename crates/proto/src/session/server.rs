//! The server's half of a session: what a client's frame means now, and frames for the client.

use anser_types::{ErrorCode, InboxSeq};
use bytes::{Bytes, BytesMut};
use prost::Message;

use super::gate::{ClientCase, Phase, ServerCase, Verdict, from_client, from_server};
use super::packing::{Packing, nested};
use super::received::{self, body_hash, check_lists, only_case};
use super::writing::{integer_len, nested_len, put_case, put_integer, put_nested, start_case};
use crate::close::CloseReason;
use crate::compression::Method;
use crate::{v1, version};

/// What a client asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Open the session. The version is agreed already; answer with `welcome` or `close`.
    Hello(v1::Hello),
    /// Execute a command, in the order received.
    Command(ReceivedCommand),
    /// Everything up to a number is stored there; perhaps more is wanted.
    Ack(v1::Ack),
    /// Show a sign of life.
    Ping(v1::Ping),
    /// Read something.
    Query(v1::Query),
    /// Pass something ephemeral on.
    Signal(v1::Signal),
    /// The app came to the foreground or left it.
    Foreground(v1::Foreground),
    /// Push what comes in these channels; answer with the heads of those that have more.
    Follow(v1::Follow),
    /// The client leaves: answer what was begun, then close the transport.
    Close,
    /// Nothing to do: a newer version's frame, or one that comes too late.
    Ignored,
}

/// A command as received.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedCommand {
    /// The command. An operation this version does not know is `None`: answer `UNSUPPORTED`.
    pub command: v1::Command,
    /// First 16 bytes of SHA-256 over its body as received; independent of its number.
    pub hash: [u8; 16],
}

/// One session as the server sees it.
///
/// Encoders append whole frames. `Close` is the last frame of a session: after it they append nothing.
#[derive(Debug)]
pub struct ServerSession {
    phase: Phase,
    version: u32,
    packing: Packing,
}

impl Default for ServerSession {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerSession {
    /// A session whose transport has just opened; no frame is compressed.
    #[must_use]
    pub const fn new() -> Self {
        Self::compressing(&[])
    }

    /// The same, with frames compressed by the first of the client's methods that is among these.
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

    /// The agreed protocol version; 0 before Hello.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The largest frame the client may send now. Give it to the decoder again after `welcome`.
    #[must_use]
    pub const fn frame_limit(&self) -> usize {
        self.phase.frame_limit()
    }

    /// What this frame asks.
    ///
    /// # Errors
    /// The client does not follow the protocol: pass the reason to [`close`](Self::close).
    pub fn receive(&mut self, frame: &Bytes) -> Result<Request, CloseReason> {
        match only_case(frame, ClientCase::from_number)? {
            Some((case, body)) => self.pass(case, body),
            None => Ok(Request::Ignored),
        }
    }

    fn pass(&mut self, case: ClientCase, body: Bytes) -> Result<Request, CloseReason> {
        match from_client(self.phase, case) {
            Verdict::Pass => self.read(case, body),
            Verdict::Drop => Ok(Request::Ignored),
            Verdict::Refuse => {
                let detail = format!("{case:?} in phase {:?}", self.phase);
                Err(CloseReason::because(ErrorCode::WrongPhase, detail))
            }
        }
    }

    fn read(&mut self, case: ClientCase, body: Bytes) -> Result<Request, CloseReason> {
        Ok(match case {
            ClientCase::Hello => self.read_hello(body)?,
            ClientCase::Command => {
                check_lists(&body)?;
                let hash = body_hash(&body)?;
                Request::Command(ReceivedCommand { command: v1::Command::decode(body)?, hash })
            }
            ClientCase::Ack => Request::Ack(v1::Ack::decode(body)?),
            ClientCase::Ping => Request::Ping(v1::Ping::decode(body)?),
            ClientCase::Query => {
                check_lists(&body)?;
                Request::Query(v1::Query::decode(body)?)
            }
            ClientCase::Signal => match v1::Signal::decode(body)? {
                v1::Signal { signal: None } => Request::Ignored,
                signal => Request::Signal(signal),
            },
            ClientCase::Foreground => Request::Foreground(v1::Foreground::decode(body)?),
            ClientCase::Follow => {
                check_lists(&body)?;
                Request::Follow(v1::Follow::decode(body)?)
            }
            ClientCase::Compressed => {
                match only_case(&self.packing.open(body)?, ClientCase::from_number)? {
                    Some((ClientCase::Compressed, _)) => return Err(nested()),
                    Some((case, body)) => self.pass(case, body)?,
                    None => Request::Ignored,
                }
            }
            ClientCase::ClientClose => {
                v1::ClientClose::decode(body)?;
                let signed_in = !matches!(self.phase, Phase::Greeting { .. });
                self.phase = if signed_in { Phase::Draining } else { Phase::Closed };
                Request::Close
            }
        })
    }

    fn read_hello(&mut self, body: Bytes) -> Result<Request, CloseReason> {
        let hello = v1::Hello::decode(body)?;
        let theirs = hello.version_min..=hello.version_max;
        self.version = version::negotiate(&version::SUPPORTED, &theirs).ok_or_else(|| {
            CloseReason::because(ErrorCode::UnsupportedVersion, version::apart(&theirs))
        })?;
        self.packing.choose(&hello.compression);
        self.phase = Phase::Greeting { hello: true };
        Ok(Request::Hello(hello))
    }

    /// Begins nothing new: commands and queries that still arrive are skipped, and the client asks again in its next
    /// session. Answers to what was begun, acks and events go on until `close`.
    pub const fn drain(&mut self) {
        if matches!(self.phase, Phase::Active) {
            self.phase = Phase::Draining;
        }
    }

    /// Answers Hello; from now on the session is `Active`. Fills in the agreed version and compression.
    pub fn welcome(&mut self, mut welcome: v1::Welcome, out: &mut BytesMut) {
        if self.may_say(ServerCase::Welcome) {
            welcome.version = self.version;
            welcome.compression = self.packing.agreed();
            put_case(ServerCase::Welcome.number(), &welcome, out);
            self.phase = Phase::Active;
        }
    }

    /// Answers a command (msg:A).
    pub fn command_ack(&self, ack: &v1::CommandAck, out: &mut BytesMut) {
        self.say(ServerCase::CommandAck, ack, out);
    }

    /// Answers an Ack that asks for no page (ack:A).
    pub fn ack_ok(&self, inbox_seq: InboxSeq, out: &mut BytesMut) {
        self.say(ServerCase::AckOk, &v1::AckOk { inbox_seq: inbox_seq.0 }, out);
    }

    /// Answers a Ping; names the head only when it differs from what was sent.
    pub fn pong(&self, head: Option<InboxSeq>, out: &mut BytesMut) {
        let inbox_head = head.map_or(0, |head| head.0);
        self.say(ServerCase::Pong, &v1::Pong { inbox_head }, out);
    }

    /// Answers a query; compressed where that pays, unless it is larger than a frame may be.
    pub fn reply(&self, reply: &v1::Reply, out: &mut BytesMut) {
        let start = out.len();
        self.say(ServerCase::Reply, reply, out);
        self.packing.shrink(start, ServerCase::Compressed.number(), out);
    }

    /// Says something ephemeral (ack:N among it).
    pub fn signal(&self, signal: &v1::Signal, out: &mut BytesMut) {
        self.say(ServerCase::Signal, signal, out);
    }

    /// Voids the client's cursor.
    pub fn sync_reset(&self, reset: &v1::SyncReset, out: &mut BytesMut) {
        self.say(ServerCase::SyncReset, reset, out);
    }

    /// Gives inbox entries from `first` on (msg:N or a page), each an `Event` already encoded by [`encode_event`]. The
    /// caller keeps their sum within `PAGE_MAX_BYTES`, or gives one. A page (with a head) is compressed where that pays;
    /// what is pushed never is: it is short, many sessions are given the same, and its length tells when it is said.
    pub fn event_batch<'a>(
        &self,
        first: InboxSeq,
        events: impl Iterator<Item = &'a Bytes> + Clone,
        head: Option<InboxSeq>,
        out: &mut BytesMut,
    ) {
        if !self.may_say(ServerCase::EventBatch) {
            return;
        }
        let (start, is_page) = (out.len(), head.is_some());
        let head = head.map_or(0, |head| head.0);
        let length = integer_len(received::FIRST_INBOX_SEQ, first.0)
            + events.clone().map(|event| nested_len(received::EVENTS, event.len())).sum::<usize>()
            + integer_len(received::HEAD, head);
        start_case(ServerCase::EventBatch.number(), length, out);
        put_integer(received::FIRST_INBOX_SEQ, first.0, out);
        events.for_each(|event| put_nested(received::EVENTS, event, out));
        put_integer(received::HEAD, head, out);
        if is_page {
            self.packing.shrink(start, ServerCase::Compressed.number(), out);
        }
    }

    /// Gives what came in channels, each an `Event` already encoded by [`encode_event`]. The caller keeps their sum within
    /// `PAGE_MAX_BYTES`, or gives one.
    pub fn channel_batch<'a>(
        &self,
        events: impl Iterator<Item = &'a Bytes> + Clone,
        out: &mut BytesMut,
    ) {
        if !self.may_say(ServerCase::ChannelBatch) {
            return;
        }
        let lengths = events.clone().map(|event| nested_len(received::CHANNEL_EVENTS, event.len()));
        start_case(ServerCase::ChannelBatch.number(), lengths.sum(), out);
        events.for_each(|event| put_nested(received::CHANNEL_EVENTS, event, out));
    }

    /// Says where channels' logs end.
    pub fn channel_heads(&self, heads: &v1::ChannelHeads, out: &mut BytesMut) {
        self.say(ServerCase::ChannelHeads, heads, out);
    }

    /// Gives the servers' addresses, signed: the bytes of a [`v1::SignedEndpointList`].
    pub fn endpoint_list(&self, signed: &Bytes, out: &mut BytesMut) {
        if self.may_say(ServerCase::EndpointList) {
            start_case(ServerCase::EndpointList.number(), signed.len(), out);
            out.extend_from_slice(signed);
        }
    }

    /// Ends the session: the last frame. Afterwards the transport is flushed and closed.
    pub fn close(&mut self, reason: &CloseReason, out: &mut BytesMut) {
        self.say(ServerCase::Close, &reason.to_close(), out);
        self.phase = Phase::Closed;
    }

    fn say(&self, case: ServerCase, message: &impl Message, out: &mut BytesMut) {
        if self.may_say(case) {
            put_case(case.number(), message, out);
        }
    }

    fn may_say(&self, case: ServerCase) -> bool {
        let verdict = from_server(self.phase, case);
        debug_assert_ne!(verdict, Verdict::Refuse, "{case:?} said in phase {:?}", self.phase);
        verdict == Verdict::Pass
    }
}

/// Encodes an event once for all receivers who see it alike.
#[must_use]
pub fn encode_event(event: &v1::Event) -> Bytes {
    Bytes::from(event.encode_to_vec())
}
