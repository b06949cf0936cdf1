//! Leave a group. The owner's place goes to the longest-serving admin, else to the longest-serving member.

use std::cmp::Reverse;

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, Member, Role};

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
    let heir = if owns { heir(&group, actor) } else { None };
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
fn heir(group: &Group, actor: &Actor) -> Option<Member> {
    present(&group.roster)
        .filter(|member| member.user_no != actor.no)
        .min_by_key(|member| {
            let since = member.periods.last().map(|period| (period.after_change, period.after_seq));
            (Reverse(member.role), since, member.user_no)
        })
        .cloned()
}
