//! What was said: pages of messages both ways, and of changes, each as the caller may see it. What cannot be given is
//! named as a range (guarantee G11).

use std::sync::Arc;

use anser_backend::{Conversations, Heads, Order, PageLimit, Roster, StoreError};
use anser_types::event::UnavailableReason;
use anser_types::{
    Change, ChangeNo, ConversationId, ErrorCode, Member, Message, Refusal, Seq, Target,
    Unavailable, limits,
};

use crate::api::{Caller, Reply};
use crate::lists::own::Own;
use crate::lists::put_away::PutAway;
use crate::rules::known;
use crate::service::Service;
use crate::sync::inbox::page_size;
use crate::visible::{self, Stretch};

/// What part of a conversation is asked for.
pub(crate) struct Bounds {
    pub(crate) after: Seq,
    /// Zero: no bound.
    pub(crate) before: Seq,
    pub(crate) limit: usize,
    pub(crate) order: Order,
}

/// The direction of a page.
pub(crate) const fn order(oldest_first: bool) -> Order {
    if oldest_first { Order::OldestFirst } else { Order::NewestFirst }
}

/// A conversation the caller is or was a member of, as it is now. `Ok(None)`: a direct conversation with a user who
/// exists, in which nothing was said yet.
pub(crate) async fn readable(
    service: &Service,
    caller: &Caller,
    of: &Target,
) -> Result<(ConversationId, Option<Arc<Roster>>), Refusal> {
    Ok(known(service.directory(), (caller.user_no, &caller.user), of).await?)
}

/// A page of messages, ascending.
pub(crate) async fn page(
    service: &Service,
    caller: &Caller,
    of: &Target,
    bounds: Bounds,
) -> Result<Reply, Refusal> {
    let (conversation, roster) = readable(service, caller, of).await?;
    let member = roster.as_ref().and_then(|roster| roster.member(caller.user_no));
    let (Some(roster), Some(member)) = (&roster, member) else {
        let peer = match of {
            Target::User(peer) => Some(peer.clone()),
            Target::Conversation(_) => None,
        };
        return Ok(Reply::History {
            conversation,
            peer,
            messages: Vec::new(),
            unavailable: Vec::new(),
            head: Seq::ZERO,
            more: false,
        });
    };
    let heads = heads(service, conversation).await?;
    let up_to = if bounds.before == Seq::ZERO { heads.seq } else { bounds.before.previous() };
    let own = Own::of(service, caller.user_no, &caller.user).await?;
    let away = own.put_away(conversation, bounds.after, up_to).await?;
    let mut found = collect(service, conversation, member, heads, &bounds).await?;
    found.leave_out(conversation, &away);
    Ok(Reply::History {
        conversation,
        peer: roster.conversation.peer_of(&caller.user).cloned(),
        messages: found.messages,
        unavailable: found.unavailable,
        head: visible::last_message(member, heads),
        more: found.more,
    })
}

async fn heads(service: &Service, id: ConversationId) -> Result<Heads, Refusal> {
    service.conversations().heads(id).await.map_err(|error| service.store_refusal(&error))
}

#[derive(Default)]
struct Found {
    messages: Vec<Arc<Message>>,
    unavailable: Vec<Unavailable>,
    more: bool,
}

impl Found {
    /// Without what the reader has put away for themselves; it is named instead.
    fn leave_out(&mut self, conversation: ConversationId, away: &PutAway) {
        let (kept, left_out): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.messages).into_iter().partition(|one| !away.holds(one.seq));
        self.messages = kept;
        let mut ranges: Vec<Unavailable> = Vec::new();
        for Message { seq, .. } in left_out.iter().map(|message| &**message) {
            match ranges.last_mut() {
                Some(range) if range.to.next() == *seq => range.to = *seq,
                _ => ranges.push(Unavailable {
                    conversation,
                    from: *seq,
                    to: *seq,
                    reason: UnavailableReason::PutAway,
                }),
            }
        }
        self.unavailable.extend(ranges);
        self.unavailable.sort_unstable_by_key(|range| range.from);
    }
}

/// Walks the stretches in the direction asked for until the page is full.
async fn collect(
    service: &Service,
    conversation: ConversationId,
    member: &Member,
    heads: Heads,
    bounds: &Bounds,
) -> Result<Found, Refusal> {
    let up_to = if bounds.before == Seq::ZERO { Seq::MAX } else { bounds.before.previous() };
    let mut stretches = visible::stretches(member, heads, bounds.after, up_to);
    if bounds.order == Order::NewestFirst {
        stretches.reverse();
    }
    let mut room = PageLimit { entries: page_size(bounds.limit), bytes: limits::PAGE_MAX_BYTES };
    let mut found = Found::default();
    for stretch in stretches {
        if !stretch.visible {
            found.unavailable.push(range(conversation, stretch, UnavailableReason::NotVisible));
            continue;
        }
        if room.entries == 0 || room.bytes == 0 {
            found.more = true;
            break;
        }
        let Stretch { after, up_to, .. } = stretch;
        let read = service
            .conversations()
            .messages(conversation, after, up_to, bounds.order, room)
            .await
            .map_err(|error| service.store_refusal(&error))?;
        let read = as_seen(service, member, read).await?;
        if read.is_empty() {
            found.unavailable.push(range(conversation, stretch, UnavailableReason::Damaged));
            continue;
        }
        room.entries = room.entries.saturating_sub(read.len());
        room.bytes = room.bytes.saturating_sub(read.iter().map(|m| size(m)).sum());
        let whole = read.len() as u64 == up_to.0 - after.0;
        found.messages.extend(read);
        if !whole {
            found.more = true;
            break;
        }
    }
    found.messages.sort_unstable_by_key(|message| message.seq);
    found.unavailable.sort_unstable_by_key(|range| range.from);
    Ok(found)
}

/// The message at a place, as it is in the log.
pub(crate) async fn message_at(
    conversations: &dyn Conversations,
    id: ConversationId,
    seq: Seq,
) -> Result<Option<Arc<Message>>, StoreError> {
    let one = PageLimit { entries: 1, bytes: limits::PAGE_MAX_BYTES };
    let found = conversations.messages(id, seq.previous(), seq, Order::OldestFirst, one).await?;
    Ok(found.into_iter().next())
}

/// The message at a place, as the member may see it; that they may see it at all was looked at before.
pub(crate) async fn seen_at(
    service: &Service,
    member: &Member,
    id: ConversationId,
    seq: Seq,
) -> Result<Option<Arc<Message>>, Refusal> {
    let read = message_at(service.conversations(), id, seq).await;
    let read = read.map_err(|error| service.store_refusal(&error))?;
    Ok(as_seen(service, member, read.into_iter().collect()).await?.pop())
}

/// Messages as the member may see them: nothing of those whose time is over, and what changed after the member had gone
/// in its last version before.
pub(crate) async fn as_seen(
    service: &Service,
    member: &Member,
    mut messages: Vec<Arc<Message>>,
) -> Result<Vec<Arc<Message>>, Refusal> {
    let now = service.clock().now();
    for message in &mut messages {
        *message = visible::in_time(Arc::clone(message), now);
        let Some(last) = visible::last_alteration(member) else { continue };
        if message.altered_by() <= last {
            continue;
        }
        let editions = service
            .conversations()
            .editions(message.conversation, message.seq)
            .await
            .map_err(|error| service.store_refusal(&error))?;
        let seen = editions.into_iter().find(|edition| edition.until > last);
        *message = Arc::new(visible::as_it_was(message, seen));
    }
    Ok(messages)
}

fn range(conversation: ConversationId, of: Stretch, reason: UnavailableReason) -> Unavailable {
    Unavailable { conversation, from: of.after.next(), to: of.up_to, reason }
}

fn size(message: &Message) -> usize {
    message.content.as_ref().map_or(0, |content| content.body.len()) + 64
}

/// The contents a message had before it was edited, those the caller could see.
pub(crate) async fn editions(
    service: &Service,
    caller: &Caller,
    of: &Target,
    seq: Seq,
) -> Result<Reply, Refusal> {
    let missing =
        || Refusal::because(ErrorCode::TargetMissing, format!("there is no message {seq}"));
    let (conversation, roster) = readable(service, caller, of).await?;
    let member = roster.as_ref().and_then(|roster| roster.member(caller.user_no));
    let member = member.ok_or_else(missing)?;
    let heads = heads(service, conversation).await?;
    if !visible::message(member, heads, seq) {
        return Err(missing());
    }
    let mut editions = service
        .conversations()
        .editions(conversation, seq)
        .await
        .map_err(|error| service.store_refusal(&error))?;
    let now = service.clock().now();
    editions.retain(|edition| edition.content.expires_at.is_none_or(|at| at > now));
    // What was written after the caller had gone replaced the last content they saw.
    if let Some(last) = visible::last_alteration(member) {
        let seen = editions.iter().take_while(|edition| edition.until <= last).count();
        editions.truncate(seen);
    }
    Ok(Reply::Editions(editions))
}

/// Changes after a number, ascending, those the caller may see.
pub(crate) async fn changes(
    service: &Service,
    caller: &Caller,
    conversation: ConversationId,
    after: ChangeNo,
    limit: usize,
) -> Result<Reply, Refusal> {
    let (_, roster) = readable(service, caller, &Target::Conversation(conversation)).await?;
    let Some(member) = roster.as_ref().and_then(|roster| roster.member(caller.user_no)) else {
        return Err(Refusal::new(ErrorCode::ConversationUnknown));
    };
    let last = visible::last_change(member, heads(service, conversation).await?);
    let (wanted, now) = (page_size(limit), service.clock().now());
    let (mut page, mut at): (Vec<Arc<Change>>, ChangeNo) = (Vec::new(), after);
    while at < last && page.len() < wanted {
        let room = PageLimit { entries: wanted, bytes: limits::PAGE_MAX_BYTES };
        let read = service
            .conversations()
            .changes(conversation, at, room)
            .await
            .map_err(|error| service.store_refusal(&error))?;
        let Some(newest) = read.last() else {
            break;
        };
        at = newest.change_no;
        let seen = read.into_iter().filter(|change| member.sees_change(change.change_no));
        let seen = seen.map(|change| visible::change_in_time(change, now));
        page.extend(seen.take(wanted - page.len()));
    }
    let more = page.last().is_some_and(|change| change.change_no < last);
    Ok(Reply::Changes { changes: page, more })
}
