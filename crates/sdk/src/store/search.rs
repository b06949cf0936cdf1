//! Text search: an FTS5 trigram index, which finds any three characters in a row in any language; shorter queries
//! (common in Chinese) scan the newest messages.

use anser_types::{ConversationId, Message, MessageKind};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::message_rows::{self, ChatMessage};
use super::worker::Store;

/// Characters below which the index knows nothing.
const TRIGRAM: usize = 3;

/// Indexes a message's text.
pub(super) fn add(connection: &Connection, id: i64, message: &Message) -> Result<(), StoreError> {
    let Some(content) = &message.content else { return Ok(()) };
    if content.kind != MessageKind::Text {
        return Ok(());
    }
    if let Ok(text) = std::str::from_utf8(&content.body) {
        connection
            .prepare_cached("INSERT INTO message_text (rowid, text) VALUES (?1, ?2)")?
            .execute(params![id, text])?;
    }
    Ok(())
}

/// Takes a message out of the index.
pub(super) fn remove(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM message_text WHERE rowid = ?1")?.execute([id])?;
    Ok(())
}

impl Store {
    /// Stored text messages that contain `text` (letters of either case), the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn search(
        &self,
        text: &str,
        within: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<ChatMessage>, StoreError> {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        self.run(move |connection| find(connection, &text, within, limit)).await
    }
}

fn find(
    connection: &Connection,
    text: &str,
    within: Option<ConversationId>,
    limit: u32,
) -> Result<Vec<ChatMessage>, StoreError> {
    let me = super::device_rows::user(connection)?;
    let (condition, pattern) = if text.chars().count() < TRIGRAM {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = "message.kind = 0 AND CAST(message.body AS TEXT) LIKE ?2 ESCAPE '\\'";
        (like, format!("%{escaped}%"))
    } else {
        // One quoted string: the query language of FTS5 stays out of the user's way.
        let matches = "message.id IN (SELECT rowid FROM message_text WHERE message_text MATCH ?2)";
        (matches, format!("\"{}\"", text.replace('"', "\"\"")))
    };
    let sql = format!(
        "{} WHERE {condition} AND message.hidden = 0 AND (?3 IS NULL OR message.conversation = ?3)
             AND message.seq > coalesce((SELECT cleared_up_to FROM conversation_options
                                         WHERE conversation = message.conversation), 0)
         ORDER BY message.server_time DESC, message.id DESC LIMIT ?4",
        message_rows::SELECT
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_map(
            params![me.as_str(), pattern, within.map(|conversation| conversation.0), limit],
            message_rows::read_row,
        )?
        .collect::<Result<_, _>>()?;
    Ok(found)
}
