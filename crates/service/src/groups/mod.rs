//! Ordinary groups: making one, who comes and goes, what it is and what its members may. Each change raises the
//! conversation's version by one and is told to everybody it concerns by an entry in their inbox.

pub(crate) mod change;
mod channel;
pub(crate) mod create;
pub(crate) mod dismiss;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod kick;
pub(crate) mod leave;
pub(crate) mod member;
pub(crate) mod update;

use anser_types::ConversationId;

use crate::directory::View;
use crate::messages::request::{Actor, GroupWork};
use crate::rules::{No, Plan};
use crate::service::Service;

/// The rules of what is asked of a group that exists.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    work: &GroupWork,
    view: View,
) -> Result<Plan, No> {
    match work {
        GroupWork::Invite { users } => invite::plan(service, actor, id, users, view).await,
        GroupWork::Leave => leave::plan(service, actor, id, view).await,
        GroupWork::Kick { users } => kick::plan(service, actor, id, users, view).await,
        GroupWork::Update(set) => update::plan(service, actor, id, set, view).await,
        GroupWork::AlterMember { user, act } => {
            member::plan(service, actor, id, user, act, view).await
        }
        GroupWork::Dismiss => dismiss::plan(service, actor, id, view).await,
        GroupWork::Join { greeting } => join::plan(service, actor, id, greeting, view).await,
        GroupWork::AnswerJoin { user, accept } => {
            join::answer(service, actor, id, user, *accept, view).await
        }
    }
}
