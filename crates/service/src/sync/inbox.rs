//! Pages of one's own inbox, each entry as this user sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::{InboxBounds, PageLimit};
use anser_types::{ConversationId, Event, InboxSeq, Refusal, UserId, limits};

use crate::api::Caller;
use crate::directory::View;
use crate::fanout::mailbox::Delivery;
use crate::history;
use crate::service::Service;
use crate::visible;

/// A page of an inbox: `deliveries[i].inbox_seq` is `first + i`.
#[derive(Clone, Debug)]
pub struct Page {
    /// Number of the first entry; meaningless when there are none.
    pub first: InboxSeq,
    /// The entries.
    pub deliveries: Vec<Delivery>,
    /// What the inbox held when the page was read. If the floor lies above the number asked for, the device is too
    /// far behind and must rebuild.
    pub bounds: InboxBounds,
}

/// Entries after a number, at most `entries` (0: the default) and at most a page's bytes, at least one if there is one.
pub(crate) async fn page(
    service: &Service,
    caller: &Caller,
    after: InboxSeq,
    entries: usize,
) -> Result<Page, Refusal> {
    let limit = PageLimit { entries: page_size(entries), bytes: limits::PAGE_MAX_BYTES };
    let read = service
        .conversations()
        .inbox(caller.user_no, after, limit)
        .await
        .map_err(|error| service.store_refusal(&error))?;
    let mut peers = Peers::new(service, caller);
    let mut deliveries = Vec::with_capacity(read.events.len());
    let mut inbox_seq = read.first;
    for event in read.events {
        let event = as_seen(service, caller, event).await?;
        let own = is_own(&event, &caller.user);
        let peer = peers.of(&event).await?;
        deliveries.push(Delivery { inbox_seq, event, peer, own, encoded: Arc::default() });
        inbox_seq = inbox_seq.next();
    }
    Ok(Page { first: read.first, deliveries, bounds: read.bounds })
}

/// An entry points at a message as it is now: nothing of it once its time is over, and whoever has left since is shown it
/// as it was then.
async fn as_seen(service: &Service, caller: &Caller, event: Event) -> Result<Event, Refusal> {
    let now = service.clock().now();
    let message = match event {
        Event::Message(message) => visible::in_time(message, now),
        Event::Change(change) => return Ok(Event::Change(visible::change_in_time(change, now))),
        other => return Ok(other),
    };
    if message.altered.is_none() {
        return Ok(Event::Message(message));
    }
    let roster =
        service.directory().roster(message.conversation, &[caller.user_no], View::Fresh).await;
    let roster = roster.map_err(|error| service.store_refusal(&error))?;
    let Some(member) = roster.as_ref().and_then(|roster| roster.member(caller.user_no)) else {
        return Ok(Event::Message(message));
    };
    let seen = history::as_seen(service, member, vec![Arc::clone(&message)]).await?;
    Ok(Event::Message(seen.into_iter().next().unwrap_or(message)))
}

/// What a caller asked for, within the limits.
pub(crate) fn page_size(entries: usize) -> usize {
    if entries == 0 { limits::PAGE_DEFAULT } else { entries.min(limits::PAGE_MAX) }
}

fn is_own(event: &Event, me: &UserId) -> bool {
    match event {
        Event::Message(message) => message.sender == *me,
        Event::Change(change) => change.actor == *me,
        Event::ReadSync { .. } => true,
        Event::Unavailable(_) | Event::Unknown { .. } => false,
    }
}

/// Names the other end of direct conversations, looking each up once per page.
struct Peers<'a> {
    service: &'a Service,
    caller: &'a Caller,
    known: BTreeMap<ConversationId, Option<UserId>>,
}

impl<'a> Peers<'a> {
    const fn new(service: &'a Service, caller: &'a Caller) -> Self {
        Self { service, caller, known: BTreeMap::new() }
    }

    async fn of(&mut self, event: &Event) -> Result<Option<UserId>, Refusal> {
        let conversation = match event {
            Event::Message(message) if message.conversation.is_direct() => {
                if message.sender != self.caller.user {
                    return Ok(Some(message.sender.clone()));
                }
                message.conversation
            }
            Event::ReadSync { conversation, .. } if conversation.is_direct() => *conversation,
            Event::Unavailable(range) if range.conversation.is_direct() => range.conversation,
            _ => return Ok(None),
        };
        if let Some(peer) = self.known.get(&conversation) {
            return Ok(peer.clone());
        }
        let roster = self
            .service
            .directory()
            .roster(conversation, &[self.caller.user_no], View::Cached)
            .await
            .map_err(|error| self.service.store_refusal(&error))?;
        let peer = roster.and_then(|r| r.conversation.peer_of(&self.caller.user).cloned());
        self.known.insert(conversation, peer.clone());
        Ok(peer)
    }
}
