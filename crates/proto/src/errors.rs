//! Error numbers on the wire, also those of newer versions: the first digit says what to do about them.

use anser_types::ErrorCode;

/// The catalogued error with this number. One that only a newer version knows becomes the known error that asks the
/// same of a client: 500–599 `Overloaded` and 900–999 `Internal` (try again), any other `Unsupported` (final).
#[must_use]
pub fn nearest(number: u32) -> ErrorCode {
    let known = u16::try_from(number).ok().and_then(ErrorCode::from_number);
    known.unwrap_or(match number {
        500..=599 => ErrorCode::Overloaded,
        900..=999 => ErrorCode::Internal,
        _ => ErrorCode::Unsupported,
    })
}
