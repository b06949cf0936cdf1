//! The read port: rosters, heads, pages of logs, lists, positions.

use std::ops::ControlFlow;
use std::sync::Arc;

use anser_backend::weight;
use anser_backend::{
    Boxed, Conversations, Heads, InboxBounds, InboxPage, Listing, Order, PageLimit, Position,
    Roster, StoreError, Whom,
};
use anser_types::{
    Change, ChangeNo, ConversationId, Edition, InboxSeq, Member, Message, Seq, UnixMs, UserNo,
};

use crate::codec::{Malformed, read_change, read_member, read_message};
use crate::core::{Core, number_of};
use crate::keys::{self, Table};
use crate::pending::Scope;
use crate::store::EmbeddedStore;
use crate::tables::TableError;

/// Takes at least one entry if there is one, then while both bounds hold.
#[derive(Debug)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    bytes: usize,
    limit: PageLimit,
}

impl<T> Page<T> {
    /// An empty page.
    pub const fn new(limit: PageLimit) -> Self {
        Self { entries: Vec::new(), bytes: 0, limit }
    }

    /// Takes an entry of this weight, or says that the page is full.
    pub fn take(&mut self, entry: T, bytes: usize) -> ControlFlow<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        let full = self.entries.len() >= self.limit.entries || self.bytes > self.limit.bytes;
        if full && !self.entries.is_empty() {
            return ControlFlow::Break(());
        }
        self.entries.push(entry);
        ControlFlow::Continue(())
    }

    /// Whether another entry cannot fit, so that none need be read.
    pub fn is_full(&self) -> bool {
        !self.entries.is_empty() && self.entries.len() >= self.limit.entries
    }
}

fn messages(
    core: &Core,
    id: ConversationId,
    (after, up_to): (Seq, Seq),
    order: Order,
    limit: PageLimit,
) -> Result<Vec<Arc<Message>>, TableError> {
    let mut page = Page::new(limit);
    let range = keys::message(id, after.next()).to_vec()..=keys::message(id, up_to).to_vec();
    core.tables.scan(Table::Messages, range, order == Order::NewestFirst, |key, row| {
        let message = Arc::new(read_message(id, Seq(number_of(key)?), row)?);
        let bytes = weight::of_message(&message);
        let taken = page.take(message, bytes);
        Ok(if page.is_full() { ControlFlow::Break(()) } else { taken })
    })?;
    Ok(page.entries)
}

fn changes(
    core: &Core,
    id: ConversationId,
    after: ChangeNo,
    limit: PageLimit,
) -> Result<Vec<Arc<Change>>, TableError> {
    let mut page = Page::new(limit);
    let range = keys::change(id, after.next())..=keys::change(id, ChangeNo::MAX);
    core.tables.scan(Table::State, range, false, |key, row| {
        let change = Arc::new(read_change(id, ChangeNo(number_of(key)?), row)?);
        let bytes = weight::of_change(&change);
        let taken = page.take(change, bytes);
        Ok(if page.is_full() { ControlFlow::Break(()) } else { taken })
    })?;
    Ok(page.entries)
}

fn members_after(
    core: &Core,
    id: ConversationId,
    after: UserNo,
    limit: usize,
) -> Result<Vec<Member>, TableError> {
    let mut members = Vec::new();
    let range =
        keys::member(id, UserNo(after.0.saturating_add(1)))..=keys::member(id, UserNo(u64::MAX));
    core.tables.scan(Table::State, range, false, |key, row| {
        if members.len() >= limit {
            return Ok(ControlFlow::Break(()));
        }
        members.push(read_member(UserNo(number_of(key)?), row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(members)
}

fn listed(
    core: &Core,
    user: UserNo,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Vec<ConversationId>, TableError> {
    let from = after.map_or([0; 16], |id| id.0);
    let range =
        keys::listing(user, ConversationId(from))..=keys::listing(user, ConversationId([255; 16]));
    let mut ids = Vec::new();
    core.tables.scan(Table::State, range, false, |key, _| {
        let id = keys::last_conversation(key).ok_or(Malformed("a key is too short"))?;
        if ids.len() >= limit {
            return Ok(ControlFlow::Break(()));
        }
        if Some(id) != after {
            ids.push(id);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

fn expiring(
    core: &Core,
    until: UnixMs,
    limit: usize,
) -> Result<Vec<(ConversationId, Seq)>, TableError> {
    let from = keys::expiring(UnixMs(0), ConversationId([0; 16]), Seq::ZERO);
    let to = keys::expiring(until, ConversationId([255; 16]), Seq::MAX);
    let mut found = Vec::new();
    core.tables.scan(Table::State, from..=to, false, |key, _| {
        if found.len() >= limit {
            return Ok(ControlFlow::Break(()));
        }
        found.push(keys::last_message(key).ok_or(Malformed("a key is too short"))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

impl Conversations for EmbeddedStore {
    fn roster(&self, id: ConversationId) -> Boxed<'_, Result<Option<Arc<Roster>>, StoreError>> {
        Box::pin(async move {
            let core = self.sound()?;
            if let Some(roster) = core.cached_roster(id) {
                return Ok(Some(roster));
            }
            core.pending.settle(Scope::Conversation(id)).await?;
            // A commit meanwhile may have put a newer one into memory.
            match core.cached_roster(id) {
                Some(roster) => Ok(Some(roster)),
                None => self.read(|core| core.stored_roster(id)),
            }
        })
    }

    fn members(
        &self,
        id: ConversationId,
        whom: Whom,
    ) -> Boxed<'_, Result<Vec<Member>, StoreError>> {
        Box::pin(async move {
            let Some(roster) = self.roster(id).await? else { return Ok(Vec::new()) };
            let found = match whom {
                Whom::These(mut users) => {
                    users.sort_unstable();
                    users.dedup();
                    self.read(|core| {
                        let members = users.iter().map(|user| core.member(id, *user));
                        members.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
                    })?
                }
                Whom::After { after, limit } => {
                    let read = move |core: &Core| members_after(core, id, after, limit);
                    self.scan(Scope::Conversation(id), read).await?
                }
            };
            Ok(found.into_iter().map(|member| roster.conversation.member_now(member)).collect())
        })
    }

    fn heads(&self, id: ConversationId) -> Boxed<'_, Result<Heads, StoreError>> {
        Box::pin(async move {
            let core = self.sound()?;
            if let Some(state) = core.cached_heads(id) {
                return Ok(state.heads);
            }
            core.pending.settle(Scope::Conversation(id)).await?;
            self.read(|core| Ok(core.stored_heads(id)?.heads))
        })
    }

    fn messages(
        &self,
        id: ConversationId,
        after: Seq,
        up_to: Seq,
        order: Order,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Message>>, StoreError>> {
        Box::pin(async move {
            let scope = Scope::Conversation(id);
            self.scan(scope, move |core| messages(core, id, (after, up_to), order, limit)).await
        })
    }

    fn changes(
        &self,
        id: ConversationId,
        after: ChangeNo,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            // The usual question is asked by those who have everything.
            let known = self.sound()?.cached_heads(id);
            if known.is_some_and(|state| state.heads.change_no <= after) {
                return Ok(Vec::new());
            }
            let scope = Scope::Conversation(id);
            self.scan(scope, move |core| changes(core, id, after, limit)).await
        })
    }

    fn editions(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Boxed<'_, Result<Vec<Edition>, StoreError>> {
        Box::pin(async move {
            self.scan(Scope::Conversation(id), move |core| core.stored_editions(id, seq)).await
        })
    }

    fn expiring(
        &self,
        until: UnixMs,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(ConversationId, Seq)>, StoreError>> {
        Box::pin(async move {
            self.scan(Scope::Everything, move |core| expiring(core, until, limit)).await
        })
    }

    fn inbox(
        &self,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'_, Result<InboxPage, StoreError>> {
        Box::pin(self.inbox_page(user, after, limit))
    }

    fn inbox_bounds(&self, user: UserNo) -> Boxed<'_, Result<InboxBounds, StoreError>> {
        Box::pin(self.bounds_of(user))
    }

    fn listings(
        &self,
        user: UserNo,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Listing>, StoreError>> {
        Box::pin(async move {
            let read = move |core: &Core| listed(core, user, after, limit);
            let ids = self.scan(Scope::User(user), read).await?;
            let mut listings = Vec::with_capacity(ids.len());
            for id in ids {
                // Positions first: what is read of the log afterwards is never behind them.
                let position = self.read(|core| core.position(id, user))?;
                let Some(roster) = self.roster(id).await? else { continue };
                let member = match roster.conversation.channel() {
                    None => roster.member(user).cloned(),
                    Some(_) => self.read(|core| core.member(id, user))?,
                };
                let conversation = roster.conversation.clone();
                let Some(member) = member.map(|member| conversation.member_now(member)) else {
                    continue;
                };
                let heads = self.heads(id).await?;
                listings.push(Listing { conversation, member, position, heads });
            }
            Ok(listings)
        })
    }

    fn positions(
        &self,
        id: ConversationId,
        users: &[UserNo],
    ) -> Boxed<'_, Result<Vec<Position>, StoreError>> {
        let users = users.to_vec();
        Box::pin(async move {
            self.read(|core| users.iter().map(|user| core.position(id, *user)).collect())
        })
    }
}
