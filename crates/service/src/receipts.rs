//! How far others are: delivered positions by acknowledgements, receipts by query, and who is typing.
//!
//! A delivered position moves only by entries that were sent to a device and acknowledged, never by a reset, and only
//! forward. Signals are hints: a lost one is recovered by the receipts query after the next Welcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::{DeviceKey, PageLimit, Position, Roster, SoftPosition};
use anser_types::{
    ConversationId, ConversationKind, ErrorCode, Event, InboxSeq, Member, Refusal, Seq, Target,
    UserId, UserNo, limits,
};

use crate::api::{Caller, Receipt, Reply, Signal};
use crate::directory::View;
use crate::fanout::route::{Wakes, present};
use crate::fanout::signals::{Subject, signal_others};
use crate::service::Service;
use crate::session::Shared;
use crate::sync::list::peer_position;
use crate::sync::members::member_states;

/// Entries looked at to restore delivered positions: those a crash can have lost are from the last seconds.
const RESTORE_MAX: u64 = limits::PAGE_MAX as u64;

/// Notes what a device has stored and tells the senders.
pub(crate) fn acked(
    session: &Shared,
    up_to: InboxSeq,
    delivered: &[(ConversationId, Seq)],
    after_reset: bool,
) {
    let Shared { service, caller, .. } = session;
    let mut positions = vec![cursor_of(caller, up_to)];
    positions.extend(delivered_of(caller.user_no, delivered));
    service.ledger().note_positions(&positions);
    if after_reset {
        // The next Hello must find this cursor: entries below it were skipped, not delivered.
        let ledger = service.ledger_handle();
        service.spawn_aside(async move {
            if let Err(error) = ledger.flush_positions().await {
                tracing::warn!(%error, "the position after a rebuild was not written yet");
            }
        });
    }
    let me = (caller.user_no, caller.user.clone());
    let direct = delivered.iter().filter(|(id, _)| id.is_direct());
    for (conversation, up_to) in direct.copied() {
        with_roster(service, conversation, me.clone(), move |at, _who| Signal::Delivered {
            at,
            up_to,
        });
    }
}

/// Passes on that somebody is typing, or stopped. Other signals are not for clients to make.
pub(crate) fn typing(session: &Shared, signal: Signal) {
    let Signal::Typing { at, stopped, .. } = signal else {
        return;
    };
    let Shared { service, caller, .. } = session;
    let id = match &at {
        Target::User(peer) => ConversationId::direct(&caller.user, peer),
        Target::Conversation(id) => *id,
    };
    let me = (caller.user_no, caller.user.clone());
    with_roster(service, id, me, move |at, who| Signal::Typing { at, who, stopped });
}

/// Signals the other members, at once if the member list is at hand, else after a look-up beside everything else.
fn with_roster(
    service: &Arc<Service>,
    id: ConversationId,
    me: (UserNo, UserId),
    make: impl Fn(Target, Option<UserId>) -> Signal + Send + 'static,
) {
    if let Some(roster) = service.directory().roster_at_hand(id) {
        tell(service, &roster, &me, make);
        return;
    }
    let owner = Arc::clone(service);
    service.spawn_aside(async move {
        match owner.directory().roster(id, &[me.0], View::Fresh).await {
            Ok(Some(roster)) => tell(&owner, &roster, &me, make),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a signal was dropped"),
        }
    });
}

fn tell(
    service: &Service,
    roster: &Roster,
    me: &(UserNo, UserId),
    make: impl Fn(Target, Option<UserId>) -> Signal,
) {
    if !roster.member(me.0).is_some_and(Member::is_present) {
        return;
    }
    let mut wakes = Wakes::default();
    let about = Subject { roster, no: me.0, id: &me.1 };
    signal_others(&about, service.registry(), &mut wakes, make);
    wakes.wake_all();
}

const fn cursor_of(caller: &Caller, up_to: InboxSeq) -> SoftPosition {
    let device = DeviceKey { user: caller.user_no, device: caller.device };
    SoftPosition::Cursor { device, up_to }
}

/// Delivered positions are kept for direct conversations only; groups show who has read.
fn delivered_of(
    user: UserNo,
    delivered: &[(ConversationId, Seq)],
) -> impl Iterator<Item = SoftPosition> {
    delivered.iter().filter(|(id, _)| id.is_direct()).map(move |(conversation, up_to)| {
        SoftPosition::Delivered { conversation: *conversation, user, up_to: *up_to }
    })
}

/// A device comes with a cursor above the one noted: a crash lost soft positions. The entries between are stored on
/// the device, so they count as delivered. Looks at a bounded number of the newest.
pub(crate) async fn restore(
    service: &Arc<Service>,
    caller: &Caller,
    noted: InboxSeq,
    cursor: InboxSeq,
) {
    if cursor <= noted {
        return;
    }
    let after = noted.max(InboxSeq(cursor.0.saturating_sub(RESTORE_MAX)));
    let limit = PageLimit { entries: limits::PAGE_MAX, bytes: limits::PAGE_MAX_BYTES };
    let page = match service.conversations().inbox(caller.user_no, after, limit).await {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(%error, "delivered positions were not restored");
            return;
        }
    };
    let mut delivered: BTreeMap<ConversationId, Seq> = BTreeMap::new();
    for (_, event) in (page.first.0..=cursor.0).zip(&page.events) {
        if let Event::Message(message) = event
            && message.conversation.is_direct()
            && message.sender != caller.user
        {
            delivered.insert(message.conversation, message.seq);
        }
    }
    let delivered: Vec<(ConversationId, Seq)> = delivered.into_iter().collect();
    let mut positions = vec![cursor_of(caller, cursor)];
    positions.extend(delivered_of(caller.user_no, &delivered));
    service.ledger().note_positions(&positions);
    tell_senders(service, (caller.user_no, caller.user.clone()), delivered);
}

/// Senders who asked for receipts before these were restored hear of them now.
fn tell_senders(
    service: &Arc<Service>,
    me: (UserNo, UserId),
    delivered: Vec<(ConversationId, Seq)>,
) {
    if delivered.is_empty() {
        return;
    }
    let owner = Arc::clone(service);
    service.spawn_aside(async move {
        for (conversation, up_to) in delivered {
            match owner.directory().roster(conversation, &[me.0], View::Cached).await {
                Ok(Some(roster)) => {
                    tell(&owner, &roster, &me, |at, _who| Signal::Delivered { at, up_to });
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a signal was dropped"),
            }
        }
    });
}

/// How far the others are, in the order asked. What the caller cannot see has zero positions.
pub(crate) async fn query(
    service: &Service,
    caller: &Caller,
    of: &[Target],
) -> Result<Reply, Refusal> {
    if of.len() > limits::PAGE_MAX {
        let detail = format!("at most {} conversations at once", limits::PAGE_MAX);
        return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
    }
    let mut receipts = Vec::with_capacity(of.len());
    for target in of {
        receipts.push(receipt(service, caller, target).await?);
    }
    Ok(Reply::Receipts(receipts))
}

async fn receipt(service: &Service, caller: &Caller, of: &Target) -> Result<Receipt, Refusal> {
    let (conversation, named) = match of {
        Target::Conversation(id) => (*id, None),
        Target::User(peer) => (ConversationId::direct(&caller.user, peer), Some(peer.clone())),
    };
    let roster = service
        .directory()
        .roster(conversation, &[caller.user_no], View::Fresh)
        .await
        .map_err(|error| service.store_refusal(&error))?
        .filter(|roster| roster.member(caller.user_no).is_some_and(Member::is_present));
    let Some(roster) = roster else {
        return Ok(Receipt {
            conversation,
            peer: named,
            delivered: Seq::ZERO,
            read: Seq::ZERO,
            members: Vec::new(),
        });
    };
    let (position, members) = match &roster.conversation.kind {
        ConversationKind::Direct { .. } => {
            (peer_position(service, caller, conversation).await?, Vec::new())
        }
        // Of so many, how far each has read is nobody's question.
        ConversationKind::Group(group) if group.channel.is_some() => {
            (Position::default(), Vec::new())
        }
        ConversationKind::Group(_) => {
            let present: Vec<&Member> = present(&roster).collect();
            (Position::default(), member_states(service, caller, conversation, &present).await?)
        }
    };
    Ok(Receipt {
        conversation,
        peer: roster.conversation.peer_of(&caller.user).cloned(),
        delivered: position.delivered,
        read: position.read,
        members,
    })
}
