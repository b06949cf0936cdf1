//! What changes make of stored messages: each is applied once, in order, and the app is told of what is new.

use anser_types::{
    Alteration, Altered, Change, ChangeKind, ChangeNo, ConversationId, Message, Reaction, Seq,
    UnixMs, UserId,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrivals::{self, ArrivalKind};
use super::error::StoreError;
use super::message_rows;
use super::values::{number, read_number, read_optional, read_optional_user, read_small};

/// Applies a change to the message it names. Returns what the app is to be told: nothing if the message is not stored
/// here or shows the change already.
pub(super) fn apply(
    connection: &Connection,
    change: &Change,
) -> Result<Option<ArrivalKind>, StoreError> {
    let ChangeKind::MessageAltered { seq, alteration } = &change.kind else { return Ok(None) };
    let pinned = match alteration {
        Alteration::Pin { on } => pin(connection, change.conversation, *seq, *on)?,
        _ => false,
    };
    let pinned = pinned.then_some(ArrivalKind::Pin);
    let Some(mut message) = message_rows::read_plain(connection, change.conversation, *seq)? else {
        return Ok(pinned);
    };
    // (Of a pin the message shows nothing but its number.)
    if !message.alter(change.change_no, change.at, &change.actor, alteration) {
        return Ok(pinned);
    }
    message_rows::write_altered(connection, &message)?;
    Ok(match alteration {
        Alteration::Edit(_) => Some(ArrivalKind::Edit),
        Alteration::Revoke => Some(ArrivalKind::Revoke),
        Alteration::React { .. } => Some(ArrivalKind::Reaction),
        Alteration::Pin { .. } => pinned,
        Alteration::Burn(_) | Alteration::Expire | Alteration::Gone => None,
    })
}

/// Notes that the app is to be told of a change that was applied.
pub(super) fn tell(
    connection: &Connection,
    change: &Change,
    what: ArrivalKind,
) -> Result<(), StoreError> {
    let ChangeKind::MessageAltered { seq, .. } = change.kind else { return Ok(()) };
    arrivals::add(connection, what, change.conversation, seq.0)
}

/// Pins or unpins; false if it was so.
fn pin(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
    on: bool,
) -> Result<bool, StoreError> {
    let mut pinned = pinned(connection, conversation)?;
    let before = pinned.len();
    pinned.retain(|other| *other != seq);
    if on {
        pinned.push(seq);
    }
    if pinned.len() == before {
        return Ok(false);
    }
    set_pinned(connection, conversation, &pinned)?;
    Ok(true)
}

/// Messages pinned to a conversation, the latest pin last.
pub(super) fn pinned(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Vec<Seq>, StoreError> {
    let text: Option<String> = connection
        .prepare_cached("SELECT pinned FROM conversation WHERE id = ?1")?
        .query_row([conversation.0], |row| row.get(0))
        .optional()?;
    Ok(text.map(|text| seqs(&text)).transpose()?.unwrap_or_default())
}

/// Replaces the list.
pub(super) fn set_pinned(
    connection: &Connection,
    conversation: ConversationId,
    pinned: &[Seq],
) -> Result<(), StoreError> {
    let numbers: Vec<u64> = pinned.iter().map(|seq| seq.0).collect();
    connection
        .prepare_cached("UPDATE conversation SET pinned = ?2 WHERE id = ?1")?
        .execute(params![conversation.0, json(&numbers)?])?;
    Ok(())
}

/// The pinned column of a row.
pub(super) fn read_pinned(row: &Row<'_>) -> rusqlite::Result<Vec<Seq>> {
    seqs(&row.get::<_, String>("pinned")?)
}

fn seqs(text: &str) -> rusqlite::Result<Vec<Seq>> {
    let numbers: Vec<u64> =
        serde_json::from_str(text).map_err(|error| unreadable("pinned", error))?;
    Ok(numbers.into_iter().map(Seq).collect())
}

/// What changes made of a message, as columns: last change, edits, edited at, revoked by, reactions.
pub(super) type Columns = (i64, u32, Option<i64>, Option<String>, Option<String>);

/// The columns of a message.
pub(super) fn columns(message: &Message) -> rusqlite::Result<Columns> {
    let Some(altered) = message.altered.as_deref() else { return Ok((0, 0, None, None, None)) };
    let reactions: Vec<(&str, Vec<&str>)> = altered
        .reactions
        .iter()
        .map(|one| (one.emoji.as_str(), one.users.iter().map(UserId::as_str).collect()))
        .collect();
    let reactions = if reactions.is_empty() { None } else { Some(json(&reactions)?) };
    Ok((
        number(altered.by.0),
        altered.edits,
        altered.edited_at.map(|at| number(at.0)),
        altered.revoked_by.as_ref().map(ToString::to_string),
        reactions,
    ))
}

/// Reads the columns of a message.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Box<Altered>>> {
    let by = read_number(row, "altered_by")?;
    if by == 0 {
        return Ok(None);
    }
    let reactions = row.get::<_, Option<String>>("reactions")?;
    let reactions: Vec<(String, Vec<String>)> = reactions
        .map(|text| serde_json::from_str(&text).map_err(|error| unreadable("reactions", error)))
        .transpose()?
        .unwrap_or_default();
    let reactions = reactions.into_iter().map(|(emoji, users)| {
        let users = users.iter().map(|id| UserId::new(id)).collect::<Result<_, _>>();
        Ok(Reaction { emoji, users: users.map_err(|error| unreadable("reactions", error))? })
    });
    Ok(Some(Box::new(Altered {
        by: ChangeNo(by),
        edits: read_small(row, "edits")?,
        edited_at: read_optional(row, "edited_at")?.map(UnixMs),
        revoked_by: read_optional_user(row, "revoked_by")?,
        reactions: reactions.collect::<rusqlite::Result<_>>()?,
    })))
}

fn json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn unreadable(
    column: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    tracing::error!(column, %error, "a row of the local store makes no sense");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
