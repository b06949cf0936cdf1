//! Channels as columns of their conversation: that it is one, and up to where a followed one is stored.

use anser_client::records::{ChannelMark, ChannelPosition};
use anser_types::{ChangeNo, ConversationId, Seq, UnixMs};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::values::{number, read_number, read_optional};

/// Everything up to here is stored, with what stands in the same transaction.
pub(super) fn place(
    connection: &Connection,
    id: ConversationId,
    position: ChannelPosition,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO conversation (id, channel, channel_seq, channel_change_no) VALUES (?1, 1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET channel = 1, channel_seq = excluded.channel_seq, channel_change_no = excluded.channel_change_no",
        )?
        .execute(params![id.0, number(position.seq.0), number(position.change_no.0)])?;
    Ok(())
}

/// It is followed no more.
pub(super) fn leave(connection: &Connection, id: ConversationId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE conversation SET channel_seq = NULL, channel_change_no = NULL WHERE id = ?1",
        )?
        .execute([id.0])?;
    Ok(())
}

/// Whether it is followed: then its changes come without holes, whatever else is told of it.
pub(super) fn is_followed(connection: &Connection, id: ConversationId) -> Result<bool, StoreError> {
    let followed: Option<bool> = connection
        .prepare_cached("SELECT channel_seq IS NOT NULL FROM conversation WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    Ok(followed.unwrap_or_default())
}

/// What the core has to know of it; `None` if it is not followed.
pub(super) fn read_mark(row: &Row<'_>) -> rusqlite::Result<Option<ChannelMark>> {
    let Some(seq) = read_optional(row, "channel_seq")? else { return Ok(None) };
    let change_no = ChangeNo(read_number(row, "channel_change_no")?);
    Ok(Some(ChannelMark {
        position: ChannelPosition { seq: Seq(seq), change_no },
        active: UnixMs(read_number(row, "active")?),
    }))
}
