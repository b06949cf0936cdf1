//! Options of conversations as rows: how one wants each shown.

use anser_types::{ChangeNo, ConversationId, Notify, Options, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::draft_rows;
use super::error::StoreError;
use super::item_rows::Replace;
use super::values::{number, read_number};
use super::worker::Store;

/// How one wants a conversation shown, on all one's devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationOptions {
    /// It stands above the others.
    pub pinned: bool,
    /// When to make itself heard.
    pub notify: Notify,
    /// It is left out of the list until the next message.
    pub hidden: bool,
    /// Everything up to here was cleared away for oneself.
    pub cleared_up_to: Seq,
    /// What was begun and not yet sent; empty if nothing.
    pub draft: String,
}

/// Keeps the options of a conversation.
pub(super) fn put(
    connection: &Connection,
    options: &Options,
    by: ChangeNo,
    replace: Replace,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO conversation_options
                 (conversation, pinned, notify, hidden_up_to, cleared_up_to, draft, change_no)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (conversation) DO UPDATE SET pinned = excluded.pinned, notify = excluded.notify,
                 hidden_up_to = excluded.hidden_up_to,
                 cleared_up_to = max(excluded.cleared_up_to, cleared_up_to),
                 draft = excluded.draft, change_no = excluded.change_no
             WHERE ?8 OR excluded.change_no > change_no",
        )?
        .execute(params![
            options.conversation.0,
            options.pinned,
            options.notify.code(),
            number(options.hidden_up_to.0),
            number(options.cleared_up_to.0),
            options.draft,
            number(by.0),
            replace.any(),
        ])?;
    draft_rows::note_told(connection, options.conversation)
}

/// Reads the columns `stands_first`, `notify`, `hidden_up_to`, `cleared_up_to`, `draft` and `head` of a row.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<ConversationOptions> {
    let hidden_up_to = read_number(row, "hidden_up_to")?;
    Ok(ConversationOptions {
        pinned: row.get("stands_first")?,
        // A case of a newer version is none that this one could keep.
        notify: Notify::from_code(row.get("notify")?).unwrap_or_default(),
        hidden: hidden_up_to > 0 && read_number(row, "head")? <= hidden_up_to,
        cleared_up_to: Seq(read_number(row, "cleared_up_to")?),
        draft: row.get("draft")?,
    })
}

/// Up to where a conversation was cleared away for oneself.
pub(super) fn cleared_up_to(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Seq, StoreError> {
    let cleared: Option<i64> = connection
        .prepare_cached("SELECT cleared_up_to FROM conversation_options WHERE conversation = ?1")?
        .query_row([conversation.0], |row| row.get(0))
        .optional()?;
    Ok(Seq(cleared.unwrap_or_default().cast_unsigned()))
}

impl Store {
    /// How one wants a conversation shown, also one that has not begun yet.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversation_options(
        &self,
        of: ConversationId,
    ) -> Result<ConversationOptions, StoreError> {
        self.run(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT coalesce(o.pinned, 0) AS stands_first, coalesce(o.notify, 0) AS notify,
                         coalesce(o.hidden_up_to, 0) AS hidden_up_to,
                         coalesce(o.cleared_up_to, 0) AS cleared_up_to,
                         coalesce(d.text, o.draft, '') AS draft, coalesce(c.head, 0) AS head
                     FROM (SELECT ?1 AS id) AS named
                     LEFT JOIN conversation_options o ON o.conversation = named.id
                     LEFT JOIN draft d ON d.conversation = named.id
                     LEFT JOIN conversation c ON c.id = named.id",
                )?
                .query_row([of.0], read)?)
        })
        .await
    }
}
