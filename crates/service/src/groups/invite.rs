//! Add users to a group. Members may invite, unless the group leaves it to its admins; who is in it already stays as
//! they are.

use anser_types::{ConversationId, ErrorCode, Member, Role, UserId};

use crate::directory::View;
use crate::fanout::route::present;
use crate::groups::change::{self, Found, let_in};
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
    let present = present(&found.roster).count();
    let (limit, would) = (service.settings().group_members, present + newcomers.len());
    if would > limit {
        let detail = format!("it would have {would} of at most {limit} members");
        return Err(found.refuse(ErrorCode::GroupFull, detail));
    }
    for (no, user) in &newcomers {
        lists::reach::check(service, actor, *no, user).await?.ok_or_refuse(user)?;
    }
    let mut draft = found.draft(actor);
    let_in(&mut draft, &found.roster, &found.group, newcomers);
    Ok(draft.plan())
}
