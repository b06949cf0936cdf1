//! One's own settings as a row: what one lets others do and see.

use anser_types::{Audience, ChangeNo, Settings};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::item_rows::Replace;
use super::values::number;
use super::worker::Store;

/// Keeps the settings.
pub(super) fn put(
    connection: &Connection,
    settings: Settings,
    by: ChangeNo,
    replace: Replace,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO own_settings (one, write_first, last_seen, show_read, change_no)
             VALUES (1, ?1, ?2, ?3, ?4)
             ON CONFLICT (one) DO UPDATE SET write_first = excluded.write_first,
                 last_seen = excluded.last_seen, show_read = excluded.show_read,
                 change_no = excluded.change_no
             WHERE ?5 OR excluded.change_no > change_no",
        )?
        .execute(params![
            settings.write_first.code(),
            settings.last_seen.code(),
            settings.show_read,
            number(by.0),
            replace.any(),
        ])?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Settings> {
    // An audience of a newer version is shown as the narrowest: nobody is surprised by it.
    let audience = |code| Audience::from_code(code).unwrap_or(Audience::Nobody);
    Ok(Settings {
        write_first: audience(row.get("write_first")?),
        last_seen: audience(row.get("last_seen")?),
        show_read: row.get("show_read")?,
    })
}

impl Store {
    /// One's own settings; the usual ones until something else was said.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settings(&self) -> Result<Settings, StoreError> {
        self.run(|connection| {
            let settings = connection
                .prepare_cached("SELECT * FROM own_settings")?
                .query_row([], read_row)
                .optional()?;
            Ok(settings.unwrap_or_default())
        })
        .await
    }
}
