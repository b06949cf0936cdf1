//! Move one's own read position: the rules of `MarkRead`. Forward only; anything else is done without effect. What it
//! passes and burns begins to burn.

use std::sync::Arc;

use anser_backend::{InboxEntry, InboxWrite, Record};
use anser_types::{ErrorCode, Refusal, Seq, Target};

use crate::directory::View;
use crate::fanout::route::Route;
use crate::lists::settings;
use crate::messages::expiry;
use crate::messages::request::Actor;
use crate::rules::{No, Plan, place};
use crate::service::Service;

/// The position, an entry for one's own devices, a signal for the others, and what begins to burn for both.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    at: &Target,
    up_to: Seq,
    view: View,
) -> Result<Plan, No> {
    let place = place(service.directory(), actor, at, view).await?;
    let id = place.roster.conversation.id;
    let head = if place.is_new { Seq::ZERO } else { service.conversations().heads(id).await?.seq };
    if up_to > head {
        let detail = format!("the last message is {head}");
        return Err(No::Final(Refusal::because(ErrorCode::ReadAboveHead, detail), place.expects()));
    }
    if place.is_new {
        return Ok(Plan::nothing());
    }
    let positions = service.conversations().positions(id, &[actor.no]).await?;
    let read = positions.first().map_or(Seq::ZERO, |position| position.read);
    if read >= up_to {
        return Ok(Plan::nothing());
    }
    let mut records = vec![Record::ReadPosition { conversation: id, user: actor.no, up_to }];
    let burning = expiry::begun_by_reading(service, actor, &place, (read, up_to), 1).await?;
    records.extend(burning.records);
    // The position is the last entry of one's own: that one the answer names, and it may be left out of pushes.
    let mut inbox = burning.inbox;
    let entry = InboxEntry::ReadSync { conversation: id, up_to };
    inbox.push(InboxWrite { user: actor.no, entry });
    Ok(Plan {
        expects: place.expects(),
        records,
        inbox,
        route: Route::Read {
            roster: Arc::clone(&place.roster),
            reader: (actor.no, actor.id.clone()),
            up_to,
            shown: settings::shows_read(service, actor.no, &actor.id).await?,
            burning: burning.told,
        },
    })
}
