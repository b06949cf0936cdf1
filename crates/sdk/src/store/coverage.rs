//! What is known about seqs that are not stored: ranges the server cannot give, and ranges it was asked for and did
//! not give. A page of history is complete when every seq in it is stored or covered by such a range.

use std::collections::BTreeSet;

use anser_client::records::StoredMessage;
use anser_types::event::UnavailableReason;
use anser_types::{ConversationId, Message, Seq, Unavailable, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrivals::{self, ArrivalKind};
use super::doubts;
use super::error::StoreError;
use super::history::PageBounds;
use super::message_rows;
use super::values::{number, read_conversation, read_number};

/// Reason of a range that was asked for and not given (outside one's membership, or before its start).
const NOT_GIVEN: u8 = 0;

/// Reason of a range that the reader has put away: known not to come, and no news to them.
const PUT_AWAY: u8 = 4;

const fn reason_code(reason: UnavailableReason) -> u8 {
    match reason {
        UnavailableReason::Expired => 1,
        UnavailableReason::Damaged => 2,
        UnavailableReason::NotVisible => 3,
        UnavailableReason::PutAway => PUT_AWAY,
    }
}

fn put(
    connection: &Connection,
    conversation: ConversationId,
    from: u64,
    to: u64,
    reason: u8,
) -> Result<bool, StoreError> {
    let added = connection
        .prepare_cached(
            "INSERT INTO unavailable (conversation, from_seq, to_seq, reason) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (conversation, from_seq) DO UPDATE SET to_seq = excluded.to_seq, reason = excluded.reason
             WHERE excluded.to_seq > to_seq",
        )?
        .execute(params![conversation.0, number(from), number(to), reason])?;
    Ok(added > 0)
}

/// Keeps a range that came by the inbox or by a channel's log, and tells the app, unless it has put it away itself.
pub(super) fn store_unavailable(
    connection: &Connection,
    range: &Unavailable,
) -> Result<(), StoreError> {
    let Unavailable { conversation, from, to, reason } = *range;
    let reason = reason_code(reason);
    if put(connection, conversation, from.0, to.0, reason)? && reason != PUT_AWAY {
        arrivals::add(connection, ArrivalKind::Unavailable, conversation, from.0)?;
    }
    Ok(())
}

/// The range that starts here.
pub(super) fn read(
    connection: &Connection,
    conversation: ConversationId,
    from: Seq,
) -> Result<Option<Unavailable>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT * FROM unavailable WHERE conversation = ?1 AND from_seq = ?2 AND reason <> 0",
        )?
        .query_row(params![conversation.0, number(from.0)], read_row)
        .optional()?)
}

/// Ranges the server named that touch `[from, to]`, without what the reader has put away.
pub(super) fn read_within(
    connection: &Connection,
    conversation: ConversationId,
    from: Seq,
    to: Seq,
) -> Result<Vec<Unavailable>, StoreError> {
    let ranges = connection
        .prepare_cached(
            "SELECT * FROM unavailable WHERE conversation = ?1 AND from_seq <= ?3 AND to_seq >= ?2
             AND reason NOT IN (0, 4) ORDER BY from_seq",
        )?
        .query_map(params![conversation.0, number(from.0), number(to.0)], read_row)?
        .collect::<Result<_, _>>()?;
    Ok(ranges)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Unavailable> {
    Ok(Unavailable {
        conversation: read_conversation(row, "conversation")?,
        from: Seq(read_number(row, "from_seq")?),
        to: Seq(read_number(row, "to_seq")?),
        reason: match row.get::<_, u8>("reason")? {
            1 => UnavailableReason::Expired,
            2 => UnavailableReason::Damaged,
            PUT_AWAY => UnavailableReason::PutAway,
            _ => UnavailableReason::NotVisible,
        },
    })
}

/// Whether nothing in `[from, to]` can still come.
pub(super) fn covers(
    connection: &Connection,
    conversation: ConversationId,
    from: u64,
    to: u64,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT max(to_seq) FROM unavailable WHERE conversation = ?1 AND from_seq <= ?2 AND to_seq >= ?2",
    )?;
    let mut next = from;
    while next <= to {
        let reach: Option<i64> =
            statement.query_row(params![conversation.0, number(next)], |row| row.get(0))?;
        match reach {
            Some(reach) => next = reach.cast_unsigned().saturating_add(1),
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Coming back to a group may open what was not given before.
pub(super) fn forget_not_given_if_away(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM unavailable WHERE conversation = ?1 AND reason IN (0, 3)
             AND EXISTS (SELECT 1 FROM conversation WHERE id = ?1 AND member = 0)",
        )?
        .execute([conversation.0])?;
    Ok(())
}

/// A page of history as the server gave it, with what was asked.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    pub(crate) conversation: ConversationId,
    pub(crate) peer: Option<UserId>,
    /// Asked: messages above this.
    pub(crate) after: Seq,
    /// Asked: messages below this (zero: no bound).
    pub(crate) before: Seq,
    pub(crate) oldest_first: bool,
    pub(crate) messages: Vec<Message>,
    pub(crate) unavailable: Vec<Unavailable>,
    pub(crate) head: Seq,
    pub(crate) more: bool,
}

impl Filled {
    /// What of these bounds is still to be asked for after this page.
    pub(crate) fn rest(&self, bounds: PageBounds) -> Option<PageBounds> {
        let (from, to) = self.range().filter(|_| self.more)?;
        Some(if self.oldest_first {
            PageBounds { after: Some(Seq(to)), ..bounds }
        } else {
            PageBounds { before: Some(Seq(from)), ..bounds }
        })
    }

    /// The range about which this page says everything.
    fn range(&self) -> Option<(u64, u64)> {
        let given = self.messages.iter().map(|message| (message.seq.0, message.seq.0));
        let named = self.unavailable.iter().map(|range| (range.from.0, range.to.0));
        let (mut lowest, mut highest) = (u64::MAX, 0);
        for (from, to) in given.chain(named) {
            lowest = lowest.min(from);
            highest = highest.max(to);
        }
        let mut from = self.after.0.saturating_add(1);
        let mut to = if self.before == Seq::ZERO {
            self.head.0
        } else {
            self.head.0.min(self.before.0.saturating_sub(1))
        };
        if self.more && self.oldest_first {
            to = to.min(highest);
        } else if self.more {
            from = from.max(lowest);
        }
        (from <= to).then_some((from, to))
    }
}

/// Stores a page of history; no event tells of it, since the app asked for it.
pub(super) fn fill(connection: &Connection, page: &Filled) -> Result<(), StoreError> {
    for message in &page.messages {
        let stored = StoredMessage {
            message: message.clone(),
            peer: page.peer.clone(),
            inbox_seq: None,
            by_channel: false,
            own: None,
        };
        message_rows::store(connection, &stored)?;
    }
    for range in &page.unavailable {
        let Unavailable { conversation, from, to, reason } = *range;
        put(connection, conversation, from.0, to.0, reason_code(reason))?;
    }
    let Some((from, to)) = page.range() else { return Ok(()) };
    doubts::settle(connection, page.conversation, from, to)?;
    let given: BTreeSet<u64> = page.messages.iter().map(|message| message.seq.0).collect();
    let mut next = from;
    for seq in given.into_iter().chain([to.saturating_add(1)]) {
        if seq > next && !covers(connection, page.conversation, next, seq - 1)? {
            put(connection, page.conversation, next, seq - 1, NOT_GIVEN)?;
        }
        next = next.max(seq.saturating_add(1));
    }
    Ok(())
}
