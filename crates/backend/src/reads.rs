//! Read ports. Everything they return is durable, and within one call consistent.

use std::sync::Arc;

use anser_types::{
    Change, ChangeNo, Conversation, ConversationId, Edition, Event, InboxSeq, ItemKey, Member,
    Message, Seq, UnixMs, UserNo, Version,
};

use crate::Boxed;
use crate::ledger::{InboxBounds, StoreError};

/// How much one read may return: at least one entry if there is one, then while both bounds hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// Entries.
    pub entries: usize,
    /// Bytes of contents, roughly.
    pub bytes: usize,
}

/// Direction of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the lower bound upwards.
    OldestFirst,
    /// From the upper bound downwards.
    NewestFirst,
}

/// The last numbers of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// Last message.
    pub seq: Seq,
    /// Last change.
    pub change_no: ChangeNo,
}

/// A page of an inbox: `events[i]` has number `first + i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxPage {
    /// Number of the first event; meaningless when there are none.
    pub first: InboxSeq,
    /// The entries, resolved. What cannot be resolved any more is [`Event::Unavailable`].
    pub events: Vec<Event>,
    /// What the inbox held when the page was read.
    pub bounds: InboxBounds,
}

/// A conversation's members, present and past, with the version they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The row.
    pub conversation: Conversation,
    /// Everybody who is or was a member, by user number. Of a channel: only those who were asked for.
    pub members: Vec<Member>,
}

/// Which members are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// These, as far as they are or were members.
    These(Vec<UserNo>),
    /// Those after a user number.
    After {
        /// Zero: from the first.
        after: UserNo,
        /// How many at the most.
        limit: usize,
    },
}

impl Roster {
    /// Row and all members, those of a channel too; for tools that look at everything. Consistent only while nothing is
    /// written.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn whole(
        conversations: &dyn Conversations,
        id: ConversationId,
    ) -> Result<Option<Self>, StoreError> {
        let Some(roster) = conversations.roster(id).await? else { return Ok(None) };
        let mut whole = Self::clone(&roster);
        while whole.conversation.channel().is_some() {
            let after = whole.members.last().map_or(UserNo(0), |last| last.user_no);
            let page = conversations.members(id, Whom::After { after, limit: 1_000 }).await?;
            if page.is_empty() {
                break;
            }
            whole.members.extend(page);
        }
        Ok(Some(whole))
    }

    /// The version of row and members.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.conversation.version
    }

    /// A member, present or past.
    #[must_use]
    pub fn member(&self, user: UserNo) -> Option<&Member> {
        self.members.binary_search_by_key(&user, |m| m.user_no).ok().map(|i| &self.members[i])
    }
}

/// How far a member has stored and read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Stored on at least one device up to here.
    pub delivered: Seq,
    /// Read up to here.
    pub read: Seq,
}

/// One conversation of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The conversation.
    pub conversation: Conversation,
    /// The user's own membership.
    pub member: Member,
    /// The user's own positions.
    pub position: Position,
    /// Last numbers.
    pub heads: Heads,
}

/// What rules and pages read.
pub trait Conversations: Send + Sync {
    /// Row and members (of a channel, the row alone); `None` if the conversation does not exist.
    ///
    /// # Errors
    /// See [`StoreError`], here and below.
    fn roster(&self, id: ConversationId) -> Boxed<'_, Result<Option<Arc<Roster>>, StoreError>>;

    /// Members, present and past, by user number. This is how those of a channel are read; it works everywhere. Members
    /// read after a row may be newer than its version: what is decided on both is refused as `Stale` then.
    fn members(&self, id: ConversationId, whom: Whom)
    -> Boxed<'_, Result<Vec<Member>, StoreError>>;

    /// Last numbers (zero for a conversation that does not exist).
    fn heads(&self, id: ConversationId) -> Boxed<'_, Result<Heads, StoreError>>;

    /// Messages with `after < seq ≤ up_to`, in the given order.
    fn messages(
        &self,
        id: ConversationId,
        after: Seq,
        up_to: Seq,
        order: Order,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Message>>, StoreError>>;

    /// Changes after a number, ascending.
    fn changes(
        &self,
        id: ConversationId,
        after: ChangeNo,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>>;

    /// The contents a message had before it was edited, oldest first; none once it was taken back.
    fn editions(&self, id: ConversationId, seq: Seq)
    -> Boxed<'_, Result<Vec<Edition>, StoreError>>;

    /// Messages with content whose time is over at `until`, those that were over first come first.
    fn expiring(
        &self,
        until: UnixMs,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(ConversationId, Seq)>, StoreError>>;

    /// Inbox entries after a number, ascending. Asked below the floor it returns no events (and the bounds).
    fn inbox(
        &self,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'_, Result<InboxPage, StoreError>>;

    /// The inbox's bounds.
    fn inbox_bounds(&self, user: UserNo) -> Boxed<'_, Result<InboxBounds, StoreError>>;

    /// The user's conversations (left ones too) after an id, by id.
    fn listings(
        &self,
        user: UserNo,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Listing>, StoreError>>;

    /// How far each of these users has stored and read, in their order (zero for strangers).
    fn positions(
        &self,
        id: ConversationId,
        users: &[UserNo],
    ) -> Boxed<'_, Result<Vec<Position>, StoreError>>;
}

/// The lists kept beside conversations. Every item is given as its last change, which carries its whole state.
pub trait Lists: Send + Sync {
    /// The item with this key.
    ///
    /// # Errors
    /// See [`StoreError`], here and below.
    fn item(
        &self,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'_, Result<Option<Arc<Change>>, StoreError>>;

    /// Items whose keys begin with `prefix`, after a key (an empty one: from the first), by key.
    fn items(
        &self,
        id: ConversationId,
        prefix: ItemKey,
        after: ItemKey,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>>;
}

/// The raw store, for checkers, backups and dumps: everything there is, without rules.
pub trait Inspect: Send + Sync {
    /// Conversation ids after one, ascending.
    ///
    /// # Errors
    /// See [`StoreError`], here and below.
    fn conversation_ids(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<ConversationId>, StoreError>>;

    /// User numbers after one, ascending.
    fn user_nos(&self, after: UserNo, limit: usize) -> Boxed<'_, Result<Vec<UserNo>, StoreError>>;
}
