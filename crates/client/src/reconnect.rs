//! When to connect again: later and later while sessions do not last (requirement E6).

use std::time::Duration;

use crate::levels::Levels;
use crate::rng::Rng;

/// A session that stays up this long starts the levels anew.
const STABLE_AFTER: Duration = Duration::from_secs(30);
/// The least time over which clients spread that were told when to come back.
const SPREAD_MIN: Duration = Duration::from_secs(1);

/// The level of the next attempt.
#[derive(Debug, Default)]
pub(crate) struct Reconnect {
    levels: Levels,
}

impl Reconnect {
    /// A session ended after it had been up this long.
    pub(crate) fn session_ended(&mut self, up_for: Duration) {
        if up_for >= STABLE_AFTER {
            self.levels.reset();
        }
    }

    /// The user, or the network, gives reason to begin anew.
    pub(crate) const fn reset(&mut self) {
        self.levels.reset();
    }

    /// The wait before the next attempt; a time given by the server is its lower bound.
    pub(crate) fn delay(&mut self, rng: &mut Rng, retry_after: Option<Duration>) -> Duration {
        self.levels.delay(|| rng.fraction(), retry_after, SPREAD_MIN)
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
