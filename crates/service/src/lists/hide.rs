//! Remove messages for oneself. Others keep them; on one's own devices they are gone for good.

use std::collections::BTreeSet;

use anser_types::{ErrorCode, Item, Refusal, Seq, Target, Version, limits};

use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan, known};
use crate::service::Service;
use crate::visible;

/// One change for each message that is not removed yet.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    at: &Target,
    seqs: &[Seq],
) -> Result<Plan, No> {
    let seqs: BTreeSet<Seq> = seqs.iter().copied().collect();
    if seqs.is_empty() || seqs.len() > limits::HIDE_PER_COMMAND {
        let detail = format!("name 1 to {} messages", limits::HIDE_PER_COMMAND);
        return Err(No::because(ErrorCode::InvalidArgument, detail));
    }
    let (id, roster) = known(service.directory(), (actor.no, &actor.id), at).await?;
    let heads = service.conversations().heads(id).await?;
    let member = roster.as_ref().and_then(|roster| roster.member(actor.no));
    if let Some(missing) =
        seqs.iter().find(|seq| !member.is_some_and(|me| visible::message(me, heads, **seq)))
    {
        let refusal = Refusal::because(
            ErrorCode::TargetMissing,
            format!("there is no message {missing} here"),
        );
        return Err(match &roster {
            Some(roster) => No::here(roster, refusal),
            None => No::Final(refusal, vec![(id, Version::ZERO)]),
        });
    }
    let own = Own::of(service, actor.no, &actor.id).await?;
    let mut draft = Draft::by(actor);
    for seq in seqs {
        if !own.hides(id, seq).await? {
            own.change(&mut draft, Item::Hidden { conversation: id, seq });
        }
    }
    Ok(draft.plan())
}
