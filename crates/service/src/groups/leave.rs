//! Leave a group. The owner's place goes to the longest-serving admin, else to the longest-serving member.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anser_backend::{MemberWrite, PageLimit};
use anser_types::{ChangeKind, ChangeNo, ConversationId, Member, Role, UserId, limits};

use crate::directory::View;
use crate::fanout::route::present;
use crate::groups::change::Group;
use crate::messages::request::Actor;
use crate::rules::{No, Plan};
use crate::service::Service;

/// The end of one's own membership; one's own last entry is the change that says so.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    view: View,
) -> Result<Plan, No> {
    let group = Group::of(service, actor, id, view).await?;
    let owns = group.roster.member(actor.no).is_some_and(|member| member.role == Role::Owner);
    let heir = if owns { heir(service, &group, actor).await? } else { None };
    let mut writes = Vec::with_capacity(2);
    if let Some(heir) = &heir {
        writes.push(MemberWrite::SetRole { user_no: heir.user_no, role: Role::Owner });
    }
    writes.push(MemberWrite::End { user_no: actor.no });
    let kind = ChangeKind::MemberLeft { new_owner: heir.map(|heir| heir.user) };
    let audience = group.present();
    Ok(group.change(actor, writes, kind, audience))
}

/// Admins before members, then who has been in it longest; user numbers break ties, oldest account first.
async fn heir(service: &Service, group: &Group, actor: &Actor) -> Result<Option<Member>, No> {
    let joined = joined(service, group.roster.conversation.id).await?;
    let heir = present(&group.roster)
        .filter(|member| member.user_no != actor.no)
        .min_by_key(|member| (Reverse(member.role), joined.get(&member.user), member.user_no))
        .cloned();
    Ok(heir)
}

/// By which change everybody joined last. Periods do not tell: where new members see the history, all begin at zero.
async fn joined(service: &Service, id: ConversationId) -> Result<BTreeMap<UserId, ChangeNo>, No> {
    let (mut joined, mut read_to) = (BTreeMap::new(), ChangeNo::ZERO);
    let page = PageLimit { entries: limits::PAGE_MAX, bytes: limits::PAGE_MAX_BYTES };
    loop {
        let changes = service.conversations().changes(id, read_to, page).await?;
        let Some(last) = changes.last() else { return Ok(joined) };
        read_to = last.change_no;
        for change in &changes {
            if let ChangeKind::GroupCreated { members: users, .. }
            | ChangeKind::MembersJoined { users, .. } = &change.kind
            {
                joined.extend(users.iter().map(|user| (user.clone(), change.change_no)));
            }
        }
    }
}
