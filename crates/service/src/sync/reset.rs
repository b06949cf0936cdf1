//! Whether a device's cursor is still good.

use anser_backend::InboxBounds;
use anser_types::{ErrorCode, LogEpoch};

use crate::api::{Hello, Start};

/// Where a session goes on. A cursor is void if it belongs to another log, lies above the head (data was lost), or
/// below what is kept; a new device simply starts from nothing while nothing has been trimmed.
pub(crate) fn start(hello: &Hello, log_epoch: LogEpoch, inbox: InboxBounds) -> Start {
    let cursor = hello.inbox_cursor;
    let knows_nothing = cursor.0 == 0;
    if hello.log_epoch != log_epoch && !(knows_nothing && hello.log_epoch == LogEpoch::ZERO) {
        return Start::Reset { at: inbox.head, reason: None };
    }
    if cursor > inbox.head {
        return Start::Reset { at: inbox.head, reason: Some(ErrorCode::LogBehindClient) };
    }
    if cursor < inbox.floor {
        return Start::Reset { at: inbox.head, reason: None };
    }
    Start::FromCursor(cursor)
}
