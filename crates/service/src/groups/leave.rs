//! Leave a group. The owner's place goes to the longest-serving admin, else to the longest-serving member.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anser_backend::{MemberWrite, PageLimit};
use anser_types::{
    ChangeKind, ChangeNo, ConversationId, ErrorCode, Member, MemberAct, Role, UserId, limits,
};

use crate::directory::View;
use crate::fanout::route::present;
use crate::groups::change::Found;
use crate::groups::channel;
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
    let found = Found::by(service, actor, id, &[], view).await?;
    let heir = match (found.role, &found.group.channel) {
        (Role::Owner, None) => heir(service, &found, actor).await?,
        (Role::Owner, Some(channel)) if channel.members > 1 => {
            let detail = "a channel has many heirs: make one of them the owner first";
            return Err(found.refuse(ErrorCode::NotAllowed, detail));
        }
        _ => None,
    };
    let mut draft = found.draft_with(actor, channel::recounted(&found.group, 0, &[actor.no]));
    if let Some(heir) = &heir {
        let (user_no, act) = (heir.user_no, MemberAct::Role(Role::Owner));
        draft.member(id, MemberWrite::Alter { user_no, act });
    }
    draft.member(id, MemberWrite::End { user_no: actor.no });
    let left = ChangeKind::MemberLeft { new_owner: heir.map(|heir| heir.user) };
    found.tell_all(&mut draft, left, vec![(actor.no, actor.id.clone())]);
    Ok(draft.plan())
}

/// Admins before members, then who has been in it longest; user numbers break ties, oldest account first.
async fn heir(service: &Service, found: &Found, actor: &Actor) -> Result<Option<Member>, No> {
    let joined = joined(service, found.roster.conversation.id).await?;
    let heir = present(&found.roster)
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
