//! Move one's own read position: the rules of `MarkRead`. Forward only; anything else is done without effect.

use std::sync::Arc;

use anser_backend::{InboxEntry, InboxWrite, Record};
use anser_types::{ErrorCode, Refusal, Seq, Target};

use crate::directory::View;
use crate::fanout::route::Route;
use crate::messages::request::Actor;
use crate::rules::{No, Plan, place};
use crate::service::Service;

/// The position, an entry for one's own devices, a signal for the others.
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
    if positions.first().is_some_and(|position| position.read >= up_to) {
        return Ok(Plan::nothing());
    }
    Ok(Plan {
        expects: place.expects(),
        records: vec![Record::ReadPosition { conversation: id, user: actor.no, up_to }],
        inbox: vec![InboxWrite {
            user: actor.no,
            entry: InboxEntry::ReadSync { conversation: id, up_to },
        }],
        route: Route::Read {
            roster: Arc::clone(&place.roster),
            reader: (actor.no, actor.id.clone()),
            up_to,
        },
    })
}
