//! How long a network lets a silent connection live (requirement E4).
//!
//! A router between a phone and the server forgets a connection that says nothing for some time, and tells nobody: pushes
//! vanish. A beat in time keeps it; too many beats empty the battery. So the longest silence that a network suffers is
//! looked for, and remembered per network.
//!
//! Until something failed the interval grows by a step with each beat that was answered. The largest interval that held
//! and the smallest that did not are then brought together by halving; one step below the largest that held is kept. What
//! failed may have failed for another reason (a tunnel), so it is tried once more after twenty beats that held, then after
//! forty, and so on: a network that really forgets costs ever fewer attempts.
//!
//! Lengths in seconds.

use std::time::Duration;

/// The time after which a router is thought to forget, where nothing is known of it.
const ASSUMED_TIMEOUT: u32 = 270;
/// What is known of the networks of some operators: the times that were measured and published for the heartbeats of
/// `WeChat` (Tencent, "Smart heartbeat", 2014). The longest is the longest that anybody counts on.
const TIMEOUTS: [(&str, u32); 3] =
    [("mobile:China Mobile", 300), ("mobile:China Unicom", 300), ("mobile:China Telecom", 1680)];
/// Failures in a row before what held before is not believed any more.
const FAILURES_MAX: u32 = 3;
/// Beats that held before what failed is tried again; twice as many each time that it fails again.
const DOUBT_AFTER: u32 = 20;
/// Doubling ends here: after some 20,000 beats, weeks.
const DOUBTS_MAX: u32 = 10;

/// What is remembered of a network. Zero is "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatKnown {
    /// The longest silence that it suffered.
    pub held: u32,
    /// The shortest that it did not.
    pub failed: u32,
    /// How often that was tried again and failed again.
    pub doubts: u32,
}

/// The lengths that are tried on a network: between 10 % and 90 % of the time after which it is thought to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    least: u32,
    most: u32,
    step: u32,
    start: u32,
}

impl Range {
    /// For a network's key: `mobile:<operator>`, `wifi:<name>`, empty if unknown.
    pub(crate) fn of_network(network: &str) -> Self {
        let known = TIMEOUTS.iter().find(|(key, _)| *key == network);
        Self::of_timeout(known.map_or(ASSUMED_TIMEOUT, |(_, timeout)| *timeout))
    }

    const fn of_timeout(timeout: u32) -> Self {
        let tenth = timeout / 10;
        Self { least: tenth, most: timeout - tenth, step: tenth, start: timeout / 2 }
    }

    /// The longest silence that is tried, in milliseconds.
    pub(crate) const fn most_ms(self) -> u32 {
        self.most.saturating_mul(1000)
    }
}

/// The search on one network.
#[derive(Debug)]
pub(crate) struct NatSearch {
    range: Range,
    known: NatKnown,
    interval: u32,
    failures_in_row: u32,
    held_in_row: u32,
}

impl NatSearch {
    /// Goes on from what is known.
    pub(crate) fn new(range: Range, known: NatKnown) -> Self {
        let mut search = Self { range, known, interval: 0, failures_in_row: 0, held_in_row: 0 };
        search.interval = match known {
            // The last one that held, not one that was never tried: most sessions are short.
            NatKnown { held: 1.., failed: 0, .. } => known.held.clamp(range.least, range.most),
            _ => search.next(),
        };
        search
    }

    /// How long to be silent in the background.
    pub(crate) fn interval(&self) -> Duration {
        secs(self.interval)
    }

    /// The shortest: what is done until the network is trusted.
    pub(crate) fn least(&self) -> Duration {
        secs(self.range.least)
    }

    /// The other side suffers no longer silence than this.
    pub(crate) fn limit(&mut self, most: Duration) {
        let most = u32::try_from(most.as_secs()).unwrap_or(u32::MAX);
        self.range.most = self.range.most.min(most.max(self.range.least));
        self.interval = self.interval.min(self.range.most);
    }

    /// What is worth remembering.
    pub(crate) const fn known(&self) -> NatKnown {
        self.known
    }

    /// A beat behind a whole interval of silence was answered.
    pub(crate) fn held(&mut self) {
        let at = self.interval;
        self.failures_in_row = 0;
        self.held_in_row += 1;
        if self.known.failed > 0 && at >= self.known.failed {
            self.known = NatKnown { held: at, ..NatKnown::default() };
        }
        self.known.held = self.known.held.max(at);
        let patience = DOUBT_AFTER << self.known.doubts;
        self.interval = if self.is_settled() && self.held_in_row >= patience {
            self.held_in_row = 0;
            self.known.failed
        } else {
            self.next()
        };
    }

    /// A whole interval of silence cost the connection.
    pub(crate) fn failed(&mut self) {
        let at = self.interval;
        self.failures_in_row += 1;
        self.held_in_row = 0;
        if at == self.known.failed {
            self.known.doubts = (self.known.doubts + 1).min(DOUBTS_MAX);
        } else if at > self.known.held {
            self.known.failed = at;
        } else if self.failures_in_row < FAILURES_MAX {
            // It held before: this may have been anything.
            return;
        } else {
            self.failures_in_row = 0;
            self.known = NatKnown { held: 0, failed: at, doubts: 0 };
        }
        self.interval = self.next();
    }

    /// Both ends are known and nothing worth trying lies between them.
    const fn is_settled(&self) -> bool {
        let NatKnown { held, failed, .. } = self.known;
        held > 0 && failed > 0 && failed - held < self.range.step
    }

    fn next(&self) -> u32 {
        let Range { least, most, step, start } = self.range;
        let next = match (self.known.held, self.known.failed) {
            (0, 0) => start,
            (held, 0) => held + step,
            (0, failed) => failed.saturating_sub(3 * step),
            (held, _) if self.is_settled() => held.saturating_sub(step),
            (held, failed) => u32::midpoint(held, failed),
        };
        next.clamp(least, most)
    }
}

fn secs(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(timeout: u32) -> NatSearch {
        NatSearch::new(Range::of_timeout(timeout), NatKnown::default())
    }

    /// Beats on a router that forgets after so many seconds; the intervals tried.
    fn beats(search: &mut NatSearch, forgets_after: u32, count: usize) -> Vec<u32> {
        let mut beat = || {
            let interval = search.interval;
            if interval < forgets_after {
                search.held();
            } else {
                search.failed();
            }
            interval
        };
        (0..count).map(|_| beat()).collect()
    }

    #[test]
    fn requirement_e4_the_worked_example_of_a_nat_of_60_seconds() {
        let range = Range::of_timeout(60);
        assert_eq!(range, Range { least: 6, most: 54, step: 6, start: 30 });
        let mut after_success = search(60);
        assert_eq!(after_success.interval, 30);
        after_success.held();
        assert_eq!(after_success.interval, 36);
        let mut after_failure = search(60);
        after_failure.failed();
        assert_eq!(after_failure.interval, 12);
    }

    #[test]
    fn requirement_e4_the_interval_grows_to_what_is_assumed_and_no_further() {
        let mut search = search(270);
        assert_eq!(beats(&mut search, 10_000, 6), [135, 162, 189, 216, 243, 243]);
        assert_eq!(search.known(), NatKnown { held: 243, failed: 0, doubts: 0 });
    }

    #[test]
    fn requirement_e4_the_time_of_a_router_is_found_by_halving_and_kept_a_step_below() {
        let mut search = search(270);
        // 135 fails; three steps below holds; then the middle of both again and again.
        assert_eq!(beats(&mut search, 100, 5), [135, 54, 94, 114, 67]);
        assert_eq!(search.known(), NatKnown { held: 94, failed: 114, doubts: 0 });
        assert_eq!(beats(&mut search, 100, 10), [67; 10], "and there it stays");
    }

    #[test]
    fn what_failed_once_for_another_reason_is_tried_again() {
        let mut search = search(270);
        beats(&mut search, 100, 5);
        let tried = beats(&mut search, 10_000, 30);
        assert!(tried[..15].iter().all(|at| *at == 67), "{tried:?}");
        assert_eq!(*tried.last().unwrap(), 243, "it was a tunnel");
    }

    #[test]
    fn a_router_that_really_forgets_is_tried_ever_more_seldom() {
        let mut search = search(270);
        beats(&mut search, 100, 5);
        let tried = beats(&mut search, 100, 1000);
        let failures = tried.iter().filter(|at| **at >= 100).count();
        assert_eq!(failures, 5, "after 20, 40, 80, 160 and 320 beats");
        assert_eq!(search.known().held, 94);
    }

    #[test]
    fn three_failures_in_a_row_of_what_held_before_begin_the_search_anew() {
        let mut search = search(270);
        beats(&mut search, 200, 8);
        let settled = search.interval;
        search.failed();
        search.failed();
        search.held();
        search.failed();
        search.failed();
        assert_eq!(search.interval, settled, "what is answered clears the failures");
        search.failed();
        assert!(search.interval < settled);
        assert_eq!(search.known(), NatKnown { held: 0, failed: settled, doubts: 0 });
        let tried = beats(&mut search, 70, 12);
        assert!(tried[6..].iter().all(|at| *at < 70), "{tried:?}");
    }

    #[test]
    fn what_is_known_of_a_network_is_where_the_next_session_begins() {
        let known = NatKnown { held: 189, failed: 0, doubts: 0 };
        assert_eq!(NatSearch::new(Range::of_network(""), known).interval, 189);
        let known = NatKnown { held: 94, failed: 114, doubts: 2 };
        assert_eq!(NatSearch::new(Range::of_network("wifi:home"), known).interval, 67);
        // What does not fit what is assumed today is cut to it.
        let known = NatKnown { held: 1500, failed: 0, doubts: 0 };
        assert_eq!(NatSearch::new(Range::of_network("mobile"), known).interval, 243);
        assert_eq!(Range::of_network("mobile:China Telecom").most_ms(), 1_512_000);
    }

    #[test]
    fn no_order_of_answers_leaves_the_range() {
        let mut rng = crate::rng::Rng::new(7);
        for _ in 0..200 {
            let mut search = search(60);
            for _ in 0..500 {
                if rng.next().is_multiple_of(3) {
                    search.failed();
                } else {
                    search.held();
                }
                let NatKnown { held, failed, .. } = search.known();
                assert!((6..=54).contains(&search.interval), "{search:?}");
                assert!(failed == 0 || held < failed, "{search:?}");
            }
        }
    }
}
