//! Whether a device's cursor is still good.

use anser_backend::InboxBounds;
use anser_types::{ErrorCode, InboxSeq, LogEpoch};

use crate::api::{Hello, Start};

/// Where a session goes on. A cursor is void if it belongs to another log, lies above the head (data was lost), or
/// below what is kept. A new device has no cursor: it rebuilds from the heads of its conversations, however long the
/// inbox is, unless there is nothing yet to rebuild.
pub(crate) fn start(hello: &Hello, log_epoch: LogEpoch, inbox: InboxBounds) -> Start {
    let cursor = hello.inbox_cursor;
    let is_new = hello.log_epoch == LogEpoch::ZERO && cursor == InboxSeq::ZERO;
    if is_new && inbox.head == InboxSeq::ZERO {
        return Start::FromCursor(cursor);
    }
    if hello.log_epoch != log_epoch {
        return Start::Reset { at: inbox.head, reason: None };
    }
    if cursor > inbox.head {
        return Start::Reset { at: inbox.head, reason: Some(ErrorCode::LogBehindClient) };
    }
    if cursor < inbox.floor {
        return Start::Reset { at: inbox.head, reason: None };
    }
    // It may have so much before it that it would rather begin with the heads.
    if hello.rebuild_above > 0 && inbox.head.0 - cursor.0 > hello.rebuild_above {
        return Start::Reset { at: inbox.head, reason: None };
    }
    Start::FromCursor(cursor)
}
