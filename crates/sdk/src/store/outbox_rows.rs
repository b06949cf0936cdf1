//! The outbox as rows: commands that are not settled, and one's own messages among them as the app sees them.

use anser_client::records::{OutboxItem, OutboxState};
use anser_types::{
    Command, CommandNo, ConversationId, DeviceNo, LocalNo, MessageId, Target, UnixMs, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::message_rows::{ChatMessage, Status};
use super::values::{number, read_number, read_optional, read_refusal};

/// A state as columns.
struct StateColumns {
    state: u8,
    command_no: Option<i64>,
    reason: Option<(u16, String, Option<u32>)>,
}

impl StateColumns {
    fn of(state: &OutboxState) -> Self {
        match state {
            OutboxState::Queued => Self { state: 0, command_no: None, reason: None },
            OutboxState::Numbered(no) => {
                Self { state: 1, command_no: Some(number(no.0)), reason: None }
            }
            OutboxState::Failed { reason, unconfirmed } => Self {
                state: 2,
                command_no: unconfirmed.map(|no| number(no.0)),
                reason: Some((reason.code.number(), reason.detail.clone(), reason.retry_after_ms)),
            },
        }
    }
}

pub(super) fn put(connection: &Connection, item: &OutboxItem) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO outbox
                 (local_no, device, conversation, sent_at, body, state, delete_wanted)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
        )?
        .execute(params![
            number(item.id.local_no.0),
            number(item.id.device.0),
            item.conversation.map(|conversation| conversation.0),
            number(item.sent_at.0),
            item.body.as_ref(),
            item.delete_wanted,
        ])?;
    set_state(connection, item.id.local_no, &item.state)
}

pub(super) fn set_state(
    connection: &Connection,
    local_no: LocalNo,
    state: &OutboxState,
) -> Result<(), StoreError> {
    let columns = StateColumns::of(state);
    let reason = columns.reason.as_ref();
    connection
        .prepare_cached(
            "UPDATE outbox SET state = ?2, command_no = ?3, reason_code = ?4, reason_detail = ?5,
                 reason_retry_ms = ?6
             WHERE local_no = ?1",
        )?
        .execute(params![
            number(local_no.0),
            columns.state,
            columns.command_no,
            reason.map(|(code, _, _)| *code),
            reason.map(|(_, detail, _)| detail.as_str()),
            reason.and_then(|(_, _, retry)| *retry),
        ])?;
    Ok(())
}

pub(super) fn want_deleted(connection: &Connection, local_no: LocalNo) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE outbox SET delete_wanted = 1 WHERE local_no = ?1")?
        .execute([number(local_no.0)])?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, local_no: LocalNo) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE local_no = ?1")?
        .execute([number(local_no.0)])?;
    Ok(())
}

/// Everything not settled, by ascending `local_no`.
pub(super) fn read_all(connection: &Connection) -> Result<Vec<OutboxItem>, StoreError> {
    let items = connection
        .prepare_cached("SELECT * FROM outbox ORDER BY local_no")?
        .query_map([], read_item)?
        .collect::<Result<_, _>>()?;
    Ok(items)
}

/// One's own unsettled messages of a conversation in the order they were composed; those to be deleted are left out.
pub(super) fn read_pending(
    connection: &Connection,
    me: &UserId,
    conversation: ConversationId,
) -> Result<Vec<ChatMessage>, StoreError> {
    let items: Vec<OutboxItem> = connection
        .prepare_cached(
            "SELECT * FROM outbox WHERE conversation = ?1 AND delete_wanted = 0 ORDER BY local_no",
        )?
        .query_map([conversation.0], read_item)?
        .collect::<Result<_, _>>()?;
    Ok(items.iter().filter_map(|item| as_message(item, me)).collect())
}

/// One unsettled message.
pub(super) fn read_message(
    connection: &Connection,
    me: &UserId,
    local_no: LocalNo,
) -> Result<Option<ChatMessage>, StoreError> {
    let item = connection
        .prepare_cached("SELECT * FROM outbox WHERE local_no = ?1")?
        .query_row([number(local_no.0)], read_item)
        .optional()?;
    Ok(item.and_then(|item| as_message(&item, me)))
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<OutboxItem> {
    let command_no = read_optional(row, "command_no")?.map(CommandNo);
    let state = match (row.get::<_, u8>("state")?, command_no) {
        (1, Some(no)) => OutboxState::Numbered(no),
        (2, unconfirmed) => OutboxState::Failed { reason: read_refusal(row)?, unconfirmed },
        _ => OutboxState::Queued,
    };
    Ok(OutboxItem {
        id: MessageId {
            device: DeviceNo(read_number(row, "device")?),
            local_no: LocalNo(read_number(row, "local_no")?),
        },
        conversation: row.get::<_, Option<[u8; 16]>>("conversation")?.map(ConversationId),
        sent_at: UnixMs(read_number(row, "sent_at")?),
        body: row.get::<_, Vec<u8>>("body")?.into(),
        state,
        delete_wanted: row.get("delete_wanted")?,
    })
}

fn as_message(item: &OutboxItem, me: &UserId) -> Option<ChatMessage> {
    let Some(Command::SendMessage { to, content }) = item.command() else { return None };
    let peer = match &to {
        Target::User(user) => Some(user.clone()),
        Target::Conversation(_) => None,
    };
    let status = match &item.state {
        OutboxState::Queued => Status::Queued,
        OutboxState::Numbered(_) => Status::Sending,
        OutboxState::Failed { reason, unconfirmed } => {
            Status::Failed { reason: reason.clone(), unconfirmed: unconfirmed.is_some() }
        }
    };
    Some(ChatMessage {
        conversation: item.conversation?,
        seq: None,
        peer,
        sender: me.clone(),
        id: item.id,
        sent_at: item.sent_at,
        server_time: None,
        content: Some(content),
        altered: None,
        own: true,
        status,
    })
}
