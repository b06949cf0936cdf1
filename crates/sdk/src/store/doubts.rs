//! Messages of which changes may have been missed: by a rebuild, while one was not in the conversation, or because their
//! log was replaced. They are shown as they are, and no page that holds one is complete: the server is asked for it
//! again, and what it gives is in its present state.

use anser_types::{ChangeNo, ConversationId, LogEpoch, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use super::channel_rows;
use super::error::StoreError;
use super::values::number;

/// A change came: if it does not follow the last one that is known, some were missed. Those of a channel that is followed
/// come by its log, which has no holes.
pub(super) fn change_came(
    connection: &Connection,
    conversation: ConversationId,
    no: ChangeNo,
) -> Result<(), StoreError> {
    let (known, _) = known(connection, conversation)?;
    if no > known.next() && !channel_rows::is_followed(connection, conversation)? {
        doubt(connection, conversation)
    } else {
        Ok(())
    }
}

/// The server's whole row comes: it may know of more changes, or be of another log.
pub(super) fn row_comes(
    connection: &Connection,
    conversation: ConversationId,
    change_head: ChangeNo,
    log_epoch: LogEpoch,
) -> Result<(), StoreError> {
    let (known, followed) = known(connection, conversation)?;
    if change_head > known || log_epoch > followed {
        doubt(connection, conversation)
    } else {
        Ok(())
    }
}

fn known(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<(ChangeNo, LogEpoch), StoreError> {
    let found = connection
        .prepare_cached("SELECT change_head, log_epoch FROM conversation WHERE id = ?1")?
        .query_row([conversation.0], |row| {
            let (changes, epoch): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((ChangeNo(changes.cast_unsigned()), LogEpoch(epoch.cast_unsigned())))
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

fn doubt(connection: &Connection, conversation: ConversationId) -> Result<(), StoreError> {
    for statement in [
        "UPDATE message SET doubted = 1 WHERE conversation = ?1",
        "UPDATE conversation SET doubted_up_to = max(doubted_up_to, head) WHERE id = ?1",
    ] {
        connection.prepare_cached(statement)?.execute([conversation.0])?;
    }
    Ok(())
}

/// Whether an answer that comes only now may hide what has become of one's own message since.
pub(super) fn is_late(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<bool, StoreError> {
    let late: Option<bool> = connection
        .prepare_cached("SELECT doubted_up_to >= ?2 FROM conversation WHERE id = ?1")?
        .query_row(params![conversation.0, number(seq.0)], |row| row.get(0))
        .optional()?;
    Ok(late.unwrap_or_default())
}

/// Whether one of these is in doubt.
pub(super) fn any_within(
    connection: &Connection,
    conversation: ConversationId,
    from: u64,
    to: u64,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM message WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3
             AND doubted = 1 AND not_on_server = 0)",
        )?
        .query_row(params![conversation.0, number(from), number(to)], |row| row.get(0))?)
}

/// The server was asked for all of these, and gave what it gives.
pub(super) fn settle(
    connection: &Connection,
    conversation: ConversationId,
    from: u64,
    to: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE message SET doubted = 0 WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3
             AND doubted = 1",
        )?
        .execute(params![conversation.0, number(from), number(to)])?;
    Ok(())
}
