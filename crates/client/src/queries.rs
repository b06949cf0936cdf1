//! What a host may ask, and the answers. Reads only; every query ends within its deadline.

use bytes::Bytes;

use anser_types::{
    Change, ChangeNo, ConversationId, Edition, ItemKey, Message, Role, Seq, Target, Unavailable,
    UnixMs, UserId, UserPresence, Version,
};

use crate::records::ConversationRow;

/// A read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Messages of one conversation with `after < seq < before`.
    History {
        /// Which.
        of: Target,
        /// Lower bound, exclusive.
        after: Seq,
        /// Upper bound, exclusive; zero for none.
        before: Seq,
        /// Entries wanted.
        limit: u32,
        /// The oldest within the bounds rather than the newest.
        oldest_first: bool,
    },
    /// The user's conversations, by id.
    Conversations {
        /// Continue after this one.
        after: Option<ConversationId>,
        /// Entries wanted.
        limit: u32,
    },
    /// A group's members. A channel's come in pages, by no order that means anything.
    Members {
        /// Which.
        conversation: ConversationId,
        /// Nothing is sent when the list still has this version.
        known: Version,
        /// In a channel: continue after this member.
        after: Option<UserId>,
        /// In a channel: members wanted.
        limit: u32,
    },
    /// How far others are.
    Receipts {
        /// Where.
        of: Vec<Target>,
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
        /// Whose; `None` for one's own.
        conversation: Option<ConversationId>,
        /// What the keys wanted begin with.
        prefix: ItemKey,
        /// Continue after this key; empty: from the first.
        after: ItemKey,
        /// Entries wanted.
        limit: u32,
    },
    /// Changes of a conversation.
    Changes {
        /// Which.
        conversation: ConversationId,
        /// After this one.
        after: ChangeNo,
        /// Entries wanted.
        limit: u32,
    },
    /// How users are now.
    Presence {
        /// Whom.
        of: Vec<UserId>,
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
        limit: u32,
    },
    /// Messages that hold a text, newest first.
    Search {
        /// Words and parts of runs.
        text: String,
        /// Where; `None` for all conversations.
        of: Option<Target>,
        /// `next` of the page before; empty for the first one.
        before: Bytes,
        /// Entries wanted.
        limit: u32,
    },
}

/// The answer to a [`Query`], in the same order of cases.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Messages ascending by seq.
    History {
        /// Of which conversation.
        conversation: ConversationId,
        /// The messages.
        messages: Vec<Message>,
        /// What lies within the bounds and cannot be given.
        unavailable: Vec<Unavailable>,
        /// The last message one may see.
        head: Seq,
        /// More lies within the bounds.
        more: bool,
    },
    /// Conversations by id; each row is a full one.
    Conversations {
        /// The page.
        page: Vec<ConversationRow>,
        /// More follow.
        more: bool,
    },
    /// A group's members; `None` when the known version is current.
    Members {
        /// The present version.
        version: Version,
        /// The members.
        members: Option<Vec<MemberState>>,
        /// More follow.
        more: bool,
    },
    /// Receipts.
    Receipts(Vec<Receipt>),
    /// Replaced contents, oldest first.
    Editions(Vec<Edition>),
    /// Items by key, each as its last change.
    Items {
        /// The page; items of a kind this version does not know are no reason to refuse it.
        items: Vec<Change>,
        /// More follow after this key.
        next: Option<ItemKey>,
    },
    /// Changes ascending.
    Changes {
        /// The page.
        changes: Vec<Change>,
        /// More follow.
        more: bool,
    },
    /// How users are, in the order asked.
    Presence(Vec<UserPresence>),
    /// Who has read, or who has not; by user id.
    Readers {
        /// How many have.
        read: u32,
        /// How many have not.
        unread: u32,
        /// The page.
        users: Vec<UserId>,
        /// More follow after this one.
        next: Option<UserId>,
    },
    /// What was found, newest first.
    Search {
        /// The messages.
        found: Vec<FoundMessage>,
        /// Where to go on, opaque; empty at the end.
        next: Bytes,
        /// Everything accepted before the query was searched.
        complete: bool,
    },
}

/// A message that was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMessage {
    /// The message.
    pub message: Message,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
}

/// A present member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    /// Who.
    pub user: UserId,
    /// Rights.
    pub role: Role,
    /// Read up to here.
    pub read_up_to: Seq,
    /// How they are called in the group; empty for their own name.
    pub alias: String,
    /// They may not speak until then; past: they may.
    pub muted_until: UnixMs,
}

/// How far the others of a conversation are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which.
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
