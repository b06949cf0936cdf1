//! Conversations as rows: what the server says of them, receipts, how many are in them.

use anser_client::records::{
    ConversationRow, ConversationState, OwnMessage, RowUpdate, StoredMessage,
};
use anser_types::{Change, ChangeKind, ConversationId, Role, Seq, UserId, Version};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::message_rows;
use super::values::number;
use super::worker::Store;
use super::{alteration_rows, change_rows, coverage, doubts, group_rows};

/// Makes the row if it is missing, learns the peer, and raises the head.
pub(super) fn note_message(
    connection: &Connection,
    id: ConversationId,
    peer: Option<&UserId>,
    seq: Seq,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO conversation (id, peer, head) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET peer = coalesce(peer, excluded.peer), head = max(head, excluded.head)",
        )?
        .execute(params![id.0, peer.map(UserId::as_str), number(seq.0)])?;
    Ok(())
}

pub(super) fn upsert(connection: &Connection, row: &ConversationRow) -> Result<(), StoreError> {
    note_message(connection, row.conversation, row.peer.as_ref(), Seq::ZERO)?;
    match &row.update {
        RowUpdate::Seen => Ok(()),
        RowUpdate::Group { title, version, member } => {
            if *member {
                coverage::forget_not_given_if_away(connection, row.conversation)?;
            }
            connection
                .prepare_cached(
                    "UPDATE conversation SET title = CASE WHEN version <= ?3 THEN coalesce(?2, title) ELSE title END,
                         version = max(version, ?3), member = ?4
                     WHERE id = ?1",
                )?
                .execute(params![row.conversation.0, title, number(version.0), member])?;
            Ok(())
        }
        RowUpdate::Full(state) => upsert_full(connection, row, state),
    }
}

fn upsert_full(
    connection: &Connection,
    row: &ConversationRow,
    state: &ConversationState,
) -> Result<(), StoreError> {
    let id = row.conversation;
    if state.member {
        coverage::forget_not_given_if_away(connection, id)?;
    }
    doubts::row_comes(connection, id, state.change_head, state.log_epoch)?;
    connection
        .prepare_cached(
            "UPDATE conversation SET version = ?2, member = ?3, members = ?4, members_version = ?2, role = ?5,
                 change_head = max(change_head, ?6), head = max(head, ?7), read_up_to = max(read_up_to, ?8),
                 counted_head = ?7, counted_read = ?8, counted_unread = ?9,
                 log_epoch = max(log_epoch, ?10), mentioned = max(mentioned, ?11),
                 head_at = max(head_at, ?12)
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            number(state.version.0),
            state.member,
            state.members,
            state.role.code(),
            number(state.change_head.0),
            number(state.head.0),
            number(state.read_up_to.0),
            state.unread,
            number(state.log_epoch.0),
            number(state.mentioned.0),
            number(state.last_at.0),
        ])?;
    if let Some(group) = &state.group {
        group_rows::put(connection, id, state.version, group)?;
    }
    alteration_rows::set_pinned(connection, id, &state.pinned)?;
    change_rows::forget_above(connection, id, state.change_head)?;
    if let Some(peer) = &row.peer {
        raise_receipt(connection, id, peer, state.peer_delivered, state.peer_read)?;
    }
    match &state.last_message {
        Some(message) => {
            let own: Option<OwnMessage> = None;
            let stored = StoredMessage {
                message: message.clone(),
                peer: row.peer.clone(),
                inbox_seq: None,
                by_channel: false,
                own,
            };
            message_rows::store(connection, &stored)
        }
        None => Ok(()),
    }
}

pub(super) fn raise_read(
    connection: &Connection,
    id: ConversationId,
    up_to: Seq,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO conversation (id, read_up_to) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET read_up_to = max(read_up_to, excluded.read_up_to)",
        )?
        .execute(params![id.0, number(up_to.0)])?;
    Ok(())
}

pub(super) fn raise_receipt(
    connection: &Connection,
    id: ConversationId,
    who: &UserId,
    delivered: Seq,
    read: Seq,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO receipt (conversation, who, delivered, read) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (conversation, who) DO UPDATE SET
                 delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)",
        )?
        .execute(params![id.0, who.as_str(), number(delivered.0), number(read.0)])?;
    Ok(())
}

/// A change of the conversation has this version. Makes no row: one hears of groups one is not in.
pub(super) fn raise_version(
    connection: &Connection,
    id: ConversationId,
    version: Version,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE conversation SET version = max(version, ?2) WHERE id = ?1")?
        .execute(params![id.0, number(version.0)])?;
    Ok(())
}

/// A message was hidden after the server counted what is unread: it counts no more.
pub(super) fn count_out(
    connection: &Connection,
    id: ConversationId,
    seq: Seq,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET counted_unread = counted_unread - 1
             WHERE id = ?1 AND counted_unread > 0 AND ?2 > max(read_up_to, counted_read) AND ?2 <= counted_head
                 AND NOT EXISTS (SELECT 1 FROM message WHERE conversation = ?1 AND seq = ?2
                                 AND sender = (SELECT user FROM identity))",
        )?
        .execute(params![id.0, number(seq.0)])?;
    Ok(())
}

/// What a change that came by the inbox does to the number of members.
pub(super) fn count_members(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let some = |users: &[UserId]| i64::try_from(users.len()).unwrap_or(i64::MAX);
    // The number of all, or what is added to the number before.
    let (all, more) = match &change.kind {
        ChangeKind::GroupCreated { members, .. } => (Some(some(members)), 0),
        ChangeKind::MembersJoined { users, .. } => (None, some(users)),
        ChangeKind::MemberLeft { .. } => (None, -1),
        ChangeKind::MembersRemoved { users } => (None, -some(users)),
        // These raise the version, and nobody comes or goes.
        ChangeKind::MessageAltered { .. }
        | ChangeKind::GroupUpdated(_)
        | ChangeKind::MemberAltered { .. }
        | ChangeKind::Item(_) => (None, 0),
        // Nobody is in it any more, which is not counted here.
        ChangeKind::GroupDismissed => return Ok(()),
        // Whatever it is: the count is of an older version from now on, and so not told.
        ChangeKind::Unknown { .. } => return Ok(()),
    };
    // A version between was not seen, or the count is newer already: it stays as it is.
    connection
        .prepare_cached(
            "UPDATE conversation SET members = coalesce(?3, members + ?4), members_version = ?2
             WHERE id = ?1 AND CASE WHEN ?3 IS NULL THEN members_version = ?2 - 1
                 ELSE coalesce(members_version, 0) < ?2 END",
        )?
        .execute(params![change.conversation.0, number(change.version.0), all, more])?;
    Ok(())
}

impl Store {
    /// Keeps what the server said of a group's members at a version.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn members_counted(
        &self,
        group: ConversationId,
        version: Version,
        members: u32,
        role: Option<Role>,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE conversation SET members = ?3, members_version = ?2, role = coalesce(?4, role)
                     WHERE id = ?1 AND coalesce(members_version, 0) <= ?2",
                )?
                .execute(params![group.0, number(version.0), members, role.map(Role::code)])?;
            Ok(())
        })
        .await
    }
}
