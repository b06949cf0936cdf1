//! Pages of a conversation's history from the store, in the order a person should see them, and whether the store
//! knows everything in them.

use anser_client::order::{CONTEXT_SEQS, Slot, display_order};
use anser_types::{ConversationId, MessageId, Seq, Unavailable, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::coverage::{self, Filled};
use super::error::StoreError;
use super::message_rows::{self, ChatMessage};
use super::values::number;
use super::worker::Store;
use super::{device_rows, doubts, option_rows, outbox_rows};

/// Which part of a conversation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageBounds {
    /// Only messages above this.
    pub after: Option<Seq>,
    /// Only messages below this.
    pub before: Option<Seq>,
    /// At most so many.
    pub limit: u32,
    /// The oldest within the bounds rather than the newest.
    pub oldest_first: bool,
}

impl PageBounds {
    /// The newest messages.
    #[must_use]
    pub const fn newest(limit: u32) -> Self {
        Self { after: None, before: None, limit, oldest_first: false }
    }

    /// The newest ones below this.
    #[must_use]
    pub const fn before(seq: Seq, limit: u32) -> Self {
        Self { after: None, before: Some(seq), limit, oldest_first: false }
    }

    /// The oldest ones above this.
    #[must_use]
    pub const fn after(seq: Seq, limit: u32) -> Self {
        Self { after: Some(seq), before: None, limit, oldest_first: true }
    }
}

/// A page of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// Sent messages as they should be shown: server order, each device's own in the order they were composed.
    pub messages: Vec<ChatMessage>,
    /// The smallest and the largest seq this page stands for: the next one continues before or after them. A message
    /// may be shown on the neighbouring page of its seq.
    pub range: Option<(Seq, Seq)>,
    /// One's own messages that are not sent yet; only in a page that reaches the end.
    pub pending: Vec<ChatMessage>,
    /// What lies in the page and cannot be given.
    pub unavailable: Vec<Unavailable>,
    /// Every message of the page is here, as it is now; false when some are only at the server, or may have been altered
    /// there unheard, and it could not be asked.
    pub complete: bool,
    /// There is more in this direction.
    pub more: bool,
}

impl Store {
    /// What the store holds of this page.
    ///
    /// # Errors
    /// The store failed.
    pub async fn history(
        &self,
        conversation: ConversationId,
        bounds: PageBounds,
    ) -> Result<HistoryPage, StoreError> {
        self.run(move |connection| read_page(connection, conversation, bounds)).await
    }

    /// Keeps a page the server gave.
    pub(crate) async fn fill(&self, page: Filled) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            coverage::fill(&transaction, &page)?;
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    /// One message.
    ///
    /// # Errors
    /// The store failed.
    pub async fn message(
        &self,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Option<ChatMessage>, StoreError> {
        self.run(move |connection| {
            let me = device_rows::user(connection)?;
            message_rows::read(connection, &me, conversation, seq)
        })
        .await
    }

    /// One's own message composed on a device of this store, sent or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn own_message(&self, id: MessageId) -> Result<Option<ChatMessage>, StoreError> {
        self.run(move |connection| {
            let me = device_rows::user(connection)?;
            match outbox_rows::read_message(connection, &me, id.local_no)? {
                Some(pending) => Ok(Some(pending)),
                None => message_rows::read_own(connection, &me, id),
            }
        })
        .await
    }
}

/// The seqs of a page and what is known about the space between them.
struct Slots {
    /// Ascending; hidden ones included.
    seqs: Vec<u64>,
    complete: bool,
    more: bool,
}

fn read_page(
    connection: &Connection,
    conversation: ConversationId,
    bounds: PageBounds,
) -> Result<HistoryPage, StoreError> {
    let me = device_rows::user(connection)?;
    let slots = read_slots(connection, conversation, bounds)?;
    let (messages, unavailable, doubted) = match (slots.seqs.first(), slots.seqs.last()) {
        (Some(&first), Some(&last)) => (
            read_arranged(connection, &me, conversation, first, last)?,
            coverage::read_within(connection, conversation, Seq(first), Seq(last))?,
            doubts::any_within(connection, conversation, first, last)?,
        ),
        _ => (Vec::new(), Vec::new(), false),
    };
    let reaches_end = bounds.before.is_none() && (!bounds.oldest_first || !slots.more);
    let pending = if reaches_end {
        outbox_rows::read_pending(connection, &me, conversation)?
    } else {
        Vec::new()
    };
    let range = slots.seqs.first().zip(slots.seqs.last());
    Ok(HistoryPage {
        messages,
        range: range.map(|(first, last)| (Seq(*first), Seq(*last))),
        pending,
        unavailable,
        complete: slots.complete && !doubted,
        more: slots.more,
    })
}

fn read_slots(
    connection: &Connection,
    conversation: ConversationId,
    bounds: PageBounds,
) -> Result<Slots, StoreError> {
    let head: i64 = connection
        .prepare_cached("SELECT coalesce((SELECT head FROM conversation WHERE id = ?1), 0)")?
        .query_row([conversation.0], |row| row.get(0))?;
    let cleared = option_rows::cleared_up_to(connection, conversation)?;
    let low = bounds.after.unwrap_or_default().max(cleared).0.saturating_add(1);
    let high =
        bounds.before.map_or(u64::MAX, |seq| seq.0.saturating_sub(1)).min(head.cast_unsigned());
    if low > high {
        // An unknown conversation may have messages at the server.
        return Ok(Slots { seqs: Vec::new(), complete: head > 0, more: false });
    }
    // Messages to show fill a page; hidden ones among them are known, and count for nothing.
    let Some(page) = page_ends(connection, conversation, bounds, (low, high))? else {
        return Ok(Slots { seqs: Vec::new(), complete: true, more: low <= high });
    };
    let seqs = connection
        .prepare_cached(
            "SELECT seq FROM message WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3 AND not_on_server = 0
             ORDER BY seq",
        )?
        .query_map(params![conversation.0, number(page.from), number(page.to)], |row| {
            row.get::<_, i64>(0).map(i64::cast_unsigned)
        })?
        .collect::<Result<_, _>>()?;
    check_slots(connection, conversation, bounds.oldest_first, page.full, (low, high), seqs)
}

/// Where a page lies within its bounds.
struct Stretch {
    from: u64,
    to: u64,
    /// It holds as many messages to show as are wanted; else it is all of the bounds.
    full: bool,
}

/// The stretch with as many messages to show as are wanted, as far as they are here. `None` of a page of nothing.
fn page_ends(
    connection: &Connection,
    conversation: ConversationId,
    bounds: PageBounds,
    (low, high): (u64, u64),
) -> Result<Option<Stretch>, StoreError> {
    let Some(skip) = bounds.limit.checked_sub(1) else { return Ok(None) };
    let direction = if bounds.oldest_first { "ASC" } else { "DESC" };
    let last: Option<i64> = connection
        .prepare_cached(&format!(
            "SELECT seq FROM message WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3
                 AND not_on_server = 0 AND hidden = 0
             ORDER BY seq {direction} LIMIT 1 OFFSET ?4"
        ))?
        .query_row(params![conversation.0, number(low), number(high), skip], |row| row.get(0))
        .optional()?;
    Ok(Some(match last.map(i64::cast_unsigned) {
        Some(last) if bounds.oldest_first => Stretch { from: low, to: last, full: true },
        Some(last) => Stretch { from: last, to: high, full: true },
        None => Stretch { from: low, to: high, full: false },
    }))
}

/// Walks the page from its start and checks every gap; a full page ends at its last seq, a short one at the bound.
fn check_slots(
    connection: &Connection,
    conversation: ConversationId,
    oldest_first: bool,
    full: bool,
    (low, high): (u64, u64),
    seqs: Vec<u64>,
) -> Result<Slots, StoreError> {
    let covers = |from: u64, to: u64| {
        if from > to { Ok(true) } else { coverage::covers(connection, conversation, from, to) }
    };
    let mut complete = true;
    let rest_is_covered;
    if oldest_first {
        let mut next = low;
        for &seq in &seqs {
            complete &= covers(next, seq - 1)?;
            next = seq + 1;
        }
        rest_is_covered = covers(next, high)?;
    } else {
        let mut next = high;
        for &seq in seqs.iter().rev() {
            complete &= covers(seq + 1, next)?;
            next = seq.saturating_sub(1);
        }
        rest_is_covered = covers(low, next)?;
    }
    complete &= full || rest_is_covered;
    Ok(Slots { seqs, complete, more: !rest_is_covered })
}

/// Reads the messages of `[first, last]` as they should be shown: a message delayed by a retry stands where its sender
/// wrote it. Neighbours beyond the page are read along, so that overlapping pages agree. What the server has lost
/// stands at no place any more: its numbers are given again.
fn read_arranged(
    connection: &Connection,
    me: &UserId,
    conversation: ConversationId,
    first: u64,
    last: u64,
) -> Result<Vec<ChatMessage>, StoreError> {
    let sql = format!(
        "{} WHERE message.conversation = ?2 AND message.seq BETWEEN ?3 AND ?4 AND message.hidden = 0
             AND message.not_on_server = 0
         ORDER BY message.seq",
        message_rows::SELECT
    );
    let cleared = option_rows::cleared_up_to(connection, conversation)?;
    let from = number(first.saturating_sub(CONTEXT_SEQS).max(cleared.0.saturating_add(1)));
    let to = number(last.saturating_add(CONTEXT_SEQS));
    let window: Vec<ChatMessage> = connection
        .prepare_cached(&sql)?
        .query_map(params![me.as_str(), conversation.0, from, to], message_rows::read_row)?
        .collect::<Result<_, _>>()?;
    let slots: Vec<Slot> = window
        .iter()
        .map(|message| Slot {
            seq: message.seq.unwrap_or_default(),
            sender: message.sender.clone(),
            id: message.id,
        })
        .collect();
    // The page is the slots of [first, last], with whatever message each is filled.
    let order = display_order(&slots);
    let mut window: Vec<Option<ChatMessage>> = window.into_iter().map(Some).collect();
    let page = slots.iter().zip(order).filter(|(slot, _)| (first..=last).contains(&slot.seq.0));
    Ok(page.filter_map(|(_, shown)| window[shown].take()).collect())
}
