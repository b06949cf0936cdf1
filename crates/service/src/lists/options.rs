//! Change how one wants a conversation shown: pinned, silent, hidden, cleared, with a draft. Nobody else hears of it.

use anser_backend::Roster;
use anser_types::{
    ConversationId, ErrorCode, Item, Refusal, Seq, SetOptions, Target, Version, limits,
};

use crate::directory::View;
use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan};
use crate::service::Service;
use crate::visible;

/// A conversation one has to do with: a member, a former one, or a direct one that is yet to begin.
pub(crate) async fn known(
    service: &Service,
    actor: &Actor,
    at: &Target,
) -> Result<(ConversationId, Option<std::sync::Arc<Roster>>), No> {
    let id = match at {
        Target::Conversation(id) => *id,
        Target::User(peer) => ConversationId::direct(&actor.id, peer),
    };
    let roster = service.directory().roster(id, View::Fresh).await?;
    match (roster, at) {
        (Some(roster), _) if roster.member(actor.no).is_some() => Ok((id, Some(roster))),
        (Some(roster), _) => Err(No::here(&roster, Refusal::new(ErrorCode::ConversationUnknown))),
        (None, Target::User(peer)) => match service.directory().user(peer).await? {
            Some(_) => Ok((id, None)),
            None => Err(No::because(ErrorCode::UserUnknown, peer.as_str())),
        },
        (None, Target::Conversation(_)) => {
            let expects = vec![(id, Version::ZERO)];
            Err(No::Final(Refusal::new(ErrorCode::ConversationUnknown), expects))
        }
    }
}

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
    let (id, roster) = known(service, actor, at).await?;
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
