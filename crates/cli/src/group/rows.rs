//! Groups and their members in the order and shape they are listed.

use anser_sdk::store::Conversation;
use anser_sdk::{Client, MemberState};
use anser_types::{ConversationId, Group, UserId};
use serde_json::json;

use super::carry_out::Printed;
use crate::named::{Named, Switch};
use crate::plain;

/// Those with more rights first, then by name.
#[must_use]
pub fn by_rank(mut members: Vec<MemberState>) -> Vec<MemberState> {
    members.sort_by(|a, b| b.role.cmp(&a.role).then_with(|| a.user.cmp(&b.user)));
    members
}

/// The groups one is in. Who is in them and one's own role are asked of the server, which knows best.
pub(super) async fn list(client: &Client) -> Result<Vec<Printed>, anser_sdk::Error> {
    let mut listed = Vec::new();
    for row in client.conversations().await? {
        if row.peer.is_none() && row.member {
            let members = client.group_members(row.id).await?;
            listed.push(describe(&row, &members, client.user()));
        }
    }
    Ok(listed)
}

fn describe(row: &Conversation, members: &[MemberState], me: &UserId) -> Printed {
    let role =
        members.iter().find(|member| member.user == *me).map_or(row.role, |member| member.role);
    let text = format!(
        "{}  {} ({} members, {} unread)",
        row.id,
        plain::one_line(&row.name()),
        members.len(),
        row.unread
    );
    let value = json!({
        "conversation": row.id.to_string(),
        "title": row.title,
        "members": members.len(),
        "role": role.name(),
        "unread": row.unread,
        "head": row.head.0,
        "read_up_to": row.read_up_to.0,
    });
    (text, value)
}

/// What a group is, one property a line, named as the option that sets it.
pub(super) fn shown(id: ConversationId, group: &Group) -> Printed {
    let on = |on: bool| Switch(on).name();
    let text = format!(
        "title {}\navatar {}\nannouncement {}\njoin {}\nmuted {}\nadmins-invite {}\nshow-history {}\ndissolved {}",
        plain::one_line(&group.title),
        plain::one_line(&group.avatar),
        plain::one_line(&group.announcement),
        group.join.name(),
        on(group.muted),
        on(group.admins_invite),
        on(group.history_for_new_members),
        on(group.dismissed),
    );
    let value = json!({
        "conversation": id.to_string(),
        "title": group.title,
        "avatar": group.avatar,
        "announcement": group.announcement,
        "join": group.join.name(),
        "muted": group.muted,
        "admins_invite": group.admins_invite,
        "history_for_new_members": group.history_for_new_members,
        "dismissed": group.dismissed,
    });
    (text, value)
}
