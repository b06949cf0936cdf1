//! A wall clock that follows simulated time, wrong by as much as the simulation wants.

use std::sync::atomic::{AtomicI64, Ordering};

use anser_types::{Clock, UnixMs};
use tokio::time::Instant;

/// When every simulation begins: 2026-01-01T00:00:00Z.
const BEGINNING: UnixMs = UnixMs(1_767_225_600_000);

/// See the module's head.
#[derive(Debug)]
pub struct SimClock {
    started: Instant,
    skew_ms: AtomicI64,
    /// The most it was ever ahead.
    ahead_ms: AtomicI64,
}

impl SimClock {
    /// A clock that is right. Needs a running simulation.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now(), skew_ms: AtomicI64::new(0), ahead_ms: AtomicI64::new(0) }
    }

    /// Makes the clock wrong by this much from now on: it jumps.
    pub fn set_skew(&self, ms: i64) {
        self.skew_ms.store(ms, Ordering::Relaxed);
        self.ahead_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// What it would say if it had not gone back since it was ahead the most: who heard of it then goes on from there.
    #[must_use]
    pub fn latest(&self) -> UnixMs {
        self.at(self.ahead_ms.load(Ordering::Relaxed))
    }

    fn at(&self, skew_ms: i64) -> UnixMs {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        BEGINNING.offset_by(elapsed).offset_by(skew_ms)
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SimClock {
    fn now(&self) -> UnixMs {
        self.at(self.skew_ms.load(Ordering::Relaxed))
    }
}
