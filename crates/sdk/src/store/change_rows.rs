//! Changes of conversations as rows: who made a group, came, left. Local first, filled from the server as history is.

use anser_types::{Change, ChangeKind, ChangeNo, ConversationId, Seq, UnixMs, Version};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrivals::{self, ArrivalKind};
use super::error::StoreError;
use super::values::{
    invalid, number, read_conversation, read_number, read_small, read_user, read_users,
    users_as_text,
};
use super::worker::Store;
use super::{alteration_rows, conversation_rows, doubts, group_change, group_rows, item_rows};

/// A change of which only the number is kept: the message shows what it did.
const MEMBERS_JOINED: u32 = 2;
const MESSAGE_ALTERED: u32 = 5;
/// The group's own state was changed: `details` says what of it.
const GROUP_UPDATED: u32 = 6;
/// Something was done about one member: `users` names them, `details` says what.
const MEMBER_ALTERED: u32 = 7;
/// The group was dissolved.
const GROUP_DISMISSED: u32 = 8;
/// A change of which only the number is kept: the lists hold the item.
const ITEM: u32 = 9;
/// Members joined, and what they joined is a channel.
const CHANNEL_JOINED: u32 = 10;

/// A change's kind as columns.
#[derive(Default)]
struct KindColumns<'a> {
    kind: u32,
    title: Option<&'a str>,
    users: Option<String>,
    details: Option<String>,
    raw: Option<&'a [u8]>,
}

fn kind_columns(kind: &ChangeKind) -> rusqlite::Result<KindColumns<'_>> {
    let bare = |kind| KindColumns { kind, ..KindColumns::default() };
    Ok(match kind {
        ChangeKind::GroupCreated { title, members } => {
            KindColumns { title: Some(title), users: users_as_text(members), ..bare(1) }
        }
        ChangeKind::MembersJoined { title, users, channel } => {
            let kind = if *channel { CHANNEL_JOINED } else { MEMBERS_JOINED };
            KindColumns { title: Some(title), users: users_as_text(users), ..bare(kind) }
        }
        ChangeKind::MemberLeft { new_owner } => {
            KindColumns { users: new_owner.as_ref().map(ToString::to_string), ..bare(3) }
        }
        ChangeKind::MembersRemoved { users } => {
            KindColumns { users: users_as_text(users), ..bare(4) }
        }
        ChangeKind::MessageAltered { .. } => bare(MESSAGE_ALTERED),
        ChangeKind::GroupUpdated(set) => {
            let details = group_change::updated_as_text(set).map_err(unwritable)?;
            KindColumns { details: Some(details), ..bare(GROUP_UPDATED) }
        }
        ChangeKind::MemberAltered { user, act } => {
            let details = Some(group_change::act_as_text(act).map_err(unwritable)?);
            KindColumns { users: Some(user.to_string()), details, ..bare(MEMBER_ALTERED) }
        }
        ChangeKind::GroupDismissed => bare(GROUP_DISMISSED),
        ChangeKind::Item(_) => bare(ITEM),
        ChangeKind::Unknown { kind, raw } => KindColumns { raw: Some(raw), ..bare(*kind) },
    })
}

fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// Keeps a change that came by the inbox, and tells the app the first time.
pub(super) fn store(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let (added, altered) = insert(connection, change)?;
    // Also of one that the app has asked for before it came: what the row shows follows the inbox, version by version.
    conversation_rows::raise_version(connection, change.conversation, change.version)?;
    conversation_rows::count_members(connection, change)?;
    group_rows::apply(connection, change)?;
    if let Some(what) = altered {
        alteration_rows::tell(connection, change, what)?;
    } else if added && is_told(&change.kind) {
        arrivals::add(connection, ArrivalKind::Change, change.conversation, change.change_no.0)?;
    }
    Ok(())
}

/// Whether a change belongs to the timeline of its conversation.
const fn is_told(kind: &ChangeKind) -> bool {
    !matches!(kind, ChangeKind::MessageAltered { .. } | ChangeKind::Item(_))
}

/// Keeps a change, and makes of the message it names what it says. Returns whether it was not there before, and what
/// of a message is new.
fn insert(
    connection: &Connection,
    change: &Change,
) -> Result<(bool, Option<ArrivalKind>), StoreError> {
    doubts::change_came(connection, change.conversation, change.change_no)?;
    if let ChangeKind::Item(item) = &change.kind {
        item_rows::apply(connection, change, item)?;
    }
    let columns = kind_columns(&change.kind)?;
    // One that an earlier version kept unread gives way to what this one reads.
    let added = connection
        .prepare_cached(
            "INSERT INTO change
                 (conversation, change_no, after_seq, version, actor, at, kind, title, users, details, raw)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (conversation, change_no) DO UPDATE SET kind = excluded.kind, title = excluded.title,
                 users = excluded.users, details = excluded.details, raw = NULL
             WHERE raw IS NOT NULL AND excluded.raw IS NULL",
        )?
        .execute(params![
            change.conversation.0,
            number(change.change_no.0),
            number(change.after_seq.0),
            number(change.version.0),
            change.actor.as_str(),
            number(change.at.0),
            columns.kind,
            columns.title,
            columns.users,
            columns.details,
            columns.raw,
        ])?;
    connection
        .prepare_cached("UPDATE conversation SET change_head = max(change_head, ?2) WHERE id = ?1")?
        .execute(params![change.conversation.0, number(change.change_no.0)])?;
    // Applied with its row: once it is there, the message shows it, or is given by the server as it is now.
    let altered = if added > 0 { alteration_rows::apply(connection, change)? } else { None };
    Ok((added > 0, altered))
}

/// The server knows of no change above this one: its log went back. What it numbers anew must count here again.
pub(super) fn forget_above(
    connection: &Connection,
    conversation: ConversationId,
    change_head: ChangeNo,
) -> Result<(), StoreError> {
    let key = params![conversation.0, number(change_head.0)];
    for forget in [
        "DELETE FROM change WHERE conversation = ?1 AND change_no > ?2",
        "UPDATE conversation SET change_head = ?2, changes_asked = min(changes_asked, ?2)
         WHERE id = ?1 AND change_head > ?2",
        "UPDATE message SET altered_by = 0 WHERE conversation = ?1 AND altered_by > ?2",
        "UPDATE join_request SET change_no = 0 WHERE conversation = ?1 AND change_no > ?2",
    ] {
        connection.prepare_cached(forget)?.execute(key)?;
    }
    Ok(())
}

/// One change.
pub(super) fn read(
    connection: &Connection,
    conversation: ConversationId,
    change_no: u64,
) -> Result<Option<Change>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM change WHERE conversation = ?1 AND change_no = ?2")?
        .query_row(params![conversation.0, number(change_no)], read_row)
        .optional()?)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Change> {
    let title = row.get::<_, Option<String>>("title")?.unwrap_or_default();
    let raw: Option<Vec<u8>> = row.get("raw")?;
    let users = read_users(row, "users")?;
    let details = row.get::<_, Option<String>>("details")?.unwrap_or_default();
    let unreadable = |error| invalid("details", error);
    let kind = match (read_small(row, "kind")?, raw) {
        (kind, Some(raw)) => ChangeKind::Unknown { kind, raw: raw.into() },
        (1, None) => ChangeKind::GroupCreated { title, members: users },
        (kind @ (MEMBERS_JOINED | CHANNEL_JOINED), None) => {
            ChangeKind::MembersJoined { title, users, channel: kind == CHANNEL_JOINED }
        }
        (3, None) => ChangeKind::MemberLeft { new_owner: users.into_iter().next() },
        (GROUP_UPDATED, None) => {
            ChangeKind::GroupUpdated(group_change::read_updated(&details).map_err(unreadable)?)
        }
        (MEMBER_ALTERED, None) => {
            let Some(user) = users.into_iter().next() else {
                return Err(rusqlite::Error::InvalidQuery);
            };
            let act = group_change::read_act(&details).map_err(unreadable)?;
            ChangeKind::MemberAltered { user, act }
        }
        (GROUP_DISMISSED, None) => ChangeKind::GroupDismissed,
        (_, None) => ChangeKind::MembersRemoved { users },
    };
    Ok(Change {
        conversation: read_conversation(row, "conversation")?,
        change_no: ChangeNo(read_number(row, "change_no")?),
        after_seq: Seq(read_number(row, "after_seq")?),
        version: Version(read_number(row, "version")?),
        actor: read_user(row, "actor")?,
        at: UnixMs(read_number(row, "at")?),
        kind,
    })
}

impl Store {
    /// The stored changes of a conversation, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn changes(&self, conversation: ConversationId) -> Result<Vec<Change>, StoreError> {
        self.run(move |connection| {
            let changes = connection
                .prepare_cached(
                    "SELECT * FROM change WHERE conversation = ?1 AND (kind NOT IN (5, 9) OR raw IS NOT NULL) ORDER BY change_no",
                )?
                .query_map([conversation.0], read_row)?
                .collect::<Result<_, _>>()?;
            Ok(changes)
        })
        .await
    }

    /// The change after which the server should be asked; `None` when it was, or everything is here.
    pub(crate) async fn changes_missing_after(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<ChangeNo>, StoreError> {
        self.run(move |connection| {
            // Changes are numbered without holes, but not all may be visible: where the server was asked is noted.
            let missing: Option<i64> = connection
                .prepare_cached(
                    "SELECT changes_asked FROM conversation WHERE id = ?1 AND change_head > changes_asked
                     AND (SELECT count(*) FROM change WHERE conversation = ?1 AND change_no > changes_asked)
                         < change_head - changes_asked",
                )?
                .query_row([conversation.0], |row| row.get(0))
                .optional()?;
            Ok(missing.map(|no| ChangeNo(no.cast_unsigned())))
        })
        .await
    }

    /// Keeps a page of changes the server gave; no event tells of it, since the app asked for it.
    pub(crate) async fn fill_changes(
        &self,
        conversation: ConversationId,
        changes: Vec<Change>,
        more: bool,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let mut asked = None;
            for change in &changes {
                insert(&transaction, change)?;
                asked = asked.max(Some(change.change_no.0));
            }
            // The last page says everything up to the head; a page without progress must not be asked for again.
            let asked = if more { asked } else { None };
            transaction
                .prepare_cached(
                    "UPDATE conversation SET changes_asked = max(changes_asked, coalesce(?2, change_head))
                     WHERE id = ?1",
                )?
                .execute(params![conversation.0, asked.map(number)])?;
            transaction.commit()?;
            Ok(())
        })
        .await
    }
}
