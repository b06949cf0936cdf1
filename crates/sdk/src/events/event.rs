//! The closed set of events.

use std::path::PathBuf;
use std::time::Duration;

use anser_types::{
    Change, Contact, ConversationId, Done, JoinRequest, LocalNo, MessageId, Presence, Refusal, Seq,
    Settings, Target, Unavailable, UserId,
};

use crate::store::{ChatMessage, Status};

/// Something the app may want to show or act on. What it tells of is already in the store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A connection is being made.
    Connecting,
    /// Signed in; what was missed follows.
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
    /// The servers have told where they are; these addresses are tried first from now on.
    EndpointListChanged {
        /// The list's version.
        version: u64,
        /// How many servers it names.
        gateways: usize,
    },
    /// A list of addresses is not from those whose list is known. It is not used, the one known before goes on; somebody
    /// should find out who gave it.
    EndpointListRefused {
        /// Why.
        reason: Refusal,
    },
    /// Another session of this device or device class took over, or the device was signed out. Nothing is retried.
    KickedOffline {
        /// Why.
        reason: Refusal,
    },
    /// The token is not accepted any more and no new one could be had: sign in again.
    TokenExpired {
        /// Why.
        reason: Refusal,
    },
    /// The token was renewed before it ended.
    TokenRenewed,
    /// The local store is an old copy: its device id may not be used any more. With a
    /// [`DeviceSource`](crate::DeviceSource) a new device is taken by itself, else call
    /// [`Client::take_device`](crate::Client::take_device).
    StoreWasRestored,
    /// This client goes on as a new device.
    DeviceTaken,
    /// The local store failed; nothing is lost, it is tried again.
    StoreFailing {
        /// The disk is full.
        full: bool,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// A file with the store's key was made just now: whoever can read it can read the messages.
    KeyFileMade(PathBuf),
    /// Something was missed; it is being read.
    SyncStarted {
        /// About how many entries; `None` during a rebuild.
        missing: Option<u64>,
    },
    /// A page was stored.
    SyncProgress {
        /// Entries stored since `SyncStarted`.
        done: u64,
        /// About how many are missing; `None` during a rebuild.
        missing: Option<u64>,
    },
    /// Everything that was missed is stored.
    SyncFinished,
    /// A message came: from others, or one's own from another device. Kept until confirmed.
    NewMessage(Box<ChatMessage>),
    /// One's own message composed here moved on.
    MessageStateChanged {
        /// Which (`client_msg_id`).
        id: MessageId,
        /// Where.
        conversation: ConversationId,
        /// Its place, once it is sent.
        seq: Option<Seq>,
        /// Where it stands.
        status: Status,
    },
    /// A command other than a message has ended (also one composed before a restart).
    CommandDone {
        /// Its compose counter.
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
    /// A message was edited; as it is now. Kept until confirmed.
    MessageEdited(Box<ChatMessage>),
    /// A message was taken back for everybody; its content is gone. Kept until confirmed.
    MessageRevoked(Box<ChatMessage>),
    /// Somebody reacted to a message or took a reaction away; as it is now. Kept until confirmed.
    ReactionChanged(Box<ChatMessage>),
    /// A message was pinned to its conversation, or unpinned. Kept until confirmed.
    MessagePinned {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
        /// It is pinned now.
        on: bool,
    },
    /// Somebody changed a group: who is in it, what it is, what a member may or is called, or that it is no more. Kept
    /// until confirmed.
    GroupChanged(Change),
    /// Somebody asks to be one's contact: accept or refuse. See also
    /// [`Client::contact_applications`](crate::Client::contact_applications).
    ContactApplied(Contact),
    /// What another user is to one has changed; as it is now.
    ContactChanged(Contact),
    /// One's own settings have changed; as they are now.
    SettingsChanged(Settings),
    /// How one wants a conversation shown has changed: see
    /// [`Client::conversation_options`](crate::Client::conversation_options).
    ConversationOptionsChanged {
        /// Which.
        conversation: ConversationId,
    },
    /// Messages were removed for oneself, here or on another device: show them no more.
    MessagesHidden {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seqs: Vec<Seq>,
    },
    /// Messages expired or have burnt: their content is gone here, show it no more.
    MessagesExpired {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seqs: Vec<Seq>,
    },
    /// A request to join a group came or was answered: one's own, or one that owner and admins may answer.
    JoinRequestChanged {
        /// Which group.
        group: ConversationId,
        /// Whose, and what became of it.
        request: JoinRequest,
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
    /// A user one follows came online, went, or may not be seen. What was told before a disconnection may be out of date
    /// until the next session tells what has changed.
    PresenceChanged {
        /// Who.
        user: UserId,
        /// How they are.
        presence: Presence,
    },
    /// The server does not follow these users for one.
    PresenceRefused {
        /// Whom.
        users: Vec<UserId>,
        /// Why.
        reason: Refusal,
    },
    /// A range of a conversation cannot be given. Kept until confirmed.
    Unavailable(Unavailable),
    /// The server's log went back: messages above this are not on the server.
    NotOnServer {
        /// Where.
        conversation: ConversationId,
        /// Everything above.
        above: Seq,
    },
    /// The app was too slow: so many events that were not kept were dropped. Read the state again; messages are not
    /// concerned.
    Lagged {
        /// How many.
        dropped: u64,
    },
}
