//! Work beside the commands: writing soft positions; trimming inboxes and removing old Idempotency-Keys step by step.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::{ExpiryPolicy, Ledger, TrimPolicy};
use anser_types::limits::IDEMPOTENCY_KEEP_MS;
use anser_types::{Clock, UnixMs};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::settings::Settings;

/// A wall clock that moved this far from the monotonic one is not believed.
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
    while ticked(&mut ticks, &stop).await {
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
    while ticked(&mut ticks, &stop).await {
        let now = watch.believed(clock.now());
        let Pace { inboxes, keep, keep_ms, .. } = pace;
        match ledger.trim(TrimPolicy { now, keep, keep_ms, inboxes }).await {
            Ok(report) if report.entries > 0 => metrics::trimmed(report.entries),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "inboxes were not trimmed"),
        }
    }
}

/// How many Idempotency-Keys are looked at, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyPace {
    every: Duration,
    pause: Duration,
    keys: usize,
}

impl KeyPace {
    pub(crate) const fn of(settings: &Settings) -> Self {
        Self {
            every: Duration::from_millis(settings.expire_every_ms),
            pause: Duration::from_millis(settings.expire_pause_ms),
            keys: settings.expire_keys,
        }
    }
}

/// Removes Idempotency-Keys whose time is over, in rounds through all of them, until stopped. They count as new
/// already when they go; while the clock is not believed none goes.
pub(crate) async fn expire_keys(
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    pace: KeyPace,
    stop: CancellationToken,
) {
    let mut ticks = ticks(pace.every);
    let mut watch = ClockWatch::new(clock.now());
    while ticked(&mut ticks, &stop).await {
        while expire_some(&*ledger, &mut watch, clock.now(), pace.keys).await {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pace.pause) => {}
            }
        }
    }
}

/// One step; whether the round goes on.
async fn expire_some(
    ledger: &dyn Ledger,
    watch: &mut ClockWatch,
    now: UnixMs,
    keys: usize,
) -> bool {
    let now = watch.believed(now);
    if !watch.believes {
        return false;
    }
    // Later by all that the clock may be wrong, so that no request is ever executed again too early.
    let used_until = UnixMs(now.0.saturating_sub(IDEMPOTENCY_KEEP_MS + JUMP_MS));
    match ledger.expire_keys(ExpiryPolicy { used_until, keys }).await {
        Ok(report) => {
            metrics::keys_expired(report.removed);
            !report.finished
        }
        Err(error) => {
            tracing::warn!(%error, "old Idempotency-Keys were not removed");
            false
        }
    }
}

/// Waits for the next tick; false once stopped.
pub(crate) async fn ticked(ticks: &mut tokio::time::Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        _ = ticks.tick() => true,
    }
}

/// A timer that does not hurry to catch up.
pub(crate) fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Compares the wall clock with the monotonic one: a clock that jumped ahead must not make everything look old.
pub(crate) struct ClockWatch {
    wall: UnixMs,
    mono: Instant,
    believes: bool,
}

impl ClockWatch {
    pub(crate) fn new(wall: UnixMs) -> Self {
        Self { wall, mono: Instant::now(), believes: true }
    }

    /// The time to trim by: the wall clock, unless it has jumped ahead since the start. Then it is the time that must
    /// have passed since, so that entries only ever leave later than they might.
    pub(crate) fn believed(&mut self, now: UnixMs) -> UnixMs {
        let elapsed = i64::try_from(self.mono.elapsed().as_millis()).unwrap_or(i64::MAX);
        let expected = self.wall.offset_by(elapsed);
        let jump_ms = now.since(expected);
        let believes = jump_ms.unsigned_abs() <= JUMP_MS;
        if std::mem::replace(&mut self.believes, believes) != believes && !believes {
            tracing::error!(
                jump_ms,
                "the clock jumped; inboxes are trimmed by the time since the start instead; Idempotency-Keys and what has expired stay"
            );
        }
        if believes { now } else { now.min(expected) }
    }

    /// The wall clock, unless it has jumped.
    pub(crate) fn if_believed(&mut self, now: UnixMs) -> Option<UnixMs> {
        self.believed(now);
        self.believes.then_some(now)
    }
}
