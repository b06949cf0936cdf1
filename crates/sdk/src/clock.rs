//! The wall clock of the operating system.

use std::time::{SystemTime, UNIX_EPOCH};

use anser_types::{Clock, UnixMs};

/// Reads the operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMs {
        // A clock before 1970 is shown as 1970; nothing is decided by it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
