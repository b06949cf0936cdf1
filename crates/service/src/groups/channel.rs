//! What is different in a channel: its count and those with rights stand in its row, and only those whom a change concerns
//! have it in their inboxes.

use anser_backend::Roster;
use anser_types::{Channel, ErrorCode, Group, MemberAct, Role, Staff, UserId, UserNo, limits};

use crate::fanout::route::present;
use crate::groups::change::Found;
use crate::rules::No;

/// What a group has as a channel from now on: everybody who is in it.
///
/// # Errors
/// `LIMIT_REACHED`: too many have rights.
pub(crate) fn of(found: &Found) -> Result<Channel, No> {
    let roster = &found.roster;
    let mut with_rights: Vec<_> =
        present(roster).filter(|member| member.role >= Role::Admin).collect();
    check_staff(found, with_rights.len())?;
    with_rights.sort_by_key(|member| std::cmp::Reverse(member.role));
    let staff = with_rights
        .into_iter()
        .map(|member| Staff { user_no: member.user_no, user: member.user.clone() })
        .collect();
    Ok(Channel { members: present(roster).count() as u64, staff })
}

fn check_staff(found: &Found, count: usize) -> Result<(), No> {
    if count <= limits::CHANNEL_STAFF_MAX {
        return Ok(());
    }
    let detail = format!("at most {} have rights in a channel", limits::CHANNEL_STAFF_MAX);
    Err(found.refuse(ErrorCode::LimitReached, detail))
}

/// Owner and admins of a group.
pub(crate) fn admins(roster: &Roster, group: &Group) -> Vec<(UserNo, UserId)> {
    match &group.channel {
        Some(channel) => {
            channel.staff.iter().map(|staff| (staff.user_no, staff.user.clone())).collect()
        }
        None => present(roster)
            .filter(|member| member.role >= Role::Admin)
            .map(|member| (member.user_no, member.user.clone()))
            .collect(),
    }
}

/// How many are in a group.
pub(crate) fn size(roster: &Roster, group: &Group) -> usize {
    match &group.channel {
        Some(channel) => usize::try_from(channel.members).unwrap_or(usize::MAX),
        None => present(roster).count(),
    }
}

/// The group once so many have come and these have gone.
pub(crate) fn recounted(group: &Group, came: usize, gone: &[UserNo]) -> Group {
    let mut group = group.clone();
    if let Some(channel) = &mut group.channel {
        channel.members = (channel.members + came as u64).saturating_sub(gone.len() as u64);
        channel.staff.retain(|staff| !gone.contains(&staff.user_no));
    }
    group
}

/// The group once something is done about a member.
///
/// # Errors
/// `LIMIT_REACHED`: nobody else gets rights.
pub(crate) fn altered(
    found: &Found,
    (user_no, user): (UserNo, &UserId),
    act: &MemberAct,
) -> Result<Group, No> {
    let mut group = found.group.clone();
    let (Some(channel), MemberAct::Role(role)) = (&mut group.channel, act) else {
        return Ok(group);
    };
    let known = channel.staff.iter().any(|staff| staff.user_no == user_no);
    if *role < Role::Admin {
        channel.staff.retain(|staff| staff.user_no != user_no);
    } else if !known {
        check_staff(found, channel.staff.len() + 1)?;
        channel.staff.push(Staff { user_no, user: user.clone() });
    }
    Ok(group)
}
