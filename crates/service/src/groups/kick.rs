//! Remove users from a group. Owner and admins may; nobody removes the owner.

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, ErrorCode, Role, UserId};

use crate::directory::View;
use crate::fanout::route::present;
use crate::groups::change::{Found, check_count};
use crate::groups::channel;
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
    let found = Found::by(service, actor, id, users, view).await?;
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
    let gone: Vec<_> = named.iter().map(|member| member.user_no).collect();
    let mut draft = found.draft_with(actor, channel::recounted(&found.group, 0, &gone));
    for member in &named {
        draft.member(id, MemberWrite::End { user_no: member.user_no });
    }
    let users = named.iter().map(|member| member.user.clone()).collect();
    let concerned = named.into_iter().map(|member| (member.user_no, member.user)).collect();
    found.tell_all(&mut draft, ChangeKind::MembersRemoved { users }, concerned);
    Ok(draft.plan())
}
