//! The read ports: conversations, inboxes, positions, and the raw store.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use anser_types::event::UnavailableReason;
use anser_types::{
    Change, ChangeNo, ConversationId, Edition, Event, InboxSeq, ItemKey, Member, Message, Seq,
    Unavailable, UnixMs, UserNo,
};

use super::backend::{Machine, MemoryBackend};
use super::state::{Durable, InboxTarget};
use crate::Boxed;
use crate::ledger::{InboxBounds, StoreError};
use crate::reads::{
    Conversations, Heads, InboxPage, Inspect, Listing, Lists, Order, PageLimit, Position, Roster,
    Whom,
};
use crate::weight;

impl Conversations for MemoryBackend {
    fn roster(&self, id: ConversationId) -> Boxed<'_, Result<Option<Arc<Roster>>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let log = machine.durable.conversations.get(&id)?;
                let conversation = log.row.clone()?;
                let members = match conversation.channel() {
                    Some(_) => Vec::new(),
                    None => log.members.values().cloned().collect(),
                };
                Some(Arc::new(Roster { conversation, members }))
            })
        })
    }

    fn members(
        &self,
        id: ConversationId,
        whom: Whom,
    ) -> Boxed<'_, Result<Vec<Member>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let Some(log) = machine.durable.conversations.get(&id) else { return Vec::new() };
                let Some(row) = &log.row else { return Vec::new() };
                let found: Vec<&Member> = match &whom {
                    Whom::These(users) => {
                        let users: BTreeSet<_> = users.iter().collect();
                        users.into_iter().filter_map(|user| log.members.get(user)).collect()
                    }
                    Whom::After { after, limit } => {
                        let rest = (Bound::Excluded(*after), Bound::Unbounded);
                        log.members.range(rest).map(|(_, member)| member).take(*limit).collect()
                    }
                };
                found.into_iter().map(|member| row.member_now(member.clone())).collect()
            })
        })
    }

    fn heads(&self, id: ConversationId) -> Boxed<'_, Result<Heads, StoreError>> {
        Box::pin(async move { self.read(|machine| machine.durable.heads(id)) })
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
            self.read(|machine| {
                let Some(log) = machine.durable.conversations.get(&id) else { return Vec::new() };
                let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(log.messages.len());
                let to = usize::try_from(up_to.0).unwrap_or(usize::MAX).min(log.messages.len());
                let within = log.messages[from.min(to)..to].iter().flatten();
                match order {
                    Order::OldestFirst => fill(within, limit, |m| weight::of_message(m)),
                    Order::NewestFirst => fill(within.rev(), limit, |m| weight::of_message(m)),
                }
            })
        })
    }

    fn changes(
        &self,
        id: ConversationId,
        after: ChangeNo,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let Some(log) = machine.durable.conversations.get(&id) else { return Vec::new() };
                let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(log.changes.len());
                fill(log.changes[from..].iter(), limit, |change| weight::of_change(change))
            })
        })
    }

    fn editions(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Boxed<'_, Result<Vec<Edition>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let log = machine.durable.conversations.get(&id);
                log.and_then(|log| log.editions.get(&seq)).cloned().unwrap_or_default()
            })
        })
    }

    fn expiring(
        &self,
        until: UnixMs,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(ConversationId, Seq)>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let logs = machine.durable.conversations.values();
                let mut over: Vec<_> = logs
                    .flat_map(|log| log.messages.iter().flatten())
                    .filter(|message| message.is_over(until))
                    .map(|message| (message.expires_at(), message.conversation, message.seq))
                    .collect();
                over.sort_unstable();
                over.into_iter().take(limit).map(|(_, id, seq)| (id, seq)).collect()
            })
        })
    }

    fn inbox(
        &self,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'_, Result<InboxPage, StoreError>> {
        Box::pin(async move {
            self.read(|Machine { durable, .. }| {
                let bounds = durable.inbox_bounds(user);
                let first = after.next();
                let skipped = after.0.checked_sub(bounds.floor.0).map(usize::try_from);
                let (Some(inbox), Some(Ok(skipped))) = (durable.inboxes.get(&user), skipped) else {
                    return InboxPage { first, events: Vec::new(), bounds };
                };
                let rest: Vec<Event> = inbox
                    .entries
                    .iter()
                    .skip(skipped)
                    .take(limit.entries.max(1))
                    .map(|row| resolve(durable, row.target))
                    .collect();
                InboxPage { first, events: fill(rest.iter(), limit, weight::of_event), bounds }
            })
        })
    }

    fn inbox_bounds(&self, user: UserNo) -> Boxed<'_, Result<InboxBounds, StoreError>> {
        Box::pin(async move { self.read(|machine| machine.durable.inbox_bounds(user)) })
    }

    fn listings(
        &self,
        user: UserNo,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Listing>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let Some(own) = machine.durable.memberships.get(&user) else { return Vec::new() };
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                own.range((from, Bound::Unbounded))
                    .filter_map(|id| listing(machine, user, *id))
                    .take(limit)
                    .collect()
            })
        })
    }

    fn positions(
        &self,
        id: ConversationId,
        users: &[UserNo],
    ) -> Boxed<'_, Result<Vec<Position>, StoreError>> {
        let users = users.to_vec();
        Box::pin(async move {
            self.read(|Machine { durable, process }| {
                users.iter().map(|user| process.soft.position(durable, id, *user)).collect()
            })
        })
    }
}

impl Lists for MemoryBackend {
    fn item(
        &self,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'_, Result<Option<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let log = machine.durable.conversations.get(&id)?;
                log.change(*log.items.get(&key)?).cloned()
            })
        })
    }

    fn items(
        &self,
        id: ConversationId,
        prefix: ItemKey,
        after: ItemKey,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let Some(log) = machine.durable.conversations.get(&id) else { return Vec::new() };
                let from = if after < prefix {
                    Bound::Included(prefix.clone())
                } else {
                    Bound::Excluded(after)
                };
                let changes = log
                    .items
                    .range((from, Bound::Unbounded))
                    .take_while(|(key, _)| key.0.starts_with(&prefix.0))
                    .filter_map(|(_, change_no)| log.change(*change_no));
                fill(changes, limit, |change| weight::of_change(change))
            })
        })
    }
}

impl Inspect for MemoryBackend {
    fn conversation_ids(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<ConversationId>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                let logs = machine.durable.conversations.range((from, Bound::Unbounded));
                logs.filter(|(_, log)| log.row.is_some()).map(|(id, _)| *id).take(limit).collect()
            })
        })
    }

    fn user_nos(&self, after: UserNo, limit: usize) -> Boxed<'_, Result<Vec<UserNo>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let users = &machine.durable.accounts.users;
                let rest = users.range((Bound::Excluded(after), Bound::Unbounded));
                rest.map(|(no, _)| *no).take(limit).collect()
            })
        })
    }
}

fn listing(machine: &Machine, user: UserNo, id: ConversationId) -> Option<Listing> {
    let Machine { durable, process } = machine;
    let log = durable.conversations.get(&id)?;
    let conversation = log.row.clone()?;
    let member = conversation.member_now(log.members.get(&user)?.clone());
    Some(Listing {
        conversation,
        member,
        position: process.soft.position(durable, id, user),
        heads: log.heads(),
    })
}

/// What an inbox entry points at, or the name of what is missing.
fn resolve(durable: &Durable, target: InboxTarget) -> Event {
    let missing = |conversation, from, to| {
        let reason = UnavailableReason::Damaged;
        Event::Unavailable(Unavailable { conversation, from, to, reason })
    };
    match target {
        InboxTarget::Message(id, seq) => durable
            .conversations
            .get(&id)
            .and_then(|log| log.message(seq))
            .map_or_else(|| missing(id, seq, seq), |m| Event::Message(Arc::clone(m))),
        InboxTarget::Change(id, change_no) => durable
            .conversations
            .get(&id)
            .and_then(|log| log.change(change_no))
            .map_or_else(|| missing(id, Seq::ZERO, Seq::ZERO), |c| Event::Change(Arc::clone(c))),
        InboxTarget::ReadSync(conversation, up_to) => Event::ReadSync { conversation, up_to },
    }
}

/// Takes at least one entry if there is one, then while both bounds hold.
fn fill<'a, T: Clone + 'a>(
    entries: impl Iterator<Item = &'a T>,
    limit: PageLimit,
    weight: impl Fn(&T) -> usize,
) -> Vec<T> {
    let mut page: Vec<T> = Vec::new();
    let mut bytes = 0_usize;
    for entry in entries {
        bytes = bytes.saturating_add(weight(entry));
        if !page.is_empty() && (page.len() >= limit.entries || bytes > limit.bytes) {
            break;
        }
        page.push(entry.clone());
    }
    page
}
