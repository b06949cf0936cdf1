//! Conversations as their list shows them: for the list itself, for the rebuild after a reset, and members of groups.

use std::sync::Arc;

use anser_backend::{Heads, Listing, Order, PageLimit, Position};
use anser_types::{
    Conversation, ConversationId, ConversationKind, InboxSeq, LogEpoch, Member, Message, Refusal,
    Role, Seq, UnixMs, UserId, limits,
};

use crate::api::{Caller, ConversationState, Reply};
use crate::directory::View;
use crate::fanout::route::present;
use crate::history;
use crate::lists::own::Own;
use crate::lists::put_away::PutAway;
use crate::lists::settings;
use crate::service::Service;
use crate::sync::inbox::page_size;
use crate::visible;

/// Messages read at a time while counting.
const COUNT_STEP: usize = 128;

/// The caller's conversations by id.
pub(crate) async fn conversations(
    service: &Service,
    caller: &Caller,
    after: Option<ConversationId>,
    limit: usize,
) -> Result<Reply, Refusal> {
    let (page, more) = states(service, caller, LogEpoch::ZERO, after, limit).await?;
    Ok(Reply::Conversations { page, more })
}

/// One page of the rebuild, for a device that followed the log of `since`. If the trim has passed `at`, entries between
/// the two are gone: it starts again.
pub(crate) async fn rebuild(
    service: &Service,
    caller: &Caller,
    (at, since): (InboxSeq, LogEpoch),
    after: Option<ConversationId>,
    (limit, heads_only): (usize, bool),
) -> Result<Reply, Refusal> {
    let bounds = service
        .conversations()
        .inbox_bounds(caller.user_no)
        .await
        .map_err(|error| service.store_refusal(&error))?;
    if bounds.floor > at {
        let restart_at = Some(bounds.head);
        return Ok(Reply::SyncPage { page: Vec::new(), more: false, restart_at });
    }
    let (mut page, more) = states(service, caller, since, after, limit).await?;
    if heads_only {
        page.iter_mut().for_each(|state| state.last_message = None);
    }
    Ok(Reply::SyncPage { page, more, restart_at: None })
}

async fn states(
    service: &Service,
    caller: &Caller,
    since: LogEpoch,
    mut after: Option<ConversationId>,
    limit: usize,
) -> Result<(Vec<ConversationState>, bool), Refusal> {
    let limit = page_size(limit);
    let own = Own::of(service, caller.user_no, &caller.user).await?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    loop {
        let listings = service
            .conversations()
            .listings(caller.user_no, after, limit + 1)
            .await
            .map_err(|error| service.store_refusal(&error))?;
        let more = listings.len() > limit;
        after = listings.last().map(|listing| listing.conversation.id);
        for listing in listings.into_iter().filter(|listing| is_listed(caller, listing)) {
            if page.len() >= limit {
                return Ok((page, true));
            }
            let state = state(service, caller, &own, since, listing).await?;
            bytes += 128 + size_of(&state);
            if bytes > limits::PAGE_MAX_BYTES && !page.is_empty() {
                return Ok((page, true));
            }
            page.push(state);
        }
        if !more {
            return Ok((page, false));
        }
    }
}

/// One's own conversation is one to show once there is a note in it: until then it holds one's lists only.
fn is_listed(caller: &Caller, listing: &Listing) -> bool {
    listing.heads.seq > Seq::ZERO
        || listing.conversation.peer_of(&caller.user) != Some(&caller.user)
}

fn size_of(state: &ConversationState) -> usize {
    let group = state.group.as_ref();
    let texts =
        group.map_or(0, |group| group.title.len() + group.avatar.len() + group.announcement.len());
    texts + state.last_message.as_ref().map_or(0, |message| size_of_message(message))
}

fn size_of_message(message: &Message) -> usize {
    message.content.as_ref().map_or(0, |content| content.body.len())
}

async fn state(
    service: &Service,
    caller: &Caller,
    own: &Own<'_>,
    since: LogEpoch,
    listing: Listing,
) -> Result<ConversationState, Refusal> {
    let Listing { conversation, member, position, heads } = listing;
    let id = conversation.id;
    // Zero is nobody's epoch: whoever says it knows of no earlier log.
    let now = service.ledger().status().log_epoch;
    let cuts =
        if since > LogEpoch::ZERO { conversation.cuts_since(since, now) } else { Vec::new() };
    let head = visible::last_message(&member, heads);
    let is_member = member.is_present();
    let away = own.put_away(id, Seq::ZERO, head).await?;
    let last_message = last_message(service, &member, id, head, &away).await?;
    let unread = unread(service, &caller.user, id, &member, (position.read, head), &away).await?;
    let pinned = visible_pins(&conversation, &member, heads);
    let peer = conversation.peer_of(&caller.user).cloned();
    let (members, others) = match &conversation.kind {
        ConversationKind::Direct { a, b } => {
            let peer = peer_position(service, caller, id).await?;
            (if a == b { 1 } else { 2 }, peer)
        }
        ConversationKind::Group(_) if is_member => {
            (group_size(service, &conversation).await?, Position::default())
        }
        ConversationKind::Group(_) => (0, Position::default()),
    };
    Ok(ConversationState {
        conversation: id,
        peer,
        group: conversation.group().cloned(),
        version: conversation.version,
        head,
        change_head: visible::last_change(&member, heads),
        read_up_to: position.read,
        unread: unread.count,
        mentioned: unread.mentioned,
        pinned,
        last_at: last_message.as_ref().map_or(UnixMs(0), |message| message.server_time),
        last_message,
        peer_delivered: others.delivered,
        peer_read: others.read,
        member: is_member,
        members,
        role: if is_member { member.role } else { Role::Member },
        cuts,
    })
}

async fn last_message(
    service: &Service,
    member: &Member,
    id: ConversationId,
    head: Seq,
    away: &PutAway,
) -> Result<Option<Arc<Message>>, Refusal> {
    let mut newest = head;
    while away.holds(newest) && newest > away.cleared_up_to {
        newest = newest.previous();
    }
    if newest == Seq::ZERO || away.holds(newest) {
        return Ok(None);
    }
    history::seen_at(service, member, id, newest).await
}

fn visible_pins(row: &Conversation, member: &Member, heads: Heads) -> Vec<Seq> {
    let pins = row.pinned.iter().filter(|seq| visible::message(member, heads, **seq));
    pins.copied().collect()
}

/// What waits above a read position.
#[derive(Default)]
struct Unread {
    count: u64,
    mentioned: Seq,
}

/// Visible messages by others above the read position, looking at no more than `UNREAD_COUNT_MAX` of the newest.
async fn unread(
    service: &Service,
    me: &UserId,
    id: ConversationId,
    member: &Member,
    (read, head): (Seq, Seq),
    away: &PutAway,
) -> Result<Unread, Refusal> {
    let read = read.max(away.cleared_up_to);
    let (mut up_to, mut seen, mut unread) = (head, 0, Unread::default());
    let now = service.clock().now();
    while up_to > read && seen < limits::UNREAD_COUNT_MAX {
        let limit = PageLimit { entries: COUNT_STEP, bytes: limits::PAGE_MAX_BYTES };
        let messages = service
            .conversations()
            .messages(id, read, up_to, Order::NewestFirst, limit)
            .await
            .map_err(|error| service.store_refusal(&error))?;
        for message in &messages {
            let counts = message.sender != *me
                && member.sees_message(message.seq)
                && !away.holds(message.seq);
            if counts && seen < limits::UNREAD_COUNT_MAX {
                unread.count += 1;
                let calls = message.content.as_ref().is_some_and(|content| content.mentions(me))
                    && !message.is_over(now);
                if calls {
                    unread.mentioned = unread.mentioned.max(message.seq);
                }
            }
            seen += 1;
        }
        match messages.last() {
            Some(oldest) => up_to = oldest.seq.previous(),
            None => break,
        }
    }
    Ok(unread)
}

/// How far the other one of a direct conversation is.
pub(crate) async fn peer_position(
    service: &Service,
    caller: &Caller,
    id: ConversationId,
) -> Result<Position, Refusal> {
    let refused = |error| service.store_refusal(&error);
    let Some(roster) = service.directory().roster(id, &[], View::Cached).await.map_err(refused)?
    else {
        return Ok(Position::default());
    };
    let other = roster.members.iter().find(|member| member.user_no != caller.user_no);
    // Who takes nothing from somebody tells them nothing either.
    if roster.members.iter().any(|member| member.refuses) {
        return Ok(Position::default());
    }
    let no = other.map_or(caller.user_no, |member| member.user_no);
    let positions = service.conversations().positions(id, &[no]).await.map_err(refused)?;
    let mut position = positions.first().copied().unwrap_or_default();
    if let Some(other) = other
        && !settings::shows_read(service, other.user_no, &other.user).await?
    {
        position.read = Seq::ZERO;
    }
    Ok(position)
}

async fn group_size(service: &Service, row: &Conversation) -> Result<usize, Refusal> {
    if let Some(channel) = row.channel() {
        return Ok(usize::try_from(channel.members).unwrap_or(usize::MAX));
    }
    let roster = service
        .directory()
        .roster(row.id, &[], View::Fresh)
        .await
        .map_err(|error| service.store_refusal(&error))?;
    Ok(roster.map_or(0, |roster| present(&roster).count()))
}
