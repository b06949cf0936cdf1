//! Following channels: who may, and where their logs end.

use std::sync::Arc;

use anser_backend::Heads;
use anser_types::{Member, Refusal};

use crate::api::{Caller, ChannelPosition, Followed};
use crate::directory::View;
use crate::fanout::mailbox::Slot;
use crate::service::Service;
use crate::visible;

/// A session that follows.
pub(crate) struct Session<'a> {
    pub(crate) id: u64,
    pub(crate) caller: &'a Caller,
    pub(crate) slot: &'a Arc<Slot>,
}

/// From here on the session hears what is committed in these channels; returns where those end of which it does not have
/// everything. Nothing lies between the two.
pub(crate) async fn follow(
    service: &Service,
    session: &Session<'_>,
    positions: &[ChannelPosition],
) -> Result<Followed, Refusal> {
    let mut followed = Followed::default();
    for position in positions {
        match heads(service, session, position).await? {
            Some(seen) if seen == (position.seq, position.change_no) => {}
            Some((seq, change_no)) => {
                followed.heads.push(ChannelPosition { seq, change_no, ..*position });
            }
            None => followed.gone.push(position.conversation),
        }
    }
    Ok(followed)
}

/// What the caller may see of a channel, once it is followed; `None` if that cannot be.
async fn heads(
    service: &Service,
    session: &Session<'_>,
    position: &ChannelPosition,
) -> Result<Option<(anser_types::Seq, anser_types::ChangeNo)>, Refusal> {
    let (id, me) = (position.conversation, session.caller.user_no);
    let feeds = service.feeds();
    // Taken in first: a removal is either seen by the look at the membership, or takes the session out again.
    feeds.join(session.id, me, session.slot, id);
    let refused = |error| service.store_refusal(&error);
    let roster = service.directory().roster(id, &[me], View::Fresh).await.map_err(refused)?;
    let roster = roster.filter(|roster| roster.conversation.channel().is_some());
    let member = roster.as_ref().and_then(|roster| roster.member(me));
    let Some(member) = member.filter(|member| Member::is_present(member)) else {
        feeds.leave(session.id, id);
        return Ok(None);
    };
    // Admitted before the log is read: what is committed from here on is pushed. Who follows too many is told once.
    let hears = feeds.admit(session.id, id);
    let heads: Heads = service.conversations().heads(id).await.map_err(refused)?;
    if hears {
        feeds.begins_at(session.id, id, heads);
    }
    // Who has just come back sees nothing yet of what was said since: for them it ends where they came in.
    let since = member.periods.last().copied().unwrap_or_default();
    let seq = visible::last_message(member, heads).max(since.after_seq);
    Ok(Some((seq, visible::last_change(member, heads).max(since.after_change))))
}
