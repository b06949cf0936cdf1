//! Change how one wants a conversation shown: pinned, silent, hidden, cleared, with a draft. Nobody else hears of it.

use anser_types::{ErrorCode, Item, Seq, SetOptions, Target, limits};

use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan, known};
use crate::service::Service;
use crate::visible;

/// The options with what is new.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    at: &Target,
    set: &SetOptions,
) -> Result<Plan, No> {
    if set.draft.as_ref().is_some_and(|draft| draft.len() > limits::DRAFT_MAX_BYTES) {
        let detail = format!("a draft has at most {} bytes", limits::DRAFT_MAX_BYTES);
        return Err(No::because(ErrorCode::ContentTooLarge, detail));
    }
    let (id, roster) = known(service.directory(), (actor.no, &actor.id), at).await?;
    let head = match &roster {
        Some(roster) => {
            let heads = service.conversations().heads(id).await?;
            roster.member(actor.no).map_or(Seq::ZERO, |me| visible::last_message(me, heads))
        }
        None => Seq::ZERO,
    };
    let highest = set.hidden_up_to.max(set.cleared_up_to).unwrap_or_default();
    if highest > head {
        let detail = format!("the last message is {head}");
        return Err(No::because(ErrorCode::ReadAboveHead, detail));
    }
    let own = Own::of(service, actor.no, &actor.id).await?;
    let before = own.options(id).await?;
    let options = before.clone().with(set);
    if options == before {
        return Ok(Plan::nothing());
    }
    let mut draft = Draft::by(actor);
    own.change(&mut draft, Item::Options(options));
    Ok(draft.plan())
}
