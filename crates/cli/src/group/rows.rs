//! Groups and their members in the order and shape they are listed.

use anser_sdk::store::Conversation;
use anser_sdk::{Client, MemberState};
use anser_types::{ConversationId, Group, Role};
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

/// Whether a group is known here as a channel.
///
/// # Errors
/// The local store failed.
pub async fn is_channel(client: &Client, group: ConversationId) -> Result<bool, anser_sdk::Error> {
    Ok(client.conversation(group).await?.is_some_and(|row| row.channel))
}

/// The groups one is in. Who is in them and one's own role are asked of the server, which knows best; of a channel only how
/// many there are.
pub(super) async fn list(client: &Client) -> Result<Vec<Printed>, anser_sdk::Error> {
    let mut listed = Vec::new();
    for row in client.conversations().await? {
        if row.peer.is_some() || !row.member {
            continue;
        }
        if row.channel {
            client.group(row.id).await?;
            let row = client.conversation(row.id).await?.unwrap_or(row);
            listed.push(describe(&row, row.members, row.role));
        } else {
            let members = client.group_members(row.id).await?;
            let own = members.iter().find(|member| member.user == *client.user());
            let count = u32::try_from(members.len()).ok();
            listed.push(describe(&row, count, own.map_or(row.role, |member| member.role)));
        }
    }
    Ok(listed)
}

fn describe(row: &Conversation, members: Option<u32>, role: Role) -> Printed {
    let mut about = Vec::new();
    about.extend(row.channel.then(|| "channel".to_owned()));
    about.extend(members.map(|members| format!("{members} members")));
    about.push(format!("{} unread", row.unread));
    let text = format!("{}  {} ({})", row.id, plain::one_line(&row.name()), about.join(", "));
    let value = json!({
        "conversation": row.id.to_string(),
        "title": row.title,
        "channel": row.channel,
        "members": members,
        "role": role.name(),
        "unread": row.unread,
        "head": row.head.0,
        "read_up_to": row.read_up_to.0,
    });
    (text, value)
}

/// What a group is, one property a line, named as the option that sets it, and how many are in it if one is.
pub(super) fn shown(id: ConversationId, group: &Group, members: Option<u32>) -> Printed {
    let on = |on: bool| Switch(on).name();
    let mut text = format!(
        "title {}\navatar {}\nannouncement {}\njoin {}\nmuted {}\nadmins-invite {}\nshow-history {}\nchannel {}\ndissolved {}",
        plain::one_line(&group.title),
        plain::one_line(&group.avatar),
        plain::one_line(&group.announcement),
        group.join.name(),
        on(group.muted),
        on(group.admins_invite),
        on(group.history_for_new_members),
        on(group.channel.is_some()),
        on(group.dismissed),
    );
    if let Some(members) = members {
        text = format!("{text}\nmembers {members}");
    }
    let value = json!({
        "conversation": id.to_string(),
        "title": group.title,
        "avatar": group.avatar,
        "announcement": group.announcement,
        "join": group.join.name(),
        "muted": group.muted,
        "admins_invite": group.admins_invite,
        "history_for_new_members": group.history_for_new_members,
        "channel": group.channel.is_some(),
        "dismissed": group.dismissed,
        "members": members,
    });
    (text, value)
}
