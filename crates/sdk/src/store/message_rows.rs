//! Messages as rows, and as the app sees them: with the state of one's own.

use anser_client::records::StoredMessage;
use anser_types::body::Forwarded;
use anser_types::{
    Altered, ChangeNo, Content, ConversationId, DeviceNo, FileId, LocalNo, Message, MessageId,
    MessageKind, Refusal, Seq, UnixMs, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrivals::{self, ArrivalKind};
use super::error::StoreError;
use super::values::{
    number, read_conversation, read_number, read_optional, read_user, read_users, users_as_text,
};
use super::{alteration_rows, conversation_rows, doubts, search};

/// Where a message stands, for its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Somebody else's, or one's own from another device before its receipt is known.
    Received,
    /// One's own: in the outbox, not on the wire yet.
    Queued,
    /// One's own: may be on the wire, not answered.
    Sending,
    /// One's own: durable at the server.
    Sent {
        /// No device of any receiver was connected: it waits in their inboxes.
        stored_offline: bool,
    },
    /// One's own, direct: stored on a device of the receiver.
    Delivered,
    /// One's own, direct: read.
    Read,
    /// One's own: not sent, waits for the user.
    Failed {
        /// Why.
        reason: Refusal,
        /// It may have arrived all the same; the next session settles it.
        unconfirmed: bool,
    },
    /// The server's log went back: it is stored here and not there any more.
    NotOnServer,
}

/// A message as the app shows it. `(conversation, seq)` names it for ever once it is sent, `id` from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Where.
    pub conversation: ConversationId,
    /// Its place, once it is sent.
    pub seq: Option<Seq>,
    /// In a direct conversation, the other one.
    pub peer: Option<UserId>,
    /// Who said it.
    pub sender: UserId,
    /// The sending device and its compose counter (`client_msg_id`).
    pub id: MessageId,
    /// The sender's clock when it was composed.
    pub sent_at: UnixMs,
    /// The server's clock when it was accepted.
    pub server_time: Option<UnixMs>,
    /// What was said; `None` is a tombstone.
    pub content: Option<Content>,
    /// What changes made of it since: edits, reactions, who took it back.
    pub altered: Option<Box<Altered>>,
    /// One's own, from whatever device.
    pub own: bool,
    /// Where it stands.
    pub status: Status,
}

impl ChatMessage {
    /// The text, if it is a text message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let content = self.content.as_ref().filter(|content| content.kind == MessageKind::Text)?;
        std::str::from_utf8(&content.body).ok()
    }
}

/// Columns and joins of every read of messages. `?1` is one's own user id.
pub(super) const SELECT: &str = "
    SELECT message.*, conversation.peer,
           message.sender = ?1 AS own,
           coalesce(receipt.delivered, 0) AS peer_delivered, coalesce(receipt.read, 0) AS peer_read
    FROM message
    LEFT JOIN conversation ON conversation.id = message.conversation
    LEFT JOIN receipt ON receipt.conversation = message.conversation AND receipt.who = conversation.peer
";

/// What stands at the place of a message that is stored.
#[derive(Clone, Copy)]
struct Existing {
    /// It is this message.
    same: bool,
    /// It came by the inbox or by its channel's log, or was composed here.
    came: bool,
    altered_by: ChangeNo,
    doubted: bool,
}

/// Stores or replaces a message; notes an arrival when it came, by the inbox or by its channel's log, for the first time
/// and was not composed here.
pub(super) fn store(connection: &Connection, stored: &StoredMessage) -> Result<(), StoreError> {
    let StoredMessage { message, peer, inbox_seq, by_channel, own } = stored;
    let comes = (inbox_seq.is_some() || *by_channel) && own.is_none();
    conversation_rows::note_message(connection, message.conversation, peer.as_ref(), message.seq)?;
    let existing = connection
        .prepare_cached(
            "SELECT id, sender = ?3 AND device = ?4 AND local_no = ?5 AS same, altered_by, doubted,
                 inbox_seq IS NOT NULL OR by_channel = 1 OR own_local_no IS NOT NULL AS came
             FROM message WHERE conversation = ?1 AND seq = ?2",
        )?
        .query_row(
            params![
                message.conversation.0,
                number(message.seq.0),
                message.sender.as_str(),
                number(message.id.device.0),
                number(message.id.local_no.0),
            ],
            |row| {
                let altered_by = ChangeNo(read_number(row, "altered_by")?);
                Ok(Existing {
                    same: row.get("same")?,
                    came: row.get("came")?,
                    altered_by,
                    doubted: row.get("doubted")?,
                })
            },
        )
        .optional()?;
    // An answer says that one's own message was taken; whatever else comes is in its present state.
    let given = own.is_none();
    let doubted = match existing {
        _ if given => false,
        Some(existing) => existing.doubted,
        None => doubts::is_late(connection, message.conversation, message.seq)?,
    };
    // The same message here may know of changes that what came does not: a page that was read before them.
    let newer = existing.is_some_and(|here| {
        here.same && here.altered_by > message.altered_by() && !(here.doubted && given)
    });
    let merged = if newer { Some(as_altered_here(connection, stored)?) } else { None };
    let stored = merged.as_ref().unwrap_or(stored);
    let id = write_row(connection, stored, doubted)?;
    if existing.is_some() {
        search::remove(connection, id)?;
    }
    search::add(connection, id, &stored.message)?;
    let known = existing.is_some_and(|here| here.same && here.came);
    if comes && !known {
        arrivals::add(connection, ArrivalKind::Message, message.conversation, message.seq.0)?;
    }
    Ok(())
}

/// What came, with what changes have made of the message here.
fn as_altered_here(
    connection: &Connection,
    came: &StoredMessage,
) -> Result<StoredMessage, StoreError> {
    let mut merged = came.clone();
    if let Some(here) = read_plain(connection, came.message.conversation, came.message.seq)? {
        (merged.message.content, merged.message.altered) = (here.content, here.altered);
    }
    Ok(merged)
}

/// Replaces what changes can alter of a stored message.
pub(super) fn write_altered(connection: &Connection, message: &Message) -> Result<(), StoreError> {
    let content = message.content.as_ref();
    let (by, edits, edited_at, revoked_by, reactions) = alteration_rows::columns(message)?;
    let (forwarded_from, forwarded_at) = forwarded(content);
    let id: i64 = connection
        .prepare_cached(
            "UPDATE message SET kind = ?3, body = ?4, mentions = ?5, mention_all = ?6, reply_to = ?7,
                 expires_at = ?8, altered_by = ?9, edits = ?10, edited_at = ?11, revoked_by = ?12, reactions = ?13,
                 burn_after_ms = ?14, forwarded_from = ?15, forwarded_at = ?16, files = ?17
             WHERE conversation = ?1 AND seq = ?2 RETURNING id",
        )?
        .query_row(
            params![
                message.conversation.0,
                number(message.seq.0),
                content.map(|content| content.kind.code()),
                content.map(|content| content.body.as_ref()),
                content.and_then(|content| users_as_text(&content.mentions)),
                content.is_some_and(|content| content.mention_all),
                content.and_then(|content| content.reply_to).map(|seq| number(seq.0)),
                content.and_then(|content| content.expires_at).map(|at| number(at.0)),
                by,
                edits,
                edited_at,
                revoked_by,
                reactions,
                content.and_then(|content| content.burn_after_ms),
                forwarded_from,
                forwarded_at,
                files(content),
            ],
            |row| row.get(0),
        )?;
    search::remove(connection, id)?;
    search::add(connection, id, message)
}

/// A stored message by itself, hidden or not.
pub(super) fn read_plain(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<Message>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM message WHERE conversation = ?1 AND seq = ?2")?
        .query_row(params![conversation.0, number(seq.0)], |row| {
            Ok(Message {
                conversation,
                seq,
                sender: read_user(row, "sender")?,
                id: read_id(row)?,
                sent_at: UnixMs(read_number(row, "sent_at")?),
                server_time: UnixMs(read_number(row, "server_time")?),
                content: read_content(row)?,
                altered: alteration_rows::read(row)?,
            })
        })
        .optional()?)
}

fn write_row(
    connection: &Connection,
    stored: &StoredMessage,
    doubted: bool,
) -> Result<i64, StoreError> {
    let Message { conversation, seq, sender, id, sent_at, server_time, content, altered: _ } =
        &stored.message;
    let (by, edits, edited_at, revoked_by, reactions) = alteration_rows::columns(&stored.message)?;
    let content = content.as_ref();
    let (forwarded_from, forwarded_at) = forwarded(content);
    let row_id = connection
        .prepare_cached(
            "INSERT INTO message (conversation, seq, sender, device, local_no, sent_at, server_time,
                 kind, body, mentions, reply_to, expires_at, inbox_seq, own_local_no, stored_offline,
                 mention_all, altered_by, edits, edited_at, revoked_by, reactions, doubted, burn_after_ms,
                 forwarded_from, forwarded_at, by_channel, files, hidden)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                 ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27,
                 EXISTS (SELECT 1 FROM hidden WHERE hidden.conversation = ?1 AND hidden.seq = ?2))
             ON CONFLICT (conversation, seq) DO UPDATE SET
                 sender = excluded.sender, device = excluded.device, local_no = excluded.local_no,
                 sent_at = excluded.sent_at, server_time = excluded.server_time, kind = excluded.kind,
                 body = excluded.body, mentions = excluded.mentions, reply_to = excluded.reply_to,
                 expires_at = excluded.expires_at, mention_all = excluded.mention_all,
                 altered_by = excluded.altered_by, edits = excluded.edits, edited_at = excluded.edited_at,
                 revoked_by = excluded.revoked_by, reactions = excluded.reactions, doubted = excluded.doubted,
                 inbox_seq = coalesce(excluded.inbox_seq, inbox_seq),
                 by_channel = max(excluded.by_channel, by_channel),
                 own_local_no = coalesce(excluded.own_local_no, own_local_no),
                 stored_offline = max(excluded.stored_offline, stored_offline), not_on_server = 0,
                 hidden = excluded.hidden, burn_after_ms = excluded.burn_after_ms,
                 forwarded_from = excluded.forwarded_from, forwarded_at = excluded.forwarded_at,
                 files = excluded.files
             RETURNING id",
        )?
        .query_row(
            params![
                conversation.0,
                number(seq.0),
                sender.as_str(),
                number(id.device.0),
                number(id.local_no.0),
                number(sent_at.0),
                number(server_time.0),
                content.map(|content| content.kind.code()),
                content.map(|content| content.body.as_ref()),
                content.and_then(|content| users_as_text(&content.mentions)),
                content.and_then(|content| content.reply_to).map(|seq| number(seq.0)),
                content.and_then(|content| content.expires_at).map(|at| number(at.0)),
                stored.inbox_seq.map(|seq| number(seq.0)),
                stored.own.map(|own| number(own.local_no.0)),
                stored.own.is_some_and(|own| own.stored_offline),
                content.is_some_and(|content| content.mention_all),
                by,
                edits,
                edited_at,
                revoked_by,
                reactions,
                doubted,
                content.and_then(|content| content.burn_after_ms),
                forwarded_from,
                forwarded_at,
                stored.by_channel,
                files(content),
            ],
            |row| row.get(0),
        )?;
    Ok(row_id)
}

/// Hides a message, now and when it comes again. False if it was hidden before.
pub(super) fn hide(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<bool, StoreError> {
    let key = params![conversation.0, number(seq.0)];
    let added = connection
        .prepare_cached("INSERT OR IGNORE INTO hidden (conversation, seq) VALUES (?1, ?2)")?
        .execute(key)?;
    let row: Option<i64> = connection
        .prepare_cached(
            "UPDATE message SET hidden = 1 WHERE conversation = ?1 AND seq = ?2 RETURNING id",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    if let Some(id) = row {
        search::remove(connection, id)?;
    }
    Ok(added > 0)
}

/// Whether a message is not to be shown any more: hidden, or cleared away with all before it.
pub(super) fn is_put_away(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM hidden WHERE conversation = ?1 AND seq = ?2)
                 OR EXISTS (SELECT 1 FROM conversation_options
                            WHERE conversation = ?1 AND cleared_up_to >= ?2)",
        )?
        .query_row(params![conversation.0, number(seq.0)], |row| row.get(0))?)
}

/// One message, hidden or not.
pub(super) fn read(
    connection: &Connection,
    me: &UserId,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<ChatMessage>, StoreError> {
    let sql = format!("{SELECT} WHERE message.conversation = ?2 AND message.seq = ?3");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params![me.as_str(), conversation.0, number(seq.0)], read_row)
        .optional()?)
}

/// One's own message that was composed here and is sent.
pub(super) fn read_own(
    connection: &Connection,
    me: &UserId,
    id: MessageId,
) -> Result<Option<ChatMessage>, StoreError> {
    // A message that a new device had to send keeps its compose counter, not its device.
    let sql = format!(
        "{SELECT} WHERE message.own_local_no = ?2 AND message.sender = ?1
         ORDER BY message.device = ?3 DESC, message.id DESC LIMIT 1"
    );
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params![me.as_str(), number(id.local_no.0), number(id.device.0)], read_row)
        .optional()?)
}

/// Reads a row of [`SELECT`].
pub(super) fn read_row(row: &Row<'_>) -> rusqlite::Result<ChatMessage> {
    let own: bool = row.get("own")?;
    let seq = read_number(row, "seq")?;
    let peer = super::values::read_optional_user(row, "peer")?;
    let status = if row.get("not_on_server")? {
        Status::NotOnServer
    } else if !own {
        Status::Received
    } else if peer.is_some() && read_number(row, "peer_read")? >= seq {
        Status::Read
    } else if peer.is_some() && read_number(row, "peer_delivered")? >= seq {
        Status::Delivered
    } else {
        Status::Sent { stored_offline: row.get("stored_offline")? }
    };
    Ok(ChatMessage {
        conversation: read_conversation(row, "conversation")?,
        seq: Some(Seq(seq)),
        peer,
        sender: read_user(row, "sender")?,
        id: read_id(row)?,
        sent_at: UnixMs(read_number(row, "sent_at")?),
        server_time: Some(UnixMs(read_number(row, "server_time")?)),
        content: read_content(row)?,
        altered: alteration_rows::read(row)?,
        own,
        status,
    })
}

fn read_id(row: &Row<'_>) -> rusqlite::Result<MessageId> {
    Ok(MessageId {
        device: DeviceNo(read_number(row, "device")?),
        local_no: LocalNo(read_number(row, "local_no")?),
    })
}

fn read_forwarded(row: &Row<'_>) -> rusqlite::Result<Option<Box<Forwarded>>> {
    let Some(from) = super::values::read_optional_user(row, "forwarded_from")? else {
        return Ok(None);
    };
    Ok(Some(Box::new(Forwarded { from, said_at: UnixMs(read_number(row, "forwarded_at")?) })))
}

fn forwarded(content: Option<&Content>) -> (Option<&str>, Option<i64>) {
    let forwarded = content.and_then(|content| content.forwarded.as_deref());
    (
        forwarded.map(|forwarded| forwarded.from.as_str()),
        forwarded.map(|forwarded| number(forwarded.said_at.0)),
    )
}

/// The names of the files a content holds, one after the other.
fn files(content: Option<&Content>) -> Option<Vec<u8>> {
    let files = content.map(|content| &content.files).filter(|files| !files.is_empty())?;
    Some(files.iter().flat_map(|file| file.0).collect())
}

fn read_files(row: &Row<'_>) -> rusqlite::Result<Vec<FileId>> {
    let names = row.get::<_, Option<Vec<u8>>>("files")?.unwrap_or_default();
    Ok(names.as_chunks().0.iter().copied().map(FileId).collect())
}

fn read_content(row: &Row<'_>) -> rusqlite::Result<Option<Content>> {
    let Some(kind) = row.get::<_, Option<u32>>("kind")? else { return Ok(None) };
    Ok(Some(Content {
        kind: MessageKind::from_code(kind),
        body: row.get::<_, Option<Vec<u8>>>("body")?.unwrap_or_default().into(),
        mentions: read_users(row, "mentions")?,
        mention_all: row.get("mention_all")?,
        reply_to: read_optional(row, "reply_to")?.map(Seq),
        expires_at: read_optional(row, "expires_at")?.map(UnixMs),
        burn_after_ms: row.get("burn_after_ms")?,
        forwarded: read_forwarded(row)?,
        files: read_files(row)?,
    }))
}
