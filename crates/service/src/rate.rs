//! A token bucket: a rate over a while and a burst above it. Time is the runtime's, so tests can pause it.

use std::time::Duration;

use tokio::time::Instant;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket that holds so many and fills up within a time.
    pub(crate) fn over(count: u32, within: Duration) -> Self {
        let burst = f64::from(count.max(1));
        let per_second = burst / within.as_secs_f64();
        Self { per_second, burst, level: burst, at: Instant::now() }
    }

    /// A full bucket.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let burst = f64::from(burst.max(1));
        Self { per_second: f64::from(per_second.max(1)), burst, level: burst, at: Instant::now() }
    }

    /// Takes one, or says how long until there is one.
    pub(crate) fn take(&mut self) -> Result<(), Duration> {
        let wait = self.wait();
        if wait.is_zero() {
            self.level -= 1.0;
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// How long until there is one; zero if there is.
    pub(crate) fn wait(&mut self) -> Duration {
        let now = Instant::now();
        let gained = now.duration_since(self.at).as_secs_f64() * self.per_second;
        self.level = (self.level + gained).min(self.burst);
        self.at = now;
        if self.level >= 1.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64((1.0 - self.level) / self.per_second)
        }
    }

    /// How many can be taken at once now.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the burst"
    )]
    pub(crate) fn left(&mut self) -> u32 {
        self.wait();
        self.level as u32
    }

    /// Whether it holds all it can: as if it were new.
    pub(crate) fn is_full(&mut self) -> bool {
        self.wait();
        self.level >= self.burst
    }
}
