//! Add users to a group. Members may invite; who is in it already stays as they are.

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, ErrorCode, Member, Role, UserId};

use crate::directory::View;
use crate::groups::change::{self, Group};
use crate::messages::request::Actor;
use crate::rules::{No, Plan};
use crate::service::Service;

/// New periods of membership for those who are not in the group.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    users: &[UserId],
    view: View,
) -> Result<Plan, No> {
    let group = Group::of(service, actor, id, view).await?;
    let mut newcomers = change::named(service, actor, users).await?;
    newcomers.retain(|(no, _)| !group.roster.member(*no).is_some_and(Member::is_present));
    if newcomers.is_empty() {
        return Ok(Plan::nothing());
    }
    let mut audience = group.present();
    let (limit, would) = (service.settings().group_members, audience.len() + newcomers.len());
    if would > limit {
        let detail = format!("it would have {would} of at most {limit} members");
        return Err(group.refuse(ErrorCode::GroupFull, detail));
    }
    let writes = newcomers
        .iter()
        .map(|(user_no, user)| MemberWrite::Join {
            user_no: *user_no,
            user: user.clone(),
            role: Role::Member,
            sees_history: group.history_for_new_members,
        })
        .collect();
    let kind = ChangeKind::MembersJoined {
        title: group.title.clone(),
        users: newcomers.iter().map(|(_, user)| user.clone()).collect(),
    };
    audience.extend(newcomers);
    Ok(group.change(actor, writes, kind, audience))
}
