//! Remove users from a group. Owner and admins may; nobody removes the owner.

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, ErrorCode, Role, UserId};

use crate::directory::View;
use crate::fanout::route::present;
use crate::groups::change::{Group, check_count};
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
    let group = Group::of(service, actor, id, view).await?;
    let role = group.roster.member(actor.no).map_or(Role::Member, |member| member.role);
    if role < Role::Admin {
        return Err(group.refuse(ErrorCode::NotAllowed, "only the owner and admins may remove"));
    }
    if users.contains(&actor.id) {
        return Err(group.refuse(ErrorCode::InvalidArgument, "to go oneself is to leave"));
    }
    let named: Vec<_> =
        present(&group.roster).filter(|member| users.contains(&member.user)).cloned().collect();
    if named.iter().any(|member| member.role == Role::Owner) {
        return Err(group.refuse(ErrorCode::NotAllowed, "nobody may remove the owner"));
    }
    if named.is_empty() {
        return Ok(Plan::nothing());
    }
    let writes = named.iter().map(|member| MemberWrite::End { user_no: member.user_no }).collect();
    let kind =
        ChangeKind::MembersRemoved { users: named.into_iter().map(|member| member.user).collect() };
    let audience = group.present();
    Ok(group.change(actor, writes, kind, audience))
}
