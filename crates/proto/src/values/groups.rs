//! What a group is and what is done about its members.

use anser_types::{Channel, Group, JoinMode, MemberAct, Role, SetGroup, UserId};

use super::{Unreadable, case, user};
use crate::{time, v1};

/// A group's own state but for its title.
#[must_use]
pub fn group(group: &Group) -> v1::Group {
    v1::Group {
        avatar: group.avatar.clone(),
        announcement: group.announcement.clone(),
        history_for_new_members: group.history_for_new_members,
        join: u32::from(group.join.code()),
        admins_invite: group.admins_invite,
        muted: group.muted,
        dismissed: group.dismissed,
        channel: group.channel.is_some(),
    }
}

/// The group; a way to come in that this version does not know is the narrowest.
#[must_use]
pub fn read_group(title: String, group: v1::Group) -> Group {
    Group {
        title,
        avatar: group.avatar,
        announcement: group.announcement,
        history_for_new_members: group.history_for_new_members,
        join: case("join", group.join, JoinMode::from_code).unwrap_or_default(),
        admins_invite: group.admins_invite,
        muted: group.muted,
        dismissed: group.dismissed,
        channel: group.channel.then(Channel::default),
    }
}

/// What of a group is changed.
#[must_use]
pub fn set_group(set: &SetGroup) -> v1::SetGroup {
    v1::SetGroup {
        title: set.title.clone(),
        avatar: set.avatar.clone(),
        announcement: set.announcement.clone(),
        history_for_new_members: set.history_for_new_members,
        join: set.join.map(|join| u32::from(join.code())),
        admins_invite: set.admins_invite,
        muted: set.muted,
        channel: set.channel,
    }
}

/// The same, read.
///
/// # Errors
/// A way to come in that this version does not know.
pub fn read_set_group(set: v1::SetGroup) -> Result<SetGroup, Unreadable> {
    Ok(SetGroup {
        title: set.title,
        avatar: set.avatar,
        announcement: set.announcement,
        history_for_new_members: set.history_for_new_members,
        join: set.join.map(|code| case("join", code, JoinMode::from_code)).transpose()?,
        admins_invite: set.admins_invite,
        muted: set.muted,
        channel: set.channel,
    })
}

/// What is done about one member.
#[must_use]
pub fn member_altered(user: &UserId, act: &MemberAct) -> v1::MemberAltered {
    use v1::member_altered::Act;
    let act = match act {
        MemberAct::Role(role) => Act::Role(u32::from(role.code())),
        MemberAct::MuteUntil(until) => Act::MuteUntilMs(time::to_wire(*until)),
        MemberAct::Alias(alias) => Act::Alias(alias.clone()),
    };
    v1::MemberAltered { user: user.to_string(), act: Some(act) }
}

/// The same, read; `None` if it is something this version does not know.
///
/// # Errors
/// A field that cannot be read.
pub fn read_member_altered(
    altered: v1::MemberAltered,
) -> Result<Option<(UserId, MemberAct)>, Unreadable> {
    use v1::member_altered::Act;
    let Some(act) = altered.act else { return Ok(None) };
    let act = match act {
        Act::Role(code) => MemberAct::Role(case("role", code, role)?),
        Act::MuteUntilMs(until) => MemberAct::MuteUntil(time::from_wire(until)),
        Act::Alias(alias) => MemberAct::Alias(alias),
    };
    Ok(Some((user("user", &altered.user)?, act)))
}

fn role(code: u8) -> Option<Role> {
    // Unknown numbers read as the least role; here that would be another wish.
    Some(Role::from_code(code)).filter(|role| role.code() == code)
}
