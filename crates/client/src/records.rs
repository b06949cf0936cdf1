//! What a host stores, and what it loads at the start. This is the only durable state of a client.
//!
//! A host applies the records of one ticket in one transaction and in order. Every record is an upsert by the key
//! its doc names, so applying one twice does no harm.

use anser_types::{
    Change, ChangeNo, Command, CommandNo, ConversationId, Cut, Done, Group, InboxSeq, LocalNo,
    LogEpoch, Message, MessageId, Refusal, Role, Seq, Unavailable, UnixMs, UserId, Version,
};
use bytes::Bytes;

use crate::io::{Endpoint, Identity};
use crate::nat::NatKnown;

/// One thing to store.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A command was composed. Key: `local_no`.
    OutboxPut(OutboxItem),
    /// A command of the outbox has another state. Key: `local_no`.
    OutboxState {
        /// Which.
        local_no: LocalNo,
        /// Its state now.
        state: OutboxState,
    },
    /// The user wants this unsettled message gone; remembered until it is settled. Key: `local_no`.
    OutboxDeleteWanted {
        /// Which.
        local_no: LocalNo,
    },
    /// The command leaves the outbox for good. Key: `local_no`.
    OutboxSettled {
        /// Which.
        local_no: LocalNo,
        /// How it ended.
        how: Settled,
    },
    /// A message. Key: `(conversation, seq)`; storing one that is there replaces it.
    MessageStored(StoredMessage),
    /// The user deleted this message while it was unsettled: do not show it. Key: `(conversation, seq)`.
    MessageHidden {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
    },
    /// A change. Key: `(conversation, change_no)`. One that alters a message is applied to the stored message, if it is
    /// newer than the last one applied: see [`Message::alter`].
    ChangeStored {
        /// The change.
        change: Change,
        /// Its entry in the inbox; `None` of one that came by its channel's log.
        inbox_seq: Option<InboxSeq>,
    },
    /// Everything of this channel up to here is stored, without holes, once this transaction is. Key: conversation; it
    /// replaces what is stored. It stands behind the messages and changes it speaks of.
    ChannelPosition {
        /// Which.
        conversation: ConversationId,
        /// Up to where.
        position: ChannelPosition,
    },
    /// A channel is followed no more: one is not in it. Key: conversation.
    ChannelLeft {
        /// Which.
        conversation: ConversationId,
    },
    /// A rebuild begins to give the lists: forget every item that is stored.
    ItemsForgotten,
    /// An item of one's own lists, as its last change. Key: [`anser_types::Item::key`]; it replaces what is stored. (One that comes as
    /// [`Record::ChangeStored`] does so only if it is newer.)
    ItemStored(Change),
    /// One's own read position. Key: conversation; keep the larger.
    ReadPosition {
        /// Where.
        conversation: ConversationId,
        /// The last message read.
        up_to: Seq,
    },
    /// How far another user is. Key: `(conversation, who)`; keep the larger of each.
    ReceiptMoved {
        /// Where.
        conversation: ConversationId,
        /// Who.
        who: UserId,
        /// Stored on their devices up to here (always zero in groups).
        delivered: Seq,
        /// Read up to here.
        read: Seq,
    },
    /// A conversation's row. Key: conversation.
    ConversationUpserted(ConversationRow),
    /// A range that cannot be given. Key: `(conversation, from)`.
    UnavailableStored(Unavailable),
    /// The server's log went back: mark what lies above as not on the server. Key: conversation.
    NotOnServer {
        /// Where.
        conversation: ConversationId,
        /// Everything above.
        above: Seq,
    },
    /// An entry this version does not understand, kept for a later one. Key: `inbox_seq`.
    UnknownStored(UnknownEvent),
    /// A kept entry was understood: remove it. Key: `inbox_seq`.
    UnknownResolved {
        /// Which.
        inbox_seq: InboxSeq,
    },
    /// Numbers and positions; one row. At most one per ticket, always the last record.
    DeviceState(DeviceState),
    /// The device and token to use from now on; one row.
    IdentityTaken(Identity),
    /// How long a network lets a silent connection live. Key: network.
    NatLearned {
        /// The network's key.
        network: String,
        /// What is known of it now.
        known: NatKnown,
    },
    /// The servers' own list of their addresses; one row.
    EndpointListTaken {
        /// As it came, signed.
        signed: Bytes,
    },
    /// The last endpoint that worked on a network. Key: network.
    EndpointRemembered {
        /// The network's key.
        network: String,
        /// What worked.
        endpoint: Endpoint,
    },
}

/// A command that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// Its identity: for a message, the message's for ever (while its device lasts).
    pub id: MessageId,
    /// For a message: the conversation it belongs to.
    pub conversation: Option<ConversationId>,
    /// The clock when it was composed, as sent along.
    pub sent_at: UnixMs,
    /// The encoded command without the two transmission fields: sent, and resent, exactly so.
    pub body: Bytes,
    /// Where it stands.
    pub state: OutboxState,
    /// The user wants it gone once it is settled.
    pub delete_wanted: bool,
}

impl OutboxItem {
    /// What the command says, read from its body. `None` if the body was written by a newer version.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        crate::translate::command_of_body(&self.body)
    }
}

/// Where a command of the outbox stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// Not on the wire under any number that could still be executed.
    Queued,
    /// Has this number; may be on the wire; not answered.
    Numbered(CommandNo),
    /// Waits for the user. Only messages get here.
    Failed {
        /// Why.
        reason: Refusal,
        /// The number under which it may have arrived all the same.
        unconfirmed: Option<CommandNo>,
    },
}

/// How a command left the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Executed.
    Done(Done),
    /// Refused for good (only commands other than messages; a refused message waits for the user).
    Refused(Refusal),
    /// The user deleted it before it was sent.
    Deleted,
    /// A later command of the same kind says it all (read positions).
    Superseded,
}

/// A message to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// Its entry in the inbox, if it came by one (or by the answer to one's own command).
    pub inbox_seq: Option<InboxSeq>,
    /// It came by its channel's log: news, as an entry of the inbox is.
    pub by_channel: bool,
    /// It was composed on this device; `stored_offline` as the answer said.
    pub own: Option<OwnMessage>,
}

/// Up to where a channel's log is stored: messages and changes, each without holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelPosition {
    /// The last message.
    pub seq: Seq,
    /// The last change.
    pub change_no: ChangeNo,
}

impl ChannelPosition {
    /// Up to where at least one of two reaches, in each counter.
    #[must_use]
    pub fn or_further(self, other: Self) -> Self {
        Self { seq: self.seq.max(other.seq), change_no: self.change_no.max(other.change_no) }
    }

    /// Whether it reaches as far as another one, in both counters.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.seq >= other.seq && self.change_no >= other.change_no
    }

    /// How far another one lies beyond it, by the counter in which that is further.
    #[must_use]
    pub const fn distance_to(self, other: Self) -> u64 {
        let seqs = other.seq.0.saturating_sub(self.seq.0);
        let changes = other.change_no.0.saturating_sub(self.change_no.0);
        if seqs > changes { seqs } else { changes }
    }
}

/// What else is known of a message composed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMessage {
    /// The compose counter it had in the outbox.
    pub local_no: LocalNo,
    /// No device of any receiver was connected when it was accepted.
    pub stored_offline: bool,
}

/// A conversation as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    /// Which.
    pub conversation: ConversationId,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// What changed; fields that are not known stay as they are.
    pub update: RowUpdate,
}

/// How much of a row is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowUpdate {
    /// It exists (first message, first own message).
    Seen,
    /// A group's name, version and one's own membership, as a change told it.
    Group {
        /// The name, if the change carried it.
        title: Option<String>,
        /// The version after the change.
        version: Version,
        /// Whether one is a member now.
        member: bool,
    },
    /// Everything, as the server's list says.
    Full(Box<ConversationState>),
}

/// Everything the server's list says of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationState {
    /// A group's own state; `None` for direct conversations.
    pub group: Option<Group>,
    /// Version of row and members.
    pub version: Version,
    /// The last message one may see.
    pub head: Seq,
    /// The last change one may see. If a host has heard of fewer, or if the row is of another log than what it holds, it
    /// missed some: what it holds is read again before it passes for complete.
    pub change_head: ChangeNo,
    /// One's own read position.
    pub read_up_to: Seq,
    /// Messages of others above it when the row was read, up to `head`; counted up to 999.
    pub unread: u32,
    /// The last of those that calls one, by name or with everybody; zero if none does.
    pub mentioned: Seq,
    /// Messages pinned to it, the latest pin last.
    pub pinned: Vec<Seq>,
    /// The last message; `None` if there is none, or if only heads were asked for.
    pub last_message: Option<Message>,
    /// When it was said; zero if there is none.
    pub last_at: UnixMs,
    /// The peer's devices have stored up to here (direct conversations).
    pub peer_delivered: Seq,
    /// The peer has read up to here (direct conversations).
    pub peer_read: Seq,
    /// One is a member now.
    pub member: bool,
    /// How many members there are.
    pub members: u32,
    /// One's own role.
    pub role: Role,
    /// Where logs since the one followed until now went on from one before.
    pub cuts: Vec<Cut>,
    /// The log that the row is of, if that is known; zero otherwise. Only forward.
    pub log_epoch: LogEpoch,
}

impl ConversationState {
    /// Whether it is a channel.
    #[must_use]
    pub fn is_channel(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.channel.is_some())
    }
}

/// An entry of the inbox that this version does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEvent {
    /// Its number.
    pub inbox_seq: InboxSeq,
    /// The whole encoded entry.
    pub raw: Bytes,
}

/// Numbers and positions of this device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// Everything up to here is stored on this device.
    pub cursor: InboxSeq,
    /// The log the cursor belongs to (0: none yet).
    pub log_epoch: LogEpoch,
    /// All answers up to here are stored.
    pub answered_up_to: CommandNo,
    /// The highest number that was executed or can still be: what the server may know of this device.
    pub highest_used: CommandNo,
    /// The highest compose counter ever given.
    pub last_local_no: LocalNo,
    /// A rebuild from conversation heads that is not finished.
    pub rebuild: Option<Rebuild>,
    /// After the store was found restored: outbox items of earlier devices wait until the inbox was read up to here
    /// (`MAX` until the new device's first session says where that is).
    pub settle_until: Option<InboxSeq>,
    /// A rebuild came in between: the histories of their conversations must be searched as well.
    pub settle_by_history: bool,
}

/// How far a rebuild from conversation heads is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuild {
    /// The cursor that holds once all pages are stored.
    pub at: InboxSeq,
    /// The log it belongs to.
    pub log_epoch: LogEpoch,
    /// The last conversation stored.
    pub after: Option<ConversationId>,
}

/// What the core keeps of one conversation. A host may leave out any: the default is safe, it costs at worst a
/// repeated event or a receipt that is asked for once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationMark {
    /// Which.
    pub conversation: ConversationId,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// The largest seq stored.
    pub head: Seq,
    /// One's own read position.
    pub read_up_to: Seq,
    /// The largest seq of one's own messages.
    pub last_own: Seq,
    /// The peer's devices have stored up to here.
    pub peer_delivered: Seq,
    /// The peer has read up to here.
    pub peer_read: Seq,
    /// The log of the row that was stored last: a rebuild that was interrupted leaves some ahead of the cursor's.
    pub log_epoch: LogEpoch,
    /// Of a channel that is followed, what [`Record::ChannelPosition`] said last. It may not be left out: a channel that
    /// is not followed is not heard of.
    pub channel: Option<ChannelMark>,
}

/// Where a channel stands in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMark {
    /// Up to where it is stored.
    pub position: ChannelPosition,
    /// When something was said there last: those of late are followed first.
    pub active: UnixMs,
}

/// What a host loads at the start.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Who.
    pub identity: Identity,
    /// The last stored one.
    pub device: DeviceState,
    /// Everything not settled, by ascending `local_no`.
    pub outbox: Vec<OutboxItem>,
    /// Marks of the conversations.
    pub conversations: Vec<ConversationMark>,
    /// Entries an earlier version did not understand.
    pub unknown: Vec<UnknownEvent>,
    /// What worked last, by network.
    pub endpoints: Vec<(String, Endpoint)>,
    /// The last [`Record::EndpointListTaken`].
    pub endpoint_list: Option<Bytes>,
    /// What is known of how long each network suffers silence.
    pub networks: Vec<(String, NatKnown)>,
}

impl Snapshot {
    /// The store of a new device.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            device: DeviceState::default(),
            outbox: Vec::new(),
            conversations: Vec::new(),
            unknown: Vec::new(),
            endpoints: Vec::new(),
            endpoint_list: None,
            networks: Vec::new(),
        }
    }
}
