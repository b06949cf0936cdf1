//! What a change says of a group or a member, as text of the column `details`: only what was changed.

use anser_types::{JoinMode, MemberAct, Role, SetGroup, UnixMs};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Updated {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    announcement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history_for_new_members: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admins_invite: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    channel: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Role(u8),
    MuteUntil(u64),
    Alias(String),
}

/// What of a group was changed, as text.
pub(super) fn updated_as_text(set: &SetGroup) -> serde_json::Result<String> {
    serde_json::to_string(&Updated {
        title: set.title.clone(),
        avatar: set.avatar.clone(),
        announcement: set.announcement.clone(),
        history_for_new_members: set.history_for_new_members,
        join: set.join.map(JoinMode::code),
        admins_invite: set.admins_invite,
        muted: set.muted,
        channel: set.channel,
    })
}

/// The same, read.
pub(super) fn read_updated(text: &str) -> serde_json::Result<SetGroup> {
    let read: Updated = serde_json::from_str(text)?;
    Ok(SetGroup {
        title: read.title,
        avatar: read.avatar,
        announcement: read.announcement,
        history_for_new_members: read.history_for_new_members,
        join: read.join.and_then(JoinMode::from_code),
        admins_invite: read.admins_invite,
        muted: read.muted,
        channel: read.channel,
    })
}

/// What was done about a member, as text.
pub(super) fn act_as_text(act: &MemberAct) -> serde_json::Result<String> {
    serde_json::to_string(&match act {
        MemberAct::Role(role) => Act::Role(role.code()),
        MemberAct::MuteUntil(until) => Act::MuteUntil(until.0),
        MemberAct::Alias(alias) => Act::Alias(alias.clone()),
    })
}

/// The same, read.
pub(super) fn read_act(text: &str) -> serde_json::Result<MemberAct> {
    Ok(match serde_json::from_str(text)? {
        Act::Role(code) => MemberAct::Role(Role::from_code(code)),
        Act::MuteUntil(until) => MemberAct::MuteUntil(UnixMs(until)),
        Act::Alias(alias) => MemberAct::Alias(alias),
    })
}
