//! When to try again: level by level, at a random moment within the level (requirement E6).

use std::time::Duration;

use crate::rng::Rng;

/// The last level; it is repeated.
const TOP_LEVEL: u32 = 5;
/// A session that stays up this long starts the levels anew.
const STABLE_AFTER: Duration = Duration::from_secs(30);

/// The level of the next attempt.
#[derive(Debug, Default)]
pub(crate) struct Reconnect {
    level: u32,
}

impl Reconnect {
    /// A session ended after it had been up this long.
    pub(crate) fn session_ended(&mut self, up_for: Duration) {
        if up_for >= STABLE_AFTER {
            self.level = 0;
        }
    }

    /// The user, or the network, gives reason to begin anew.
    pub(crate) const fn reset(&mut self) {
        self.level = 0;
    }

    /// Uniform in (0,1], (1,2], (2,4], (4,8], (8,16], (16,32] seconds, one level further each time. A time given by
    /// the server is a lower bound; jitter on top keeps its clients from coming back in one wave.
    pub(crate) fn delay(&mut self, rng: &mut Rng, retry_after: Option<Duration>) -> Duration {
        let high = f64::from(1_u32 << self.level);
        let low = if self.level == 0 { 0.0 } else { high / 2.0 };
        let drawn = Duration::from_secs_f64(low + (high - low) * rng.fraction());
        self.level = (self.level + 1).min(TOP_LEVEL);
        match retry_after {
            None => drawn,
            Some(least) => {
                let spread = (least / 2).max(Duration::from_secs(1));
                drawn.max(least + spread.mul_f64(rng.fraction()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirement_e6_levels_draw_uniformly_within_their_bounds() {
        let bounds = [(0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (16.0, 32.0)];
        let mut sums = [0.0; 6];
        let rounds = 2_000;
        let mut rng = Rng::new(7);
        for _ in 0..rounds {
            let mut reconnect = Reconnect::default();
            for (level, (low, high)) in bounds.iter().enumerate() {
                let drawn = reconnect.delay(&mut rng, None).as_secs_f64();
                assert!(drawn > *low && drawn <= *high, "level {level} drew {drawn}");
                sums[level] += drawn;
            }
            assert!(reconnect.delay(&mut rng, None).as_secs_f64() > 16.0, "the last level repeats");
        }
        for (level, (low, high)) in bounds.iter().enumerate() {
            let mean = sums[level] / f64::from(rounds);
            let middle = f64::midpoint(*low, *high);
            assert!((mean - middle).abs() < (high - low) * 0.05, "level {level} has mean {mean}");
        }
    }

    #[test]
    fn a_stable_session_resets_the_level_and_a_short_one_does_not() {
        let mut rng = Rng::new(1);
        let mut reconnect = Reconnect::default();
        for _ in 0..4 {
            reconnect.delay(&mut rng, None);
        }
        reconnect.session_ended(Duration::from_secs(29));
        assert!(reconnect.delay(&mut rng, None) > Duration::from_secs(8));
        reconnect.session_ended(Duration::from_secs(30));
        assert!(reconnect.delay(&mut rng, None) <= Duration::from_secs(1));
    }

    #[test]
    fn a_time_given_by_the_server_is_a_lower_bound_with_jitter() {
        let mut rng = Rng::new(3);
        let least = Duration::from_secs(10);
        let mut drawn: Vec<_> =
            (0..50).map(|_| Reconnect::default().delay(&mut rng, Some(least))).collect();
        assert!(drawn.iter().all(|d| *d > least && *d <= least * 3 / 2));
        drawn.dedup();
        assert!(drawn.len() > 40, "they do not come back in one wave");
    }
}
