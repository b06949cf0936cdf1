//! What a group is, as columns of its conversation, and what changes make of it and of one's own role.

use anser_types::{
    Change, ChangeKind, Channel, ConversationId, Group, JoinMode, MemberAct, Role, SetGroup,
    UserId, Version,
};
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::values::number;
use super::worker::Store;
use super::{conversation_rows, device_rows};

/// Keeps everything that a group is, as the server says at this version.
pub(super) fn put(
    connection: &Connection,
    id: ConversationId,
    version: Version,
    group: &Group,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET group_known = 1, title = ?3, avatar = ?4, announcement = ?5,
                 history_for_new_members = ?6, join_mode = ?7, admins_invite = ?8, muted = ?9, dismissed = ?10,
                 channel = max(channel, ?11)
             WHERE id = ?1 AND version <= ?2",
        )?
        .execute(params![
            id.0,
            number(version.0),
            group.title,
            group.avatar,
            group.announcement,
            group.history_for_new_members,
            group.join.code(),
            group.admins_invite,
            group.muted,
            group.dismissed,
            group.channel.is_some(),
        ])?;
    Ok(())
}

/// Reads what a group is; `None` of a direct conversation, and as long as not all of it was told here.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Group>> {
    if !row.get::<_, bool>("group_known")? {
        return Ok(None);
    }
    Ok(Some(Group {
        title: row.get("title")?,
        avatar: row.get("avatar")?,
        announcement: row.get("announcement")?,
        history_for_new_members: row.get("history_for_new_members")?,
        // A way in of a newer version is none that this one knows.
        join: JoinMode::from_code(row.get("join_mode")?).unwrap_or_default(),
        admins_invite: row.get("admins_invite")?,
        muted: row.get("muted")?,
        dismissed: row.get("dismissed")?,
        // How many are in it stands with the conversation.
        channel: row.get::<_, bool>("channel")?.then(Channel::default),
    }))
}

/// What a change that came by the inbox makes of a group and of one's own role. Nothing, if the row is newer.
pub(super) fn apply(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let me = device_rows::user(connection)?;
    match &change.kind {
        ChangeKind::GroupUpdated(set) => update(connection, change, set),
        ChangeKind::GroupDismissed => {
            let sql = "UPDATE conversation SET dismissed = 1, member = 0, members = 0, members_version = ?2
                       WHERE id = ?1 AND version = ?2";
            connection
                .prepare_cached(sql)?
                .execute(params![change.conversation.0, number(change.version.0)])?;
            Ok(())
        }
        ChangeKind::MembersJoined { users, .. } if users.contains(&me) => {
            // Nothing that was said before is unread, though one may get to see it.
            conversation_rows::raise_read(connection, change.conversation, change.after_seq)?;
            // What was changed while one was away was not told.
            let sql = "UPDATE conversation SET group_known = 0 WHERE id = ?1 AND version = ?2";
            connection
                .prepare_cached(sql)?
                .execute(params![change.conversation.0, number(change.version.0)])?;
            set_role(connection, change, Role::Member)
        }
        _ => match role_after(change, &me) {
            Some(Becomes::Of(role)) => set_role(connection, change, role),
            Some(Becomes::AdminIfOwner) => give_way(connection, change),
            None => Ok(()),
        },
    }
}

/// What a change makes of one's own role.
enum Becomes {
    Of(Role),
    /// Somebody else is the owner now.
    AdminIfOwner,
}

fn role_after(change: &Change, me: &UserId) -> Option<Becomes> {
    match &change.kind {
        ChangeKind::GroupCreated { .. } => {
            (change.actor == *me).then_some(Becomes::Of(Role::Owner))
        }
        ChangeKind::MemberLeft { new_owner: Some(owner) } if owner == me => {
            Some(Becomes::Of(Role::Owner))
        }
        ChangeKind::MemberAltered { user, act: MemberAct::Role(role) } if user == me => {
            Some(Becomes::Of(*role))
        }
        ChangeKind::MemberAltered { act: MemberAct::Role(Role::Owner), .. } => {
            Some(Becomes::AdminIfOwner)
        }
        _ => None,
    }
}

fn set_role(connection: &Connection, change: &Change, role: Role) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE conversation SET role = ?3 WHERE id = ?1 AND version = ?2")?
        .execute(params![change.conversation.0, number(change.version.0), role.code()])?;
    Ok(())
}

fn give_way(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET role = ?3 WHERE id = ?1 AND version = ?2 AND role = ?4",
        )?
        .execute(params![
            change.conversation.0,
            number(change.version.0),
            Role::Admin.code(),
            Role::Owner.code(),
        ])?;
    Ok(())
}

fn update(connection: &Connection, change: &Change, set: &SetGroup) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET title = coalesce(?3, title), avatar = coalesce(?4, avatar),
                 announcement = coalesce(?5, announcement),
                 history_for_new_members = coalesce(?6, history_for_new_members),
                 join_mode = coalesce(?7, join_mode), admins_invite = coalesce(?8, admins_invite),
                 muted = coalesce(?9, muted), channel = max(channel, ?10)
             WHERE id = ?1 AND version = ?2",
        )?
        .execute(params![
            change.conversation.0,
            number(change.version.0),
            set.title,
            set.avatar,
            set.announcement,
            set.history_for_new_members,
            set.join.map(JoinMode::code),
            set.admins_invite,
            set.muted,
            set.channel,
        ])?;
    Ok(())
}

impl Store {
    /// Keeps what the server said of a group, unless something newer is known here.
    pub(crate) async fn group_told(
        &self,
        id: ConversationId,
        version: Version,
        group: Group,
    ) -> Result<(), StoreError> {
        self.run(move |connection| put(connection, id, version, &group)).await
    }
}
