//! Drafts on their way to the server: kept from the moment they are saved, shown instead of what the server has, gone
//! once the change that carries them (or a newer one) has come.

use anser_client::records::{OutboxItem, Settled};
use anser_types::{ChangeNo, Command, ConversationId, LocalNo, Target, UserId};
use rusqlite::{Connection, params};

use super::device_rows;
use super::error::StoreError;
use super::values::{number, read_conversation, read_optional_user};
use super::worker::Store;

/// A draft that is not in the outbox yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptDraft {
    pub(crate) conversation: ConversationId,
    pub(crate) at: Target,
    pub(crate) text: String,
}

/// The draft a command carries, and where to.
fn draft_of(
    connection: &Connection,
    item: &OutboxItem,
) -> Result<Option<(ConversationId, String)>, StoreError> {
    // Messages are told by their conversation; only others need to be read.
    if item.conversation.is_some() {
        return Ok(None);
    }
    let Some(Command::SetOptions { at, set }) = item.command() else { return Ok(None) };
    let Some(draft) = set.draft else { return Ok(None) };
    let conversation = match at {
        Target::User(peer) => ConversationId::direct(&device_rows::user(connection)?, &peer),
        Target::Conversation(id) => id,
    };
    Ok(Some((conversation, draft)))
}

/// A command enters the outbox: it may carry the draft that waits.
pub(super) fn note_composed(connection: &Connection, item: &OutboxItem) -> Result<(), StoreError> {
    let Some((conversation, draft)) = draft_of(connection, item)? else { return Ok(()) };
    connection
        .prepare_cached(
            "UPDATE draft SET local_no = ?3, change_no = NULL WHERE conversation = ?1 AND text = ?2",
        )?
        .execute(params![conversation.0, draft, number(item.id.local_no.0)])?;
    Ok(())
}

/// A command leaves the outbox. One that was executed has made a change, which comes by the inbox; one that changed
/// nothing or was refused leaves what the server has.
pub(super) fn note_settled(
    connection: &Connection,
    local_no: LocalNo,
    how: &Settled,
) -> Result<(), StoreError> {
    let by = match how {
        Settled::Done(done) => done.change_no,
        Settled::Refused(_) | Settled::Deleted | Settled::Superseded => ChangeNo::ZERO,
    };
    let key = number(local_no.0);
    connection
        .prepare_cached("UPDATE draft SET change_no = ?2 WHERE local_no = ?1")?
        .execute([key, number(by.0)])?;
    connection
        .prepare_cached(
            "DELETE FROM draft WHERE local_no = ?1 AND change_no <= coalesce(
                 (SELECT change_no FROM conversation_options o WHERE o.conversation = draft.conversation), 0)",
        )?
        .execute([key])?;
    Ok(())
}

/// The options of a conversation came: what they carry or replace is not waited for any more.
pub(super) fn note_told(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM draft WHERE conversation = ?1 AND change_no <=
                 (SELECT change_no FROM conversation_options WHERE conversation = ?1)",
        )?
        .execute([conversation.0])?;
    Ok(())
}

impl Store {
    /// Keeps a draft until it is at the server; it takes the place of one that was kept before.
    pub(crate) async fn keep_draft(
        &self,
        conversation: ConversationId,
        at: &Target,
        text: String,
    ) -> Result<(), StoreError> {
        let peer = match at {
            Target::User(peer) => Some(peer.clone()),
            Target::Conversation(_) => None,
        };
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO draft (conversation, peer, text, local_no, change_no)
                     VALUES (?1, ?2, ?3, NULL, NULL)",
                )?
                .execute(params![conversation.0, peer.as_ref().map(UserId::as_str), text])?;
            Ok(())
        })
        .await
    }

    /// Drafts that were kept and are not in the outbox.
    pub(crate) async fn kept_drafts(&self) -> Result<Vec<KeptDraft>, StoreError> {
        self.run(|connection| {
            let drafts = connection
                .prepare_cached("SELECT * FROM draft WHERE local_no IS NULL ORDER BY conversation")?
                .query_map([], |row| {
                    let conversation = read_conversation(row, "conversation")?;
                    let peer = read_optional_user(row, "peer")?;
                    let at = peer.map_or(Target::Conversation(conversation), Target::User);
                    Ok(KeptDraft { conversation, at, text: row.get("text")? })
                })?
                .collect::<Result<_, _>>()?;
            Ok(drafts)
        })
        .await
    }
}
