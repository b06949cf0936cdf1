//! How domain values look in SQL: 64-bit numbers as SQLite's signed integers, ids as blobs or text.

use anser_types::{ConversationId, ErrorCode, Refusal, UserId};
use rusqlite::Row;
use rusqlite::types::Type;

/// A 64-bit number as SQLite keeps it. Order is kept below 2^63, which no counter reaches.
pub(super) const fn number(value: u64) -> i64 {
    value.cast_signed()
}

/// Reads a number column.
pub(super) fn read_number(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// Reads a number column that may be empty.
pub(super) fn read_optional(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(column).map(|value| value.map(i64::cast_unsigned))
}

/// Reads a small number column.
pub(super) fn read_small(row: &Row<'_>, column: &str) -> rusqlite::Result<u32> {
    row.get(column)
}

/// Reads a conversation's id.
pub(super) fn read_conversation(row: &Row<'_>, column: &str) -> rusqlite::Result<ConversationId> {
    row.get::<_, [u8; 16]>(column).map(ConversationId)
}

/// Reads a user's id.
pub(super) fn read_user(row: &Row<'_>, column: &str) -> rusqlite::Result<UserId> {
    let text: String = row.get(column)?;
    UserId::new(&text).map_err(|error| invalid(column, error))
}

/// Reads a user's id that may be empty.
pub(super) fn read_optional_user(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<UserId>> {
    match row.get::<_, Option<String>>(column)? {
        Some(text) => UserId::new(&text).map(Some).map_err(|error| invalid(column, error)),
        None => Ok(None),
    }
}

/// Users in one text column, a line each: ids hold no white space.
pub(super) fn users_as_text(users: &[UserId]) -> Option<String> {
    (!users.is_empty()).then(|| users.iter().map(UserId::as_str).collect::<Vec<_>>().join("\n"))
}

/// Reads what [`users_as_text`] wrote.
pub(super) fn read_users(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<UserId>> {
    let text: Option<String> = row.get(column)?;
    text.iter()
        .flat_map(|text| text.lines())
        .map(|name| UserId::new(name).map_err(|error| invalid(column, error)))
        .collect()
}

/// Reads a refusal from the columns `reason_code`, `reason_detail` and `reason_retry_ms`.
pub(super) fn read_refusal(row: &Row<'_>) -> rusqlite::Result<Refusal> {
    let number: u16 = row.get("reason_code")?;
    let detail: String = row.get("reason_detail")?;
    Ok(Refusal {
        // A code from a newer version that wrote this store and was then replaced by an older one.
        code: ErrorCode::from_number(number).unwrap_or(ErrorCode::Internal),
        detail,
        retry_after_ms: row.get("reason_retry_ms")?,
    })
}

/// A column holds what it cannot.
pub(super) fn invalid(
    column: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    tracing::error!(column, %error, "the local store holds a value that is not valid");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
