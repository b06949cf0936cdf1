//! How long to wait before trying again: level by level, at a random moment within the level (requirement E6).

use std::time::Duration;

/// The last level; it is repeated.
const TOP_LEVEL: u32 = 5;

/// The level of the next wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    level: u32,
}

impl Levels {
    /// Begins anew with the first level.
    pub const fn reset(&mut self) {
        self.level = 0;
    }

    /// Uniform in (0,1], (1,2], (2,4], (4,8], (8,16], (16,32] seconds, one level further each time. A time given by
    /// the server is a lower bound; on top comes up to half of it, or up to `spread_min` if that is more, which keeps
    /// its clients from coming back in one wave.
    ///
    /// `fraction` draws from (0,1]: once, and after that once more if there is a lower bound.
    pub fn delay(
        &mut self,
        mut fraction: impl FnMut() -> f64,
        least: Option<Duration>,
        spread_min: Duration,
    ) -> Duration {
        let high = f64::from(1_u32 << self.level);
        let low = if self.level == 0 { 0.0 } else { high / 2.0 };
        let drawn = Duration::from_secs_f64(low + (high - low) * fraction());
        self.level = (self.level + 1).min(TOP_LEVEL);
        match least {
            None => drawn,
            Some(least) => drawn.max(least + (least / 2).max(spread_min).mul_f64(fraction())),
        }
    }
}
