//! Work beside the commands: writing soft positions, and trimming inboxes step by step.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::{Ledger, TrimPolicy};
use anser_types::{Clock, UnixMs};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::settings::Settings;

/// A wall clock that moved this far from the monotonic one is not believed: trimming by age waits.
const JUMP_MS: u64 = 3600 * 1000;

/// How much is trimmed, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    every: Duration,
    inboxes: usize,
    keep: u64,
    keep_ms: u64,
}

impl Pace {
    pub(crate) const fn of(settings: &Settings) -> Self {
        Self {
            every: Duration::from_millis(settings.trim_every_ms),
            inboxes: settings.trim_inboxes,
            keep: settings.inbox_keep,
            keep_ms: settings.inbox_keep_ms,
        }
    }
}

/// Writes soft positions again and again until stopped.
pub(crate) async fn write_positions(
    ledger: Arc<dyn Ledger>,
    every: Duration,
    stop: CancellationToken,
) {
    let mut ticks = ticks(every);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = ledger.flush_positions().await {
            tracing::warn!(%error, "soft positions were not written");
        }
    }
}

/// Trims a few inboxes at a time until stopped.
pub(crate) async fn trim_inboxes(
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    stop: CancellationToken,
) {
    let mut ticks = ticks(pace.every);
    let mut watch = ClockWatch::new(clock.now());
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = clock.now();
        if let Some(jump_ms) = watch.jumped(now) {
            tracing::error!(jump_ms, "the clock jumped; inboxes are not trimmed in this step");
            continue;
        }
        let Pace { inboxes, keep, keep_ms, .. } = pace;
        match ledger.trim(TrimPolicy { now, keep, keep_ms, inboxes }).await {
            Ok(report) if report.entries > 0 => metrics::trimmed(report.entries),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "inboxes were not trimmed"),
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Compares the wall clock with the monotonic one.
struct ClockWatch {
    wall: UnixMs,
    mono: Instant,
    believed: bool,
}

impl ClockWatch {
    fn new(wall: UnixMs) -> Self {
        Self { wall, mono: Instant::now(), believed: true }
    }

    /// By how much the wall clock jumped since the last look; `None` if it ran as it should. After a jump it must
    /// run as it should for one step before it is believed again.
    fn jumped(&mut self, now: UnixMs) -> Option<u64> {
        let elapsed = i64::try_from(self.mono.elapsed().as_millis()).unwrap_or(i64::MAX);
        let jump = now.since(self.wall).saturating_sub(elapsed).unsigned_abs();
        (self.wall, self.mono) = (now, Instant::now());
        let believed = jump <= JUMP_MS;
        let before = std::mem::replace(&mut self.believed, believed);
        (!believed || !before).then_some(jump)
    }
}
