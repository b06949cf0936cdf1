//! Add users to a group. Members may invite, unless the group leaves it to its admins; who is in it already stays as
//! they are.

use anser_backend::Roster;
use anser_types::{ConversationId, ErrorCode, Group, Member, Refusal, Role, UserId};

use crate::directory::View;
use crate::groups::change::{self, Found, let_in};
use crate::groups::channel;
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
    let found = Found::by(service, actor, id, users, view).await?;
    if found.group.admins_invite {
        found.demand(Role::Admin, "invite into this group")?;
    }
    let mut newcomers = change::named(service, actor, users).await?;
    newcomers.retain(|(no, _)| !found.roster.member(*no).is_some_and(Member::is_present));
    if newcomers.is_empty() {
        return Ok(Plan::nothing());
    }
    check_room(service, &found.roster, &found.group, newcomers.len())?;
    let decided_on = lists::reach::all(service, actor, &newcomers).await?;
    let counted = channel::recounted(&found.group, newcomers.len(), &[]);
    let mut draft = found.draft_with(actor, counted);
    decided_on.into_iter().for_each(|(id, version)| draft.expect(id, version));
    let_in(&mut draft, &found.roster, &found.group, newcomers);
    Ok(draft.plan())
}

/// Refuses if there is no room for so many more.
pub(crate) fn check_room(
    service: &Service,
    roster: &Roster,
    group: &Group,
    more: usize,
) -> Result<(), No> {
    let (settings, would) = (service.settings(), channel::size(roster, group) + more);
    let (limit, way_out) = match group.channel {
        Some(_) => (settings.channel_members, ""),
        None => (settings.group_members, "; a channel holds more: its owner can make it one"),
    };
    if would <= limit {
        return Ok(());
    }
    let detail = format!("it would have {would} of at most {limit} members{way_out}");
    Err(No::here(roster, Refusal::because(ErrorCode::GroupFull, detail)))
}
