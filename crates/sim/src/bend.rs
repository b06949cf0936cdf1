//! Ports laid over ports: a bend sees every call and changes what it wants, everything else goes through.

use std::sync::Arc;

use anser_backend::{
    Append, Appended, Boxed, Conversations, DeviceKey, ExpiryPolicy, ExpiryReport, Heads,
    InboxBounds, InboxPage, Ledger, LedgerStatus, Listing, Lists, Order, PageLimit, Position,
    Roster, SessionOpened, SoftPosition, StoreError, TrimPolicy, TrimReport, Whom,
};
use anser_types::{
    Change, ChangeNo, ConversationId, Edition, InboxSeq, ItemKey, Member, Message, Seq, UnixMs,
    UserNo,
};

/// Alters calls of a ledger.
pub trait BendLedger: Send + Sync {
    /// See [`Ledger::append_batch`].
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        inner.append_batch(batch)
    }

    /// See [`Ledger::open_session`].
    fn open_session<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        device: DeviceKey,
    ) -> Boxed<'a, Result<SessionOpened, StoreError>> {
        inner.open_session(device)
    }

    /// See [`Ledger::trim`].
    fn trim<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        policy: TrimPolicy,
    ) -> Boxed<'a, Result<TrimReport, StoreError>> {
        inner.trim(policy)
    }
}

/// Alters reads.
pub trait BendReads: Send + Sync {
    /// See [`Conversations::roster`].
    fn roster<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
    ) -> Boxed<'a, Result<Option<Arc<Roster>>, StoreError>> {
        inner.roster(id)
    }

    /// See [`Conversations::members`].
    fn members<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
        whom: Whom,
    ) -> Boxed<'a, Result<Vec<Member>, StoreError>> {
        inner.members(id, whom)
    }

    /// See [`Conversations::messages`].
    fn messages<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        id: ConversationId,
        (after, up_to): (Seq, Seq),
        order: Order,
        limit: PageLimit,
    ) -> Boxed<'a, Result<Vec<Arc<Message>>, StoreError>> {
        inner.messages(id, after, up_to, order, limit)
    }

    /// See [`Conversations::expiring`].
    fn expiring<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        until: UnixMs,
        limit: usize,
    ) -> Boxed<'a, Result<Vec<(ConversationId, Seq)>, StoreError>> {
        inner.expiring(until, limit)
    }

    /// See [`Conversations::inbox`].
    fn inbox<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'a, Result<InboxPage, StoreError>> {
        inner.inbox(user, after, limit)
    }

    /// See [`Conversations::inbox_bounds`].
    fn inbox_bounds<'a>(
        &'a self,
        inner: &'a dyn Conversations,
        user: UserNo,
    ) -> Boxed<'a, Result<InboxBounds, StoreError>> {
        inner.inbox_bounds(user)
    }
}

/// Alters reads of lists.
pub trait BendLists: Send + Sync {
    /// See [`Lists::item`].
    fn item<'a>(
        &'a self,
        inner: &'a dyn Lists,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'a, Result<Option<Arc<Change>>, StoreError>> {
        inner.item(id, key)
    }

    /// See [`Lists::items`].
    fn items<'a>(
        &'a self,
        inner: &'a dyn Lists,
        id: ConversationId,
        (prefix, after): (ItemKey, ItemKey),
        limit: PageLimit,
    ) -> Boxed<'a, Result<Vec<Arc<Change>>, StoreError>> {
        inner.items(id, prefix, after, limit)
    }
}

/// A ledger under a bend.
pub struct BentLedger<B> {
    /// What is bent.
    pub inner: Arc<dyn Ledger>,
    /// How.
    pub bend: Arc<B>,
}

impl<B: BendLedger> Ledger for BentLedger<B> {
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        self.bend.append_batch(&*self.inner, batch)
    }

    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>> {
        self.bend.open_session(&*self.inner, device)
    }

    fn note_positions(&self, positions: &[SoftPosition]) {
        self.inner.note_positions(positions);
    }

    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>> {
        self.inner.flush_positions()
    }

    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>> {
        self.bend.trim(&*self.inner, policy)
    }

    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>> {
        self.inner.expire_keys(policy)
    }

    fn status(&self) -> LedgerStatus {
        self.inner.status()
    }
}

/// Reads under a bend.
pub struct BentReads<B> {
    /// What is bent.
    pub inner: Arc<dyn Conversations>,
    /// How.
    pub bend: Arc<B>,
}

impl<B: BendReads> Conversations for BentReads<B> {
    fn roster(&self, id: ConversationId) -> Boxed<'_, Result<Option<Arc<Roster>>, StoreError>> {
        self.bend.roster(&*self.inner, id)
    }

    fn members(
        &self,
        id: ConversationId,
        whom: Whom,
    ) -> Boxed<'_, Result<Vec<Member>, StoreError>> {
        self.bend.members(&*self.inner, id, whom)
    }

    fn heads(&self, id: ConversationId) -> Boxed<'_, Result<Heads, StoreError>> {
        self.inner.heads(id)
    }

    fn messages(
        &self,
        id: ConversationId,
        after: Seq,
        up_to: Seq,
        order: Order,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Message>>, StoreError>> {
        self.bend.messages(&*self.inner, id, (after, up_to), order, limit)
    }

    fn changes(
        &self,
        id: ConversationId,
        after: ChangeNo,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        self.inner.changes(id, after, limit)
    }

    fn editions(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Boxed<'_, Result<Vec<Edition>, StoreError>> {
        self.inner.editions(id, seq)
    }

    fn expiring(
        &self,
        until: UnixMs,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(ConversationId, Seq)>, StoreError>> {
        self.bend.expiring(&*self.inner, until, limit)
    }

    fn inbox(
        &self,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'_, Result<InboxPage, StoreError>> {
        self.bend.inbox(&*self.inner, user, after, limit)
    }

    fn inbox_bounds(&self, user: UserNo) -> Boxed<'_, Result<InboxBounds, StoreError>> {
        self.bend.inbox_bounds(&*self.inner, user)
    }

    fn listings(
        &self,
        user: UserNo,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Listing>, StoreError>> {
        self.inner.listings(user, after, limit)
    }

    fn positions(
        &self,
        id: ConversationId,
        users: &[UserNo],
    ) -> Boxed<'_, Result<Vec<Position>, StoreError>> {
        self.inner.positions(id, users)
    }
}

/// Lists under a bend.
pub struct BentLists<B> {
    /// What is bent.
    pub inner: Arc<dyn Lists>,
    /// How.
    pub bend: Arc<B>,
}

impl<B: BendLists> Lists for BentLists<B> {
    fn item(
        &self,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'_, Result<Option<Arc<Change>>, StoreError>> {
        self.bend.item(&*self.inner, id, key)
    }

    fn items(
        &self,
        id: ConversationId,
        prefix: ItemKey,
        after: ItemKey,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        self.bend.items(&*self.inner, id, (prefix, after), limit)
    }
}
