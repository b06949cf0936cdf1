//! Add users to a group. Members may invite, unless the group leaves it to its admins; who is in it already stays as they are.

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, ErrorCode, Member, Role, UserId};

use crate::directory::View;
use crate::groups::change::{self, Found};
use crate::lists;
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
    let found = Found::by(service, actor, id, view).await?;
    if found.group.admins_invite {
        found.demand(Role::Admin, "invite into this group")?;
    }
    let mut newcomers = change::named(service, actor, users).await?;
    newcomers.retain(|(no, _)| !found.roster.member(*no).is_some_and(Member::is_present));
    if newcomers.is_empty() {
        return Ok(Plan::nothing());
    }
    let mut audience = found.present();
    let (limit, would) = (service.settings().group_members, audience.len() + newcomers.len());
    if would > limit {
        let detail = format!("it would have {would} of at most {limit} members");
        return Err(found.refuse(ErrorCode::GroupFull, detail));
    }
    for (no, user) in &newcomers {
        lists::reach::check(service, actor, *no, user).await?.ok_or_refuse(user)?;
    }
    let mut draft = found.draft(actor);
    for (user_no, user) in &newcomers {
        let sees_history = found.group.history_for_new_members;
        let (user_no, user, role) = (*user_no, user.clone(), Role::Member);
        draft.member(id, MemberWrite::Join { user_no, user, role, sees_history });
    }
    let kind = ChangeKind::MembersJoined {
        title: found.group.title.clone(),
        users: newcomers.iter().map(|(_, user)| user.clone()).collect(),
    };
    audience.extend(newcomers);
    draft.change(id, kind, audience);
    Ok(draft.plan())
}
