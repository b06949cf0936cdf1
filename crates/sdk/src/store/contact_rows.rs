//! Contacts as rows: whom one knows, blocks, or has asked.

use anser_types::{ChangeNo, Contact, Relation, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::item_rows::Replace;
use super::values::{number, read_user};
use super::worker::Store;

/// Keeps a contact.
pub(super) fn put(
    connection: &Connection,
    contact: &Contact,
    by: ChangeNo,
    replace: Replace,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO contact (user, relation, remark, blocked, greeting, change_no)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (user) DO UPDATE SET relation = excluded.relation, remark = excluded.remark,
                 blocked = excluded.blocked, greeting = excluded.greeting, change_no = excluded.change_no
             WHERE ?7 OR excluded.change_no > change_no",
        )?
        .execute(params![
            contact.user.as_str(),
            contact.relation.code(),
            contact.remark,
            contact.blocked,
            contact.greeting,
            number(by.0),
            replace.any(),
        ])?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Contact> {
    Ok(Contact {
        user: read_user(row, "user")?,
        // A relation of a newer version is none that this one could act upon.
        relation: Relation::from_code(row.get("relation")?).unwrap_or_default(),
        remark: row.get("remark")?,
        blocked: row.get("blocked")?,
        greeting: row.get("greeting")?,
    })
}

impl Store {
    /// Everybody one has something to do with: contacts, applications both ways, who is named or blocked; by user id.
    /// Who was one once and is nothing any more is left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contacts(&self) -> Result<Vec<Contact>, StoreError> {
        self.run(|connection| {
            let contacts = connection
                .prepare_cached(
                    "SELECT * FROM contact WHERE relation <> 0 OR blocked = 1 OR remark <> '' ORDER BY user",
                )?
                .query_map([], read_row)?
                .collect::<Result<_, _>>()?;
            Ok(contacts)
        })
        .await
    }

    /// Who has applied and waits for one's answer, the latest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contact_applications(&self) -> Result<Vec<Contact>, StoreError> {
        self.run(|connection| {
            let applications = connection
                .prepare_cached(
                    "SELECT * FROM contact WHERE relation = ?1 ORDER BY change_no DESC",
                )?
                .query_map([Relation::Asked.code()], read_row)?
                .collect::<Result<_, _>>()?;
            Ok(applications)
        })
        .await
    }

    /// What another user is to one; `None` if nothing was ever said about them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contact(&self, user: UserId) -> Result<Option<Contact>, StoreError> {
        self.run(move |connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM contact WHERE user = ?1")?
                .query_row([user.as_str()], read_row)
                .optional()?)
        })
        .await
    }
}
