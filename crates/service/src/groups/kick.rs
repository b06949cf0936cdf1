//! Remove users from a group. Owner and admins may; nobody removes the owner.

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, ErrorCode, Role, UserId};

use crate::directory::View;
use crate::fanout::route::present;
use crate::groups::change::{Found, check_count};
use crate::messages::request::Actor;
use crate::rules::{No, Plan};
use crate::service::Service;

/// The end of other members' periods; the change is the last entry they get.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    users: &[UserId],
    view: View,
) -> Result<Plan, No> {
    check_count(users)?;
    let found = Found::by(service, actor, id, view).await?;
    found.demand(Role::Admin, "remove members")?;
    if users.contains(&actor.id) {
        return Err(found.refuse(ErrorCode::InvalidArgument, "to go oneself is to leave"));
    }
    let named: Vec<_> =
        present(&found.roster).filter(|member| users.contains(&member.user)).cloned().collect();
    if named.iter().any(|member| member.role == Role::Owner) {
        return Err(found.refuse(ErrorCode::NotAllowed, "nobody may remove the owner"));
    }
    if named.is_empty() {
        return Ok(Plan::nothing());
    }
    let mut draft = found.draft(actor);
    for member in &named {
        draft.member(id, MemberWrite::End { user_no: member.user_no });
    }
    let users = named.into_iter().map(|member| member.user).collect();
    found.tell_all(&mut draft, ChangeKind::MembersRemoved { users });
    Ok(draft.plan())
}
