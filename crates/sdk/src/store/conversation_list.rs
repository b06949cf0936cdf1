//! The list of conversations: in its order, with what is unread in each and the last message to show.

use anser_types::{ConversationId, Group, Notify, Role, Seq, UnixMs, UserId, Version};
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::message_rows::{self, ChatMessage};
use super::option_rows::{self, ConversationOptions};
use super::values::{
    number, read_conversation, read_number, read_optional, read_optional_user, read_small,
    read_user,
};
use super::worker::Store;
use super::{alteration_rows, device_rows, group_rows};

/// A conversation as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// A group's name.
    pub title: String,
    /// What a group is; `None` while not all of it is known here (direct conversations; a group one has made or was
    /// invited to, until `Client::group` has asked).
    pub group: Option<Group>,
    /// It is a group whose messages come by its own log: it may be very large, and nobody's receipts are told.
    pub channel: bool,
    /// How one wants it shown.
    pub options: ConversationOptions,
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
    /// Messages of others above it that one has not put away.
    pub unread: u64,
    /// The last unread message that calls one, by name or with everybody; `None` if none does.
    pub mentioned: Option<Seq>,
    /// Messages pinned to it, the latest pin last.
    pub pinned: Vec<Seq>,
    /// The peer's devices have stored up to here (direct conversations).
    pub peer_delivered: Seq,
    /// The peer has read up to here (direct conversations).
    pub peer_read: Seq,
    /// The newest stored message that one has not put away.
    pub last_message: Option<ChatMessage>,
    /// When the newest message was said, also if it is not stored here ([`SyncMode::OnDemand`](crate::SyncMode)).
    pub last_at: Option<UnixMs>,
}

/// Unread messages of all conversations that are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotalUnread {
    /// In conversations that make themselves heard.
    pub unread: u64,
    /// In those one does not want to hear of ([`Notify::Nothing`]).
    pub muted: u64,
}

impl TotalUnread {
    /// Of these conversations; those one is no member of any more do not count.
    #[must_use]
    pub fn of(list: &[Conversation]) -> Self {
        let mut total = Self::default();
        for conversation in list.iter().filter(|conversation| conversation.member) {
            match conversation.options.notify {
                Notify::Nothing => total.muted += conversation.unread,
                Notify::All | Notify::Mentions => total.unread += conversation.unread,
            }
        }
        total
    }
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

/// Rows of the list without their last message; `?1` is one's own user id, `?2` one conversation or NULL for the list,
/// `?3` one's own conversation, which is listed only if there is a note in it. `seen`: what was read or cleared away.
///
/// Unread is what is stored above everything the server counted, plus what the server counted, as far as it is not
/// read yet: exactly, when those messages are stored, else as the server said, bounded by the distance.
const LIST: &str = "
    WITH c AS (
        SELECT conversation.*, coalesce(o.pinned, 0) AS stands_first, coalesce(o.notify, 0) AS notify,
            coalesce(o.hidden_up_to, 0) AS hidden_up_to, coalesce(o.cleared_up_to, 0) AS cleared_up_to,
            coalesce(d.text, o.draft, '') AS draft, max(read_up_to, coalesce(o.cleared_up_to, 0)) AS seen
        FROM conversation
        LEFT JOIN conversation_options o ON o.conversation = conversation.id
        LEFT JOIN draft d ON d.conversation = conversation.id
    )
    SELECT c.*,
        coalesce(receipt.delivered, 0) AS peer_delivered, coalesce(receipt.read, 0) AS peer_read,
        (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.seq > max(c.seen, c.counted_head)
             AND m.sender <> ?1 AND m.hidden = 0 AND m.not_on_server = 0)
        + CASE
            WHEN c.seen >= c.counted_head THEN 0
            WHEN c.seen <= c.counted_read THEN c.counted_unread
            WHEN (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.seq > c.seen
                      AND m.seq <= c.counted_head) = c.counted_head - c.seen
                THEN (SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.seq > c.seen
                      AND m.seq <= c.counted_head AND m.sender <> ?1 AND m.hidden = 0)
            ELSE min(c.counted_unread, c.counted_head - c.seen)
        END AS unread,
        max(CASE WHEN EXISTS (SELECT 1 FROM hidden h WHERE h.conversation = c.id AND h.seq = c.mentioned)
                THEN 0 ELSE c.mentioned END,
            coalesce((SELECT m.seq FROM message m WHERE m.conversation = c.id
             AND m.seq > c.seen AND m.sender <> ?1 AND m.hidden = 0
             AND (m.mention_all = 1 OR instr(char(10) || m.mentions || char(10), char(10) || ?1 || char(10)) > 0)
             ORDER BY m.seq DESC LIMIT 1), 0)) AS mentioned_seq,
        (SELECT m.seq FROM message m WHERE m.conversation = c.id AND m.hidden = 0 AND m.seq > c.cleared_up_to
             ORDER BY m.seq DESC LIMIT 1) AS last_seq,
        max(c.head_at, coalesce((SELECT m.server_time FROM message m WHERE m.conversation = c.id
             ORDER BY m.seq DESC LIMIT 1), 0)) AS latest_at
    FROM c
    LEFT JOIN receipt ON receipt.conversation = c.id AND receipt.who = c.peer
    WHERE c.id = ?2 OR ?2 IS NULL
        AND (c.hidden_up_to = 0 OR c.head > c.hidden_up_to)
        AND (c.id <> ?3 OR c.head > 0 OR EXISTS (SELECT 1 FROM outbox WHERE outbox.conversation = c.id))
    ORDER BY stands_first DESC, latest_at DESC, c.id
";

fn read_list(
    connection: &Connection,
    only: Option<ConversationId>,
) -> Result<Vec<Conversation>, StoreError> {
    let me = device_rows::user(connection)?;
    let own = ConversationId::own(&me);
    let rows: Vec<(Conversation, Option<u64>)> = connection
        .prepare_cached(LIST)?
        .query_map(params![me.as_str(), only.map(|id| id.0), own.0], read_list_row)?
        .collect::<Result<_, _>>()?;
    let mut list = Vec::with_capacity(rows.len());
    for (mut conversation, last_seq) in rows {
        if let Some(seq) = last_seq {
            conversation.last_message =
                message_rows::read(connection, &me, conversation.id, Seq(seq))?;
        }
        list.push(conversation);
    }
    Ok(list)
}

fn read_list_row(row: &Row<'_>) -> rusqlite::Result<(Conversation, Option<u64>)> {
    let seen = Seq(read_number(row, "seen")?);
    let conversation = Conversation {
        id: read_conversation(row, "id")?,
        peer: read_optional_user(row, "peer")?,
        title: row.get("title")?,
        group: group_rows::read(row)?,
        channel: row.get("channel")?,
        options: option_rows::read(row)?,
        member: row.get("member")?,
        members: read_members(row)?,
        role: Role::from_code(row.get("role")?),
        version: Version(read_number(row, "version")?),
        head: Seq(read_number(row, "head")?),
        read_up_to: Seq(read_number(row, "read_up_to")?),
        unread: read_number(row, "unread")?,
        mentioned: Some(Seq(read_number(row, "mentioned_seq")?)).filter(|seq| *seq > seen),
        pinned: alteration_rows::read_pinned(row)?,
        peer_delivered: Seq(read_number(row, "peer_delivered")?),
        peer_read: Seq(read_number(row, "peer_read")?),
        last_message: None,
        last_at: Some(UnixMs(read_number(row, "latest_at")?)).filter(|at| *at > UnixMs(0)),
    };
    Ok((conversation, read_optional(row, "last_seq")?))
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

impl Store {
    /// The conversations to show: pinned ones first, then the one with the newest message first. Hidden ones are left
    /// out until their next message, and one's own until there is a note in it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, StoreError> {
        self.run(|connection| read_list(connection, None)).await
    }

    /// One conversation, hidden or not.
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
