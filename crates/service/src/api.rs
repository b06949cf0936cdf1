//! The values that cross the service's door: what a gateway hands in and gets back. Domain values only;
//! wire types stop at the gateway's `translate.rs`.

use std::sync::Arc;

use anser_backend::search::Hit;
use anser_types::{
    Answer, Change, ChangeNo, Command, CommandNo, ConversationId, Cut, DeviceClass, DeviceNo,
    Edition, ErrorCode, Group, InboxSeq, ItemKey, LocalNo, LogEpoch, Message, Refusal, Role, Seq,
    SessionEpoch, Target, Unavailable, UnixMs, UserId, UserNo, Version,
};
pub use anser_types::{Presence, UserPresence};

/// Proof of authentication: only the service makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) user_no: UserNo,
    pub(crate) user: UserId,
    pub(crate) device: DeviceNo,
    pub(crate) class: DeviceClass,
    pub(crate) epoch: SessionEpoch,
}

impl Caller {
    /// Who calls.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// From which device.
    #[must_use]
    pub const fn device(&self) -> DeviceNo {
        self.device
    }

    /// What kind of device that is.
    #[must_use]
    pub const fn class(&self) -> DeviceClass {
        self.class
    }
}

/// When a connection came, counted in sessions: tells a Hello that others overtook ([`Service::arrival`]).
///
/// [`Service::arrival`]: crate::Service::arrival
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival(pub(crate) u64);

/// What a device says to open a session.
#[derive(Clone)]
pub struct Hello {
    /// The opaque token.
    pub token: String,
    /// The device it believes to be; must be the token's.
    pub device: DeviceNo,
    /// The log epoch it knows (0: none yet).
    pub log_epoch: LogEpoch,
    /// Its inbox cursor.
    pub inbox_cursor: InboxSeq,
    /// It would rather rebuild than read more entries than this; zero: it reads them all.
    pub rebuild_above: u64,
    /// When its connection came.
    pub arrived: Arrival,
}

/// What Welcome says.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The session's fencing epoch.
    pub epoch: SessionEpoch,
    /// The log's epoch.
    pub log_epoch: LogEpoch,
    /// Highest executed command of the device.
    pub last_command_no: CommandNo,
    /// Head of the inbox.
    pub inbox_head: InboxSeq,
    /// Server time.
    pub now: UnixMs,
    /// Where to go on.
    pub start: Start,
}

/// Up to where a channel's log is known: messages and changes, each without holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelPosition {
    /// Which channel.
    pub conversation: ConversationId,
    /// The last message.
    pub seq: Seq,
    /// The last change.
    pub change_no: ChangeNo,
}

/// What comes of following channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Where those end of which the caller does not have everything.
    pub heads: Vec<ChannelPosition>,
    /// Those that cannot be followed: not a member, or no channel.
    pub gone: Vec<ConversationId>,
}

/// Where a session goes on in its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The cursor is good: events after it follow.
    FromCursor(InboxSeq),
    /// The cursor is void: rebuild, then take `at` as the cursor.
    Reset {
        /// The inbox head read before anything else.
        at: InboxSeq,
        /// `LogBehindClient` when data was lost.
        reason: Option<ErrorCode>,
    },
}

/// A numbered command of a device.
#[derive(Clone, Debug)]
pub struct CommandRequest {
    /// Its number.
    pub command_no: CommandNo,
    /// The client has stored all answers up to here.
    pub answered_up_to: CommandNo,
    /// Compose counter.
    pub local_no: LocalNo,
    /// The device's clock when it was composed.
    pub sent_at: UnixMs,
    /// Hash of the body as received.
    pub hash: [u8; 16],
    /// What is asked.
    pub command: Command,
}

/// How a command was answered.
#[derive(Clone, Debug)]
pub enum Answered {
    /// The durable answer.
    Final {
        /// The answer.
        answer: Answer,
        /// It had been executed before.
        duplicate: bool,
        /// No device of any receiver was connected (requirement A6).
        stored_offline: bool,
    },
    /// Not executed; the number stays free. Retryable conditions, numbering errors (`OutOfOrder`, `Conflict`,
    /// `AnswerForgotten`), and `Replaced` when the session was fenced.
    Refused {
        /// Which command.
        command_no: CommandNo,
        /// Why.
        refusal: Refusal,
        /// With `OutOfOrder`: what the server waits for.
        expected: Option<CommandNo>,
    },
}

/// A read.
#[derive(Clone, Debug)]
pub enum Query {
    /// Messages of one conversation with `after < seq < before` (`before` 0: no bound).
    History {
        /// Which.
        of: Target,
        /// Lower bound, exclusive.
        after: Seq,
        /// Upper bound, exclusive; 0 for none.
        before: Seq,
        /// Entries wanted.
        limit: usize,
        /// Take the oldest within the bounds rather than the newest.
        oldest_first: bool,
    },
    /// The caller's conversations by id.
    Conversations {
        /// Continue after this one.
        after: Option<ConversationId>,
        /// Entries wanted.
        limit: usize,
    },
    /// A group's members. A channel's come in pages, by no order that means anything.
    Members {
        /// Which group.
        conversation: ConversationId,
        /// The version the caller has (0: none).
        known: Version,
        /// In a channel: continue after this member.
        after: Option<UserId>,
        /// In a channel: members wanted.
        limit: usize,
    },
    /// How far others have stored and read.
    Receipts {
        /// Direct conversations and groups.
        of: Vec<Target>,
    },
    /// One page of the rebuild after a reset.
    SyncPage {
        /// What the reset said.
        at: InboxSeq,
        /// The log the device followed until now, if it was another one; else zero.
        since: LogEpoch,
        /// Continue after this conversation.
        after: Option<ConversationId>,
        /// Entries wanted.
        limit: usize,
        /// Without the last messages.
        heads_only: bool,
    },
    /// The contents a message had before it was edited.
    Editions {
        /// Where it was said.
        of: Target,
        /// Which.
        seq: Seq,
    },
    /// Items of lists: one's own, or the requests to join a group.
    Items {
        /// Whose lists; `None` for one's own.
        conversation: Option<ConversationId>,
        /// What the keys wanted begin with.
        prefix: ItemKey,
        /// Continue after this key; empty: from the first.
        after: ItemKey,
        /// Entries wanted.
        limit: usize,
    },
    /// Changes of a conversation after a number.
    Changes {
        /// Which.
        conversation: ConversationId,
        /// After this one.
        after: ChangeNo,
        /// Entries wanted.
        limit: usize,
    },
    /// Who has read a message of a group, or who has not.
    Readers {
        /// Which group.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
        /// Those who have not.
        unread: bool,
        /// Continue after this user.
        after: Option<UserId>,
        /// Entries wanted.
        limit: usize,
    },
    /// How users are now.
    Presence {
        /// Whom.
        of: Vec<UserId>,
    },
    /// Messages that hold a text, newest first.
    Search {
        /// What somebody typed.
        text: String,
        /// Where; `None` for all of the caller's conversations.
        of: Option<Target>,
        /// Continue behind this place.
        before: Option<Hit>,
        /// Entries wanted.
        limit: usize,
    },
}

/// The answer to a [`Query`], in the same order of cases.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Messages ascending by seq.
    History {
        /// Which conversation.
        conversation: ConversationId,
        /// In a direct conversation, the other one.
        peer: Option<UserId>,
        /// The messages.
        messages: Vec<Arc<Message>>,
        /// What lies within the bounds and cannot be given.
        unavailable: Vec<Unavailable>,
        /// The last message the caller may see.
        head: Seq,
        /// More lies within the bounds.
        more: bool,
    },
    /// Conversations by id.
    Conversations {
        /// The page.
        page: Vec<ConversationState>,
        /// More follow.
        more: bool,
    },
    /// Members; `None` when the caller's version is current.
    Members {
        /// The present version.
        version: Version,
        /// Present members.
        members: Option<Vec<MemberState>>,
        /// More follow.
        more: bool,
    },
    /// Receipts, in the order asked.
    Receipts(Vec<Receipt>),
    /// A page of the rebuild.
    SyncPage {
        /// The page.
        page: Vec<ConversationState>,
        /// More follow.
        more: bool,
        /// The trim has passed `at`: start again at this head.
        restart_at: Option<InboxSeq>,
    },
    /// Replaced contents, oldest first.
    Editions(Vec<Edition>),
    /// Items by key, each as its last change.
    Items {
        /// The page.
        items: Vec<Arc<Change>>,
        /// More follow after this key.
        next: Option<ItemKey>,
        /// The last change of that conversation when the page was read.
        change_head: ChangeNo,
    },
    /// Changes ascending.
    Changes {
        /// The page.
        changes: Vec<Arc<Change>>,
        /// More follow.
        more: bool,
    },
    /// Who has read, or who has not; by user id.
    Readers {
        /// How many have.
        read: usize,
        /// How many have not.
        unread: usize,
        /// The page.
        users: Vec<UserId>,
        /// More follow after this one.
        next: Option<UserId>,
    },
    /// How users are, in the order asked.
    Presence(Vec<UserPresence>),
    /// What was found.
    Search {
        /// Newest first.
        found: Vec<FoundMessage>,
        /// Where to go on; `None` at the end.
        next: Option<Hit>,
        /// Everything accepted before the query was searched.
        complete: bool,
    },
}

/// A message that was searched for.
#[derive(Clone, Debug)]
pub struct FoundMessage {
    /// As the caller may see it.
    pub message: Arc<Message>,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
}

/// One conversation as its list shows it.
#[derive(Clone, Debug)]
pub struct ConversationState {
    /// Which.
    pub conversation: ConversationId,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// A group's own state.
    pub group: Option<Group>,
    /// Version of row and members.
    pub version: Version,
    /// Last message the caller may see.
    pub head: Seq,
    /// Last change the caller may see.
    pub change_head: ChangeNo,
    /// The caller's read position.
    pub read_up_to: Seq,
    /// Messages above it by others, at most `UNREAD_COUNT_MAX`.
    pub unread: u64,
    /// The last of those that calls the caller, by name or with everybody; zero if none does.
    pub mentioned: Seq,
    /// Messages pinned to it, the latest pin last.
    pub pinned: Vec<Seq>,
    /// The last message the caller may see.
    pub last_message: Option<Arc<Message>>,
    /// When the last message the caller may see was said; zero if there is none.
    pub last_at: UnixMs,
    /// The peer's positions (direct conversations).
    pub peer_delivered: Seq,
    /// See `peer_delivered`.
    pub peer_read: Seq,
    /// The caller is a member now.
    pub member: bool,
    /// Present members.
    pub members: usize,
    /// The caller's role.
    pub role: Role,
    /// Asked for by a device of an earlier log: where logs since then went on from one before.
    pub cuts: Vec<Cut>,
}

/// A present member.
#[derive(Clone, Debug)]
pub struct MemberState {
    /// Who.
    pub user: UserId,
    /// Rights.
    pub role: Role,
    /// Read up to here.
    pub read: Seq,
    /// How they are called in the group; empty for their own name.
    pub alias: String,
    /// They may not speak until then; zero or past: they may.
    pub muted_until: UnixMs,
}

/// How far the others of a conversation are.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Which conversation.
    pub conversation: ConversationId,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// The peer's devices have stored up to here.
    pub delivered: Seq,
    /// The peer has read up to here.
    pub read: Seq,
    /// In groups: everybody's read position.
    pub members: Vec<MemberState>,
}

/// Something ephemeral for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A peer's device has stored the conversation up to a seq (ack:N).
    Delivered {
        /// Where; direct conversations name the peer.
        at: Target,
        /// Up to where.
        up_to: Seq,
    },
    /// Somebody has read up to a seq. `who` is set in groups.
    Read {
        /// Where.
        at: Target,
        /// Up to where.
        up_to: Seq,
        /// In groups, who.
        who: Option<UserId>,
    },
    /// Somebody is typing, or stopped.
    Typing {
        /// Where.
        at: Target,
        /// In groups, who.
        who: Option<UserId>,
        /// They stopped.
        stopped: bool,
    },
    /// From a client: tell how these users are, now and whenever that changes, as long as the session lasts.
    Watch {
        /// Whom.
        users: Vec<UserId>,
    },
    /// From a client: no more of these.
    Unwatch {
        /// Whom.
        users: Vec<UserId>,
    },
    /// How users are that the session watches, each as they are now.
    Presence(Vec<UserPresence>),
    /// These are not watched.
    PresenceRefused {
        /// Whom.
        users: Vec<UserId>,
        /// Why.
        refusal: Refusal,
    },
}

/// Why the service ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// `Replaced`, `SignedOut`, `Draining`, `StoreFailed`…
    pub code: ErrorCode,
    /// More, for people.
    pub detail: String,
    /// When the device may come back, where that is not clear from the code.
    pub retry_after_ms: Option<u32>,
}

impl Ended {
    pub(crate) fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after_ms: None }
    }
}

impl From<Ended> for Refusal {
    fn from(Ended { code, detail, retry_after_ms }: Ended) -> Self {
        Self { code, detail, retry_after_ms }
    }
}

/// What sign-in gives: the only moment the token exists in clear.
#[derive(Clone)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// The device the token is bound to.
    pub device: DeviceNo,
    /// The token, in clear.
    pub token: String,
    /// When it ends.
    pub expires_at: UnixMs,
}
