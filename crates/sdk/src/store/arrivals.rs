//! Events the app has not confirmed yet: what the event stream resumes from after a crash.
//!
//! An arrival is written in the transaction that stores what it tells of, and removed by the app's confirmation.

use anser_types::{Change, ConversationId, Seq, Unavailable, UserId};
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::message_rows::{self, ChatMessage};
use super::values::{number, read_conversation, read_number};
use super::worker::Store;
use super::{alteration_rows, change_rows, coverage};

/// Position of an event in the queue of this store; grows, never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArrivalNo(pub u64);

/// Something that came and is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A message.
    Message(Box<ChatMessage>),
    /// A change of a conversation.
    Change(Change),
    /// A range that cannot be given.
    Unavailable(Unavailable),
    /// A message was edited; as it is now.
    Edited(Box<ChatMessage>),
    /// A message was taken back.
    Revoked(Box<ChatMessage>),
    /// Somebody reacted to a message, or took a reaction away; as it is now.
    Reacted(Box<ChatMessage>),
    /// A message was pinned to its conversation, or unpinned.
    Pinned {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
        /// It is pinned now.
        on: bool,
    },
}

/// What an arrival points at; the numbers are in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrivalKind {
    Message = 1,
    Change = 2,
    Unavailable = 3,
    Edit = 4,
    Revoke = 5,
    Reaction = 6,
    Pin = 7,
}

/// Notes that something came.
pub(super) fn add(
    connection: &Connection,
    kind: ArrivalKind,
    conversation: ConversationId,
    position: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO arrival (kind, conversation, position) VALUES (?1, ?2, ?3)")?
        .execute(params![kind as u8, conversation.0, number(position)])?;
    Ok(())
}

/// Forgets everything up to here: the app has it.
pub(super) fn confirm(connection: &Connection, up_to: ArrivalNo) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM arrival WHERE no <= ?1")?.execute([number(up_to.0)])?;
    Ok(())
}

/// The newest number ever given.
pub(super) fn newest(connection: &Connection) -> Result<ArrivalNo, StoreError> {
    let newest: i64 = connection
        .prepare_cached(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'arrival'), 0)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(ArrivalNo(newest.cast_unsigned()))
}

struct Pointer {
    no: ArrivalNo,
    kind: u8,
    conversation: ConversationId,
    position: u64,
}

fn read_pointer(row: &Row<'_>) -> rusqlite::Result<Pointer> {
    Ok(Pointer {
        no: ArrivalNo(read_number(row, "no")?),
        kind: row.get("kind")?,
        conversation: read_conversation(row, "conversation")?,
        position: read_number(row, "position")?,
    })
}

impl Store {
    /// Up to `limit` unconfirmed events after `after`, in the order they came, and how far was looked. An event whose
    /// object was removed meanwhile is left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn arrivals_after(
        &self,
        after: ArrivalNo,
        limit: u32,
    ) -> Result<(Vec<(ArrivalNo, Arrival)>, ArrivalNo), StoreError> {
        self.run(move |connection| {
            let pointers: Vec<Pointer> = connection
                .prepare_cached("SELECT * FROM arrival WHERE no > ?1 ORDER BY no LIMIT ?2")?
                .query_map(params![number(after.0), limit], read_pointer)?
                .collect::<Result<_, _>>()?;
            let me = super::device_rows::user(connection)?;
            let mut looked_at = after;
            let mut found = Vec::with_capacity(pointers.len());
            for pointer in pointers {
                looked_at = pointer.no;
                if let Some(arrival) = resolve(connection, &me, &pointer)? {
                    found.push((pointer.no, arrival));
                }
            }
            Ok((found, looked_at))
        })
        .await
    }

    /// The newest event for the app.
    ///
    /// # Errors
    /// The store failed.
    pub async fn newest_arrival(&self) -> Result<ArrivalNo, StoreError> {
        self.run(|connection| newest(connection)).await
    }
}

fn resolve(
    connection: &Connection,
    me: &UserId,
    pointer: &Pointer,
) -> Result<Option<Arrival>, StoreError> {
    let Pointer { kind, conversation, position, .. } = *pointer;
    if let Some(of_message) = of_message(kind) {
        if message_rows::is_put_away(connection, conversation, Seq(position))? {
            return Ok(None);
        }
        let message = message_rows::read(connection, me, conversation, Seq(position))?;
        return Ok(message.map(|message| of_message(Box::new(message))));
    }
    if kind == ArrivalKind::Pin as u8 {
        let seq = Seq(position);
        let on = alteration_rows::pinned(connection, conversation)?.contains(&seq);
        return Ok(Some(Arrival::Pinned { conversation, seq, on }));
    }
    Ok(if kind == ArrivalKind::Change as u8 {
        change_rows::read(connection, conversation, position)?.map(Arrival::Change)
    } else {
        coverage::read(connection, conversation, Seq(position))?.map(Arrival::Unavailable)
    })
}

/// What an arrival that points at a message tells of it.
fn of_message(kind: u8) -> Option<fn(Box<ChatMessage>) -> Arrival> {
    match kind {
        kind if kind == ArrivalKind::Message as u8 => Some(Arrival::Message),
        kind if kind == ArrivalKind::Edit as u8 => Some(Arrival::Edited),
        kind if kind == ArrivalKind::Revoke as u8 => Some(Arrival::Revoked),
        kind if kind == ArrivalKind::Reaction as u8 => Some(Arrival::Reacted),
        _ => None,
    }
}
