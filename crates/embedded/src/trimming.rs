//! Which inbox entries may go: all beyond the number kept and all too old, but never the newest.

use std::ops::ControlFlow;

use anser_backend::TrimPolicy;
use anser_types::{InboxSeq, UnixMs, UserNo};

use crate::codec::read_pointer;
use crate::core::{Core, number_of};
use crate::keys::{self, Table};
use crate::tables::TableError;

/// The next user with an inbox in the tables.
pub fn next_inbox(core: &Core, behind: UserNo) -> Result<Option<UserNo>, TableError> {
    let Some(next) = behind.0.checked_add(1) else { return Ok(None) };
    let from = keys::inbox(UserNo(next), InboxSeq::ZERO).to_vec();
    let to = keys::inbox(UserNo(u64::MAX), InboxSeq::MAX).to_vec();
    let first = core.tables.first(Table::Inbox, from..=to)?;
    first.map(|(key, _)| Ok(UserNo(number_of(&key[..8])?))).transpose()
}

/// The new floor of an inbox whose tables are settled.
pub fn superfluous(core: &Core, user: UserNo, policy: TrimPolicy) -> Result<InboxSeq, TableError> {
    let bounds = core.cached_inbox(user).map_or_else(|| core.stored_inbox(user), Ok)?;
    let mut floor = bounds.floor.0.max(bounds.head.0.saturating_sub(policy.keep));
    let oldest_kept = UnixMs(policy.now.0.saturating_sub(policy.keep_ms));
    let from = keys::inbox(user, InboxSeq(floor).next()).to_vec();
    let to = keys::inbox(user, bounds.head).to_vec();
    core.tables.scan(Table::Inbox, from..=to, false, |key, row| {
        if read_pointer(row)?.at >= oldest_kept {
            return Ok(ControlFlow::Break(()));
        }
        floor = number_of(key)?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(InboxSeq(floor).min(bounds.head.previous()))
}
