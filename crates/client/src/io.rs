//! Everything that crosses the door of the core: what a host puts in, what it gets out, and what the app hears.
//!
//! What the host must *store* is in [`crate::records`]; what it may *ask* is in [`crate::queries`].

use std::{sync::Arc, time::Duration};

use anser_proto::endpoint_list::ListKey;
use anser_types::{
    Change, ConversationId, DeviceClass, DeviceNo, Done, InboxSeq, LocalNo, Message, MessageId,
    Presence, Refusal, Seq, Target, Unavailable, UnixMs, UserId,
};
use bytes::Bytes;

use crate::queries::Reply;
use crate::records::Record;

/// The host's two clocks at one moment. The core reads none itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Time since any fixed moment of this process; never goes back. All timers count on it.
    pub mono: Duration,
    /// The wall clock; may be wrong and may jump. Only shown and sent along, never compared.
    pub wall: UnixMs,
}

/// One connection attempt and the connection that comes of it; never used twice by one core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u64);

/// One transaction of the host's store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One query of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryNo(pub u64);

/// How bytes reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportKind {
    /// Plain TCP (loopback and tests).
    Tcp,
    /// TLS over TCP, ALPN `anser/1`.
    Tls,
    /// QUIC (UDP), ALPN `anser/1`. The host moves such a connection to a new network before it says
    /// [`Input::NetworkChanged`].
    Quic,
    /// WebSocket over plain HTTP.
    Ws,
    /// WebSocket over HTTPS.
    Wss,
}

impl TransportKind {
    /// Whether the bytes are encrypted on their way.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Quic | Self::Wss)
    }

    /// Whether a connection goes on when the device's address changes.
    pub(crate) const fn moves(self) -> bool {
        matches!(self, Self::Quic)
    }

    /// Which is tried first where several are known: QUIC survives a change of the network, WebSocket passes where nothing
    /// else does.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::Quic => 0,
            Self::Tls | Self::Tcp => 1,
            Self::Wss | Self::Ws => 2,
        }
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// How to talk to it.
    pub transport: TransportKind,
    /// An address or a name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The network it is best reached from (`mobile:<operator>`, `wifi:<name>`, `mobile`, `wifi`); empty if unknown.
    pub network: String,
}

/// Who this client is. A new installation always takes a new device.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: DeviceNo,
    /// What the device is.
    pub class: DeviceClass,
    /// The opaque device token. Secret: not shown by `Debug`.
    pub token: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} device {} {})", self.user, self.device, self.class.name())
    }
}

/// What a host decides once for the life of a core.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the program knows the server to be. Names are tried after all addresses.
    pub endpoints: Vec<Endpoint>,
    /// Whose lists of the servers' addresses are believed.
    pub list_trust: ListTrust,
    /// Program and version, for the server's logs.
    pub client: String,
    /// The network at the start; see [`Endpoint::network`].
    pub network: String,
    /// Whether the app starts in the background.
    pub background: bool,
    /// Entries of a page of the inbox and of the rebuild.
    pub page_entries: u32,
    /// Begin with conversations and what is unread in each, and read messages only of those that are opened: when the
    /// device is new, and when more than [`REBUILD_ABOVE`] entries were missed.
    pub on_demand: bool,
    /// Let pages and long messages be compressed, as far as the server does.
    pub compression: bool,
    /// Seed of all random choices (jitter, endpoint order). From real entropy, except in simulations.
    pub seed: u64,
}

/// Whose lists of the servers' addresses a client believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListTrust {
    /// Nobody's: it keeps to the addresses it came with.
    Nobody,
    /// Of whose list comes first, in a session with a server that it knew.
    #[default]
    First,
    /// Of this signer alone, whoever was first.
    Only(ListKey),
}

/// Entries of the inbox that a device on demand still reads one by one: some screens of news. Above, their messages are
/// read where they are looked at.
pub const REBUILD_ABOVE: u64 = 200;

impl Config {
    /// The usual settings for one endpoint.
    #[must_use]
    pub fn new(endpoint: Endpoint, seed: u64) -> Self {
        Self {
            endpoints: vec![endpoint],
            list_trust: ListTrust::First,
            client: concat!("anser-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            network: String::new(),
            background: false,
            page_entries: 50,
            on_demand: false,
            compression: true,
            seed,
        }
    }
}

/// What happened outside. Inputs that name an attempt which is no longer current are ignored.
#[derive(Clone, Debug)]
pub enum Input {
    /// The user wants to be online. Connects at once.
    Start,
    /// The user wants to be offline. The outbox stays.
    Stop,
    /// The transport of this attempt is ready for bytes (TLS and WebSocket handshakes included).
    Opened {
        /// Which.
        attempt: Attempt,
        /// The one of `others` by which it is; `None` if by `endpoint` itself.
        by: Option<Endpoint>,
    },
    /// The attempt did not get a connection.
    Failed {
        /// Which.
        attempt: Attempt,
        /// Why, for people.
        detail: String,
    },
    /// The connection has ended.
    Closed {
        /// Which.
        attempt: Attempt,
        /// Why, for people.
        detail: String,
    },
    /// Bytes came, cut anywhere.
    Bytes {
        /// On which connection.
        attempt: Attempt,
        /// What came.
        bytes: Bytes,
    },
    /// The time given by `next_timer` has come.
    Timer,
    /// Every record of this ticket is durable.
    Persisted {
        /// Which.
        ticket: Ticket,
    },
    /// No record of this ticket was stored; the store is as before.
    PersistFailed {
        /// Which.
        ticket: Ticket,
        /// There is no space left, as opposed to any other failure.
        full: bool,
    },
    /// The device is on another network now (or got one back).
    NetworkChanged {
        /// Its key; see [`Endpoint::network`]. Empty if unknown.
        network: String,
    },
    /// The app came to the foreground (`true`) or left it.
    Foreground(bool),
    /// The bytes of a `SignedEndpointList`, from the HTTP API.
    EndpointList(Bytes),
    /// The screen went on: the link is checked, or a connection is tried at once, wherever the app is.
    ScreenOn,
}

/// What the host must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection; answer with `Opened` or `Failed`.
    Connect {
        /// Name of the attempt. An earlier one that is still open was given up by `Disconnect`.
        attempt: Attempt,
        /// Where to.
        endpoint: Endpoint,
        /// The same host by other transports, the best first and none less private. A host may begin them a little later
        /// each while `endpoint` does not answer, and goes on with whichever is ready first (RFC 8305); or leave them.
        others: Vec<Endpoint>,
    },
    /// Send these bytes, in the order of the outputs.
    Transmit {
        /// On which connection.
        attempt: Attempt,
        /// Whole frames.
        bytes: Bytes,
    },
    /// Close this connection or give up this attempt, after what was given to `Transmit` before, as far as that
    /// goes without waiting. Nothing needs to be reported back.
    Disconnect {
        /// Which.
        attempt: Attempt,
    },
    /// Store all of these records in one transaction, in order; answer with `Persisted` or `PersistFailed`.
    /// There is never more than one unanswered ticket.
    Persist {
        /// Name of the transaction.
        ticket: Ticket,
        /// What to store.
        records: Arc<Vec<Record>>,
    },
    /// No address that is known leads to a session: ask the HTTP API for the list of addresses, if there is one, and give
    /// it in by [`Input::EndpointList`]. Nothing needs to be reported if none can be had.
    AskEndpointList,
    /// Something the app wants to know. What it tells of is already stored.
    Event(AppEvent),
    /// A query has ended.
    QueryDone {
        /// Which.
        query_no: QueryNo,
        /// Its end: `TimedOut` if it was asked and not answered in time, `Unreachable` if it could not be asked.
        result: Result<Reply, Refusal>,
    },
}

/// Where one's own message stands.
///
/// `Delivered` and `Read` of messages that were sent are told by position: [`AppEvent::DeliveryReceipt`] and
/// [`AppEvent::ReadReceipt`] hold for every own message at or below their seq.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// In the outbox, not on the wire yet.
    Queued,
    /// May be on the wire; not answered.
    Sending,
    /// Durable at the server.
    Sent {
        /// Its place.
        seq: Seq,
        /// The server's time of the commit.
        server_time: UnixMs,
        /// No device of any receiver was connected: it waits in their inboxes.
        stored_offline: bool,
    },
    /// Not sent; waits for the user.
    Failed {
        /// Why.
        reason: Refusal,
        /// It may have arrived all the same: the next session settles it, `Sent` may follow.
        unconfirmed: bool,
    },
}

/// What the app hears.
#[derive(Clone, Debug, PartialEq)]
pub enum AppEvent {
    /// A connection is being made.
    Connecting,
    /// The servers have told of their addresses.
    EndpointListChanged {
        /// The list's version.
        version: u64,
        /// How many servers it names.
        gateways: usize,
    },
    /// A list of addresses is not from those whose list is known. It is not used; the addresses known before stay.
    EndpointListRefused {
        /// Why.
        reason: Refusal,
    },
    /// Signed in.
    Connected {
        /// Who, as the server says.
        user: UserId,
    },
    /// There is no connection.
    Disconnected {
        /// When the next attempt comes by itself; `None` if none comes.
        retry_in: Option<Duration>,
        /// Why.
        reason: Refusal,
    },
    /// Another session took over, or the device was signed out or refused; nothing is retried.
    KickedOffline {
        /// Why.
        reason: Refusal,
    },
    /// The token is not accepted any more: renew it or sign in again, then `renew_token`.
    TokenExpired {
        /// Why.
        reason: Refusal,
    },
    /// The local store is an old copy: this device id may not be used any more. Take a new device, then `take_device`.
    StoreWasRestored,
    /// The local store failed; it is tried again.
    StoreFailing {
        /// There is no space left.
        full: bool,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// Something was missed; it is being read.
    SyncStarted {
        /// About how many entries; `None` during a rebuild from conversation heads.
        missing: Option<u64>,
    },
    /// A page was stored.
    SyncProgress {
        /// Entries (or conversations of a rebuild) stored since `SyncStarted`.
        done: u64,
        /// About how many are missing; `None` during a rebuild.
        missing: Option<u64>,
    },
    /// Everything up to the head known when it started is stored.
    SyncFinished,
    /// A message came: from others, or one's own from another device.
    NewMessage {
        /// The message.
        message: Message,
        /// In a direct conversation, the other one.
        peer: Option<UserId>,
        /// Its entry in the inbox; `None` of one that came by its channel's log.
        inbox_seq: Option<InboxSeq>,
    },
    /// One's own message composed here moved on.
    MessageStateChanged {
        /// Which.
        id: MessageId,
        /// In which conversation.
        conversation: ConversationId,
        /// Where it stands.
        state: MessageState,
    },
    /// A command other than a message has ended.
    CommandDone {
        /// Which.
        local_no: LocalNo,
        /// How.
        outcome: Result<Done, Refusal>,
    },
    /// The peer's devices have stored everything up to here.
    DeliveryReceipt {
        /// Where.
        conversation: ConversationId,
        /// Up to where.
        up_to: Seq,
    },
    /// Somebody has read everything up to here.
    ReadReceipt {
        /// Where.
        conversation: ConversationId,
        /// Who.
        who: UserId,
        /// Up to where.
        up_to: Seq,
    },
    /// A conversation's row changed: it is new, was rebuilt, or one's own read position moved.
    ConversationChanged {
        /// Which.
        conversation: ConversationId,
    },
    /// One's own lists changed: contacts, settings, options of conversations, messages removed for oneself; or a request
    /// to join a group came or was answered.
    ListChanged {
        /// The change; its kind is an item.
        change: Change,
    },
    /// A message was altered: edited, taken back, reacted to, pinned.
    MessageAltered {
        /// What happened.
        change: Change,
    },
    /// A conversation changed by somebody's doing.
    GroupChanged {
        /// What happened.
        change: Change,
    },
    /// Somebody types, or stopped.
    Typing {
        /// Where; direct conversations name the peer.
        at: Target,
        /// Who.
        who: UserId,
        /// They stopped.
        stopped: bool,
    },
    /// A user who is followed is online, is not, or may not be seen.
    PresenceChanged {
        /// Who.
        user: UserId,
        /// How they are.
        presence: Presence,
    },
    /// The server does not follow these users; they are followed no more.
    PresenceRefused {
        /// Whom.
        users: Vec<UserId>,
        /// Why.
        reason: Refusal,
    },
    /// A range cannot be given, with the reason.
    Unavailable(Unavailable),
    /// The server's log went back: messages above this seq are not on the server. One's own may be sent again.
    NotOnServer {
        /// Where.
        conversation: ConversationId,
        /// Everything above.
        above: Seq,
    },
}
