//! Messages whose time is over: their content goes from here too, whether the server can be reached or not.

use anser_types::{ConversationId, Seq, UnixMs};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::message_rows;
use super::values::{number, read_conversation, read_number};
use super::worker::Store;

/// What was forgotten, and when something will be next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Messages whose content is gone.
    pub messages: Vec<(ConversationId, Seq)>,
    /// When the next one's time is over.
    pub next: Option<UnixMs>,
}

impl Store {
    /// Erases the content of every message whose time is over at `now`, from the text index too. Durable when it
    /// returns.
    ///
    /// # Errors
    /// The store failed; nothing has changed.
    pub async fn forget_expired(&self, now: UnixMs) -> Result<Forgotten, StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let messages = over(&transaction, now)?;
            for (conversation, seq) in &messages {
                if let Some(message) = message_rows::read_plain(&transaction, *conversation, *seq)?
                {
                    message_rows::write_altered(&transaction, &message.forgotten())?;
                }
            }
            let next = next_expiry(&transaction)?;
            transaction.commit()?;
            Ok(Forgotten { messages, next })
        })
        .await
    }
}

fn over(connection: &Connection, now: UnixMs) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
    let over = connection
        .prepare_cached(
            "SELECT conversation, seq FROM message WHERE expires_at BETWEEN 0 AND ?1
             ORDER BY conversation, seq",
        )?
        .query_map(params![number(now.0)], |row| {
            Ok((read_conversation(row, "conversation")?, Seq(read_number(row, "seq")?)))
        })?
        .collect::<Result<_, _>>()?;
    Ok(over)
}

/// When the next message's time is over.
pub(super) fn next_expiry(connection: &Connection) -> Result<Option<UnixMs>, StoreError> {
    let next: Option<i64> = connection
        .prepare_cached("SELECT min(expires_at) FROM message WHERE expires_at >= 0")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(|at| UnixMs(at.cast_unsigned())))
}
