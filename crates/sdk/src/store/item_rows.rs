//! Items of lists as they come: each replaces the one with its key, if it is newer. They are no part of any timeline.

use anser_types::{Change, ChangeKind, Item};
use rusqlite::Connection;

use super::error::StoreError;
use super::{contact_rows, conversation_rows, join_rows, message_rows, option_rows, settings_rows};

/// Which item gives way to another of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replace {
    /// An older one: what came may have come before.
    Older,
    /// Any: the server was asked what there is now.
    Any,
}

/// Takes in an item that came by a change.
pub(super) fn apply(
    connection: &Connection,
    change: &Change,
    item: &Item,
) -> Result<(), StoreError> {
    if let Item::Hidden { conversation, seq } = item {
        // The server did not count it out when it counted what is unread.
        if message_rows::hide(connection, *conversation, *seq)? {
            conversation_rows::count_out(connection, *conversation, *seq)?;
        }
        return Ok(());
    }
    put(connection, change, item, Replace::Older)
}

/// Takes in an item as a rebuild gives it.
pub(super) fn replace(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let ChangeKind::Item(item) = &change.kind else { return Ok(()) };
    put(connection, change, item, Replace::Any)
}

fn put(
    connection: &Connection,
    change: &Change,
    item: &Item,
    replace: Replace,
) -> Result<(), StoreError> {
    let by = change.change_no;
    match item {
        Item::Contact(contact) => contact_rows::put(connection, contact, by, replace),
        Item::Options(options) => option_rows::put(connection, options, by, replace),
        Item::Settings(settings) => settings_rows::put(connection, *settings, by, replace),
        Item::Hidden { conversation, seq } => {
            message_rows::hide(connection, *conversation, *seq).map(drop)
        }
        Item::JoinRequest(request) => {
            join_rows::put(connection, change.conversation, request, by, replace)
        }
        // Told to no client.
        Item::Report(_) => Ok(()),
    }
}

/// A rebuild begins to give one's own lists: what it does not give is not there any more. What was removed or cleared away
/// stays so meanwhile and after; requests to join belong to groups.
pub(super) fn forget_own(connection: &Connection) -> Result<(), StoreError> {
    for forget in [
        "DELETE FROM contact",
        "DELETE FROM conversation_options WHERE cleared_up_to = 0",
        "UPDATE conversation_options SET pinned = 0, notify = 0, hidden_up_to = 0, draft = '', change_no = 0",
        "DELETE FROM own_settings",
        // Executed: what the rebuild gives is that or newer.
        "DELETE FROM draft WHERE change_no IS NOT NULL",
    ] {
        connection.prepare_cached(forget)?.execute([])?;
    }
    Ok(())
}

impl Replace {
    /// As the last condition of an upsert of a row with a `change_no`.
    pub(super) const fn any(self) -> bool {
        matches!(self, Self::Any)
    }
}
