//! Conversations as rows: what the server says of them, receipts, and the list with unread counts.

use anser_client::records::{
    ConversationRow, ConversationState, OwnMessage, RowUpdate, StoredMessage,
};
use anser_types::{Change, ChangeKind, ConversationId, Role, Seq, UserId, Version};
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::message_rows::{self, ChatMessage};
use super::values::{
    number, read_conversation, read_number, read_optional_user, read_small, read_user,
};
use super::worker::Store;
use super::{alteration_rows, change_rows, coverage, device_rows, doubts};

/// A conversation as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// A group's name.
    pub title: String,
    /// One is a member now; false for a group one has left.
    pub member: bool,
    /// How many members a group has, at the version this row has; `None` while it is not known here (direct
    /// conversations; a group one was invited to, until `Client::group_members` has asked).
    pub members: Option<u32>,
    /// One's own role.
    pub role: Role,
    /// Version of the row and its members.
    pub version: Version,
    /// The last message known to exist.
    pub head: Seq,
    /// One's own read position.
    pub read_up_to: Seq,
    /// Messages of others above it.
    pub unread: u64,
    /// The last unread message that calls one, by name or with everybody; `None` if none does.
    pub mentioned: Option<Seq>,
    /// Messages pinned to it, the latest pin last.
    pub pinned: Vec<Seq>,
    /// The peer's devices have stored up to here (direct conversations).
    pub peer_delivered: Seq,
    /// The peer has read up to here (direct conversations).
    pub peer_read: Seq,
    /// The newest stored message.
    pub last_message: Option<ChatMessage>,
}

impl Conversation {
    /// What to call it: the peer, the title, or the id of a group without one.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.peer {
            Some(peer) => peer.to_string(),
            None if self.title.is_empty() => self.id.to_string(),
            None => self.title.clone(),
        }
    }
}

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
                    "UPDATE conversation SET title = coalesce(?2, title), version = max(version, ?3), member = ?4
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
            "UPDATE conversation SET title = ?2, version = ?3, member = ?4, members = ?5, members_version = ?3, role = ?6,
                 change_head = max(change_head, ?7), head = max(head, ?8), read_up_to = max(read_up_to, ?9),
                 counted_head = ?8, counted_read = ?9, counted_unread = ?10,
                 log_epoch = max(log_epoch, ?11), mentioned = max(mentioned, ?12)
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            state.title,
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
        ])?;
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

/// Rows of the list without their last message; `?1` is one's own user id, `?2` one conversation or NULL for all.
///
/// Unread is what is stored above everything the server counted, plus what the server counted, as far as it is not
/// read yet: exactly, when those messages are stored, else as the server said, bounded by the distance.
const LIST: &str = "
    SELECT c.*,
        coalesce(receipt.delivered, 0) AS peer_delivered, coalesce(receipt.read, 0) AS peer_read,
        (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.seq > max(c.read_up_to, c.counted_head)
             AND m.sender <> ?1 AND m.hidden = 0 AND m.not_on_server = 0)
        + CASE
            WHEN c.read_up_to >= c.counted_head THEN 0
            WHEN c.read_up_to <= c.counted_read THEN c.counted_unread
            WHEN (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.seq > c.read_up_to
                      AND m.seq <= c.counted_head) = c.counted_head - c.read_up_to
                THEN (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.seq > c.read_up_to
                      AND m.seq <= c.counted_head AND m.sender <> ?1 AND m.hidden = 0)
            ELSE min(c.counted_unread, c.counted_head - c.read_up_to)
        END AS unread,
        max(c.mentioned, coalesce((SELECT m.seq FROM message m WHERE m.conversation = c.id
             AND m.seq > c.read_up_to AND m.sender <> ?1 AND m.hidden = 0
             AND (m.mention_all = 1 OR instr(char(10) || m.mentions || char(10), char(10) || ?1 || char(10)) > 0)
             ORDER BY m.seq DESC LIMIT 1), 0)) AS mentioned_seq,
        (SELECT m.seq FROM message m WHERE m.conversation = c.id AND m.hidden = 0
             ORDER BY m.seq DESC LIMIT 1) AS last_seq
    FROM conversation c
    LEFT JOIN receipt ON receipt.conversation = c.id AND receipt.who = c.peer
    WHERE ?2 IS NULL OR c.id = ?2
";

fn read_list(
    connection: &Connection,
    only: Option<ConversationId>,
) -> Result<Vec<Conversation>, StoreError> {
    let me = device_rows::user(connection)?;
    let rows: Vec<(Conversation, Option<u64>)> = connection
        .prepare_cached(LIST)?
        .query_map(params![me.as_str(), only.map(|id| id.0)], read_list_row)?
        .collect::<Result<_, _>>()?;
    let mut list = Vec::with_capacity(rows.len());
    for (mut conversation, last_seq) in rows {
        if let Some(seq) = last_seq {
            conversation.last_message =
                message_rows::read(connection, &me, conversation.id, Seq(seq))?;
        }
        list.push(conversation);
    }
    let latest = |c: &Conversation| c.last_message.as_ref().and_then(|message| message.server_time);
    list.sort_by(|a, b| latest(b).cmp(&latest(a)).then_with(|| a.id.cmp(&b.id)));
    Ok(list)
}

fn read_list_row(row: &Row<'_>) -> rusqlite::Result<(Conversation, Option<u64>)> {
    let read_up_to = Seq(read_number(row, "read_up_to")?);
    let conversation = Conversation {
        id: read_conversation(row, "id")?,
        peer: read_optional_user(row, "peer")?,
        title: row.get("title")?,
        member: row.get("member")?,
        members: read_members(row)?,
        role: Role::from_code(row.get("role")?),
        version: Version(read_number(row, "version")?),
        head: Seq(read_number(row, "head")?),
        read_up_to,
        unread: read_number(row, "unread")?,
        mentioned: Some(Seq(read_number(row, "mentioned_seq")?)).filter(|seq| *seq > read_up_to),
        pinned: alteration_rows::read_pinned(row)?,
        peer_delivered: Seq(read_number(row, "peer_delivered")?),
        peer_read: Seq(read_number(row, "peer_read")?),
        last_message: None,
    };
    Ok((conversation, super::values::read_optional(row, "last_seq")?))
}

/// A count is told only if nothing has changed since it was made.
fn read_members(row: &Row<'_>) -> rusqlite::Result<Option<u32>> {
    let counted: Option<i64> = row.get("members_version")?;
    let direct = row.get_ref("peer")? != rusqlite::types::ValueRef::Null;
    if direct || counted != Some(row.get("version")?) {
        return Ok(None);
    }
    read_small(row, "members").map(Some)
}

/// What a change that came by the inbox does to the number of members and to one's own role.
pub(super) fn count_members(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let some = |users: &[UserId]| i64::try_from(users.len()).unwrap_or(i64::MAX);
    // The number of all, or what is added to the number before.
    let (all, more) = match &change.kind {
        ChangeKind::GroupCreated { members, .. } => (Some(some(members)), 0),
        ChangeKind::MembersJoined { users, .. } => (None, some(users)),
        ChangeKind::MemberLeft { .. } => (None, -1),
        ChangeKind::MembersRemoved { users } => (None, -some(users)),
        // A pin raises the version, and nobody comes or goes.
        ChangeKind::MessageAltered { .. } => (None, 0),
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
    let me = device_rows::user(connection)?;
    let role = match &change.kind {
        ChangeKind::GroupCreated { .. } if change.actor == me => Role::Owner,
        ChangeKind::MemberLeft { new_owner: Some(owner) } if *owner == me => Role::Owner,
        ChangeKind::MembersJoined { users, .. } if users.contains(&me) => Role::Member,
        _ => return Ok(()),
    };
    connection
        .prepare_cached("UPDATE conversation SET role = ?3 WHERE id = ?1 AND version = ?2")?
        .execute(params![change.conversation.0, number(change.version.0), role.code()])?;
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
        members: usize,
        role: Option<Role>,
    ) -> Result<(), StoreError> {
        let members = i64::try_from(members).unwrap_or(i64::MAX);
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

    /// All conversations, the one with the newest message first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, StoreError> {
        self.run(|connection| read_list(connection, None)).await
    }

    /// One conversation.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        self.run(move |connection| Ok(read_list(connection, Some(id))?.pop())).await
    }

    /// How many members of a conversation have read up to this message or further, oneself left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn readers(&self, id: ConversationId, seq: Seq) -> Result<Vec<UserId>, StoreError> {
        self.run(move |connection| {
            let readers = connection
                .prepare_cached(
                    "SELECT who FROM receipt WHERE conversation = ?1 AND read >= ?2
                     AND who <> (SELECT user FROM identity) ORDER BY who",
                )?
                .query_map(params![id.0, number(seq.0)], |row| read_user(row, "who"))?
                .collect::<Result<_, _>>()?;
            Ok(readers)
        })
        .await
    }
}
