//! Which Idempotency-Keys go: a few rows at a time in the order of their keys, those that are too old.

use std::ops::ControlFlow;

use anser_backend::{ExpiryPolicy, ExpiryReport};
use anser_types::UnixMs;

use crate::codec::KeyRow;
use crate::core::Core;
use crate::keys::{self, Key, Table};
use crate::tables::TableError;
use crate::writer::{Fault, Stage};

/// What a look at some keys found.
#[derive(Debug, Default)]
pub struct Look {
    /// Keys, and whether they were the last ones; nothing was removed yet.
    pub report: ExpiryReport,
    /// Keys that are too old.
    pub due: Vec<Key>,
    /// Where the next look goes on.
    pub last: Option<Key>,
}

/// Looks at the keys behind one, in tables that are settled.
pub fn look(core: &Core, behind: Option<&Key>, policy: ExpiryPolicy) -> Result<Look, TableError> {
    let (first, last) = keys::all_idempotency();
    // The next key in order is the same one with a zero behind it.
    let from = behind.map_or(first, |behind| [&behind[..], &[0]].concat());
    let mut look = Look {
        report: ExpiryReport { finished: true, ..ExpiryReport::default() },
        ..Look::default()
    };
    core.tables.scan(Table::State, from..=last, false, |key, row| {
        if look.report.keys == policy.keys {
            look.report.finished = false;
            return Ok(ControlFlow::Break(()));
        }
        look.report.keys += 1;
        if KeyRow::read(row)?.at <= policy.used_until {
            look.due.push(key.to_vec());
        }
        look.last = Some(key.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    if look.report.finished {
        look.last = None;
    }
    Ok(look)
}

/// Removes those of these keys that are still too old: one that was used again meanwhile stays.
pub fn remove(stage: &mut Stage<'_>, due: Vec<Key>, used_until: UnixMs) -> Result<u64, Fault> {
    let mut removed = 0;
    for key in due {
        let row = stage.row(&key)?.map(|row| KeyRow::read(&row)).transpose()?;
        if row.is_some_and(|row| row.at <= used_until) {
            stage.remove_row(key);
            removed += 1;
        }
    }
    Ok(removed)
}
