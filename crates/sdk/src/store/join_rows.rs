//! Requests to join groups as rows: one's own, and those that owner and admins hear of.

use anser_types::{Change, ChangeKind, ChangeNo, ConversationId, JoinRequest, JoinState, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::item_rows::{self, Replace};
use super::values::{number, read_user};
use super::worker::Store;

/// Keeps a request.
pub(super) fn put(
    connection: &Connection,
    group: ConversationId,
    request: &JoinRequest,
    by: ChangeNo,
    replace: Replace,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO join_request (conversation, user, greeting, state, change_no)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (conversation, user) DO UPDATE SET greeting = excluded.greeting,
                 state = excluded.state, change_no = excluded.change_no
             WHERE ?6 OR excluded.change_no > change_no",
        )?
        .execute(params![
            group.0,
            request.user.as_str(),
            request.greeting,
            request.state.code(),
            number(by.0),
            replace.any(),
        ])?;
    Ok(())
}

impl Store {
    /// Somebody's request to join a group, as far as it is known here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn join_request(
        &self,
        group: ConversationId,
        user: UserId,
    ) -> Result<Option<JoinRequest>, StoreError> {
        self.run(move |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM join_request WHERE conversation = ?1 AND user = ?2")?
                .query_row(params![group.0, user.as_str()], |row| {
                    Ok(JoinRequest {
                        user: read_user(row, "user")?,
                        greeting: row.get("greeting")?,
                        // A state of a newer version is no waiting one: there is nothing to answer.
                        state: JoinState::from_code(row.get("state")?)
                            .unwrap_or(JoinState::Refused),
                    })
                })
                .optional()?)
        })
        .await
    }

    /// Keeps what the server said of the requests to join a group.
    pub(crate) async fn keep_join_requests(&self, items: Vec<Change>) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            for change in &items {
                if let ChangeKind::Item(item) = &change.kind {
                    item_rows::apply(&transaction, change, item)?;
                }
            }
            transaction.commit()?;
            Ok(())
        })
        .await
    }
}
