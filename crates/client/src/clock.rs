//! Round trips and the offset to the server's clock (requirement B4).
//!
//! The offset is kept against the monotonic clock, so that a jump of the wall clock does not spoil it. It is used to
//! show times and to stamp what is composed; no order depends on it. What must be forgotten is forgotten by the time that
//! is certain: that of a Welcome, and what has passed since it came.

use std::time::Duration;

use anser_types::UnixMs;

/// Exchanges that are kept; the one with the shortest round trip counts.
const EXCHANGES: usize = 8;
/// How far two exchanges may contradict each other before one of them is wrong.
const MARGIN_US: i128 = 1_000_000;
/// The round trip assumed before one was measured.
const FIRST_RTT: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
struct Exchange {
    rtt: Duration,
    /// Server time − monotonic time, in microseconds.
    offset_us: i128,
}

impl Exchange {
    fn new(sent: Duration, received: Duration, server: UnixMs) -> Self {
        let rtt = received.saturating_sub(sent);
        let middle = i128::try_from((sent + rtt / 2).as_micros()).unwrap_or(i128::MAX);
        Self { rtt, offset_us: i128::from(server.0) * 1_000 - middle }
    }

    fn half_us(&self) -> i128 {
        i128::try_from(self.rtt.as_micros() / 2).unwrap_or(i128::MAX)
    }

    /// Both can be true of one clock that did not jump.
    fn agrees_with(&self, other: &Self) -> bool {
        let apart = (self.offset_us - other.offset_us).abs();
        apart <= self.half_us() + other.half_us() + MARGIN_US
    }
}

/// What is known of the way to the server and of its clock.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    exchanges: [Option<Exchange>; EXCHANGES],
    next: usize,
    /// Server time − monotonic time at the least, in microseconds.
    least_us: Option<i128>,
    smoothed: Option<Duration>,
}

impl ServerClock {
    /// A Hello left at `sent`, and its Welcome came at `received` and says what time it was there in between. Whatever
    /// contradicts it was before the server's clock jumped.
    pub(crate) fn note_welcome(&mut self, sent: Duration, received: Duration, server: UnixMs) {
        let new = Exchange::new(sent, received, server);
        let least_us = new.offset_us - new.half_us();
        let mut jumped = false;
        for known in &mut self.exchanges {
            jumped |= known.take_if(|known| !known.agrees_with(&new)).is_some();
        }
        self.least_us =
            Some(self.least_us.filter(|_| !jumped).map_or(least_us, |known| known.max(least_us)));
        self.note(new);
    }

    /// A command left at `sent`, and its answer says when it was committed. A log's time does not go back when the
    /// server's clock does, so an answer that contradicts what is known says nothing.
    pub(crate) fn note_answer(&mut self, sent: Duration, received: Duration, server: UnixMs) {
        let new = Exchange::new(sent, received, server);
        if self.exchanges.iter().flatten().all(|known| known.agrees_with(&new)) {
            self.note(new);
        } else {
            self.note_rtt(new.rtt);
        }
    }

    fn note(&mut self, exchange: Exchange) {
        self.exchanges[self.next] = Some(exchange);
        self.next = (self.next + 1) % EXCHANGES;
        self.note_rtt(exchange.rtt);
    }

    /// A round trip was measured (smoothed as in RFC 6298).
    pub(crate) fn note_rtt(&mut self, rtt: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => rtt,
            Some(smoothed) => (smoothed * 7 + rtt) / 8,
        });
    }

    /// The smoothed round trip.
    pub(crate) fn rtt(&self) -> Duration {
        self.smoothed.unwrap_or(FIRST_RTT)
    }

    /// The server's time at this moment, by the best of the last eight exchanges; `None` before the first.
    pub(crate) fn server_time(&self, mono: Duration) -> Option<UnixMs> {
        let best = self.exchanges.iter().flatten().min_by_key(|exchange| exchange.rtt)?;
        time_at(mono, best.offset_us)
    }

    /// What the server's time is at the least, however long the Welcome was on its way; `None` before the first.
    pub(crate) fn at_least(&self, mono: Duration) -> Option<UnixMs> {
        time_at(mono, self.least_us?)
    }
}

fn time_at(mono: Duration, offset_us: i128) -> Option<UnixMs> {
    let us = i128::try_from(mono.as_micros()).ok()? + offset_us;
    u64::try_from(us / 1_000).ok().map(UnixMs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn requirement_b4_offset_is_within_100_ms_on_a_noisy_asymmetric_path() {
        let server_ahead_ms = 1_800_000; // half an hour
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut clock = ServerClock::default();
            let mut at = Duration::from_secs(5);
            for _ in 0..20 {
                // Each way takes 10 ms and up to 400 ms of noise of its own.
                let mut way = || {
                    Duration::from_millis(10)
                        + Duration::from_millis(400).mul_f64(rng.fraction().powi(3))
                };
                let (there, back) = (way(), way());
                let arrived = at + there;
                let server = u64::try_from(arrived.as_millis()).unwrap() + server_ahead_ms;
                clock.note_answer(at, arrived + back, UnixMs(server));
                at = arrived + back + Duration::from_secs(1);
                let best = clock.exchanges.iter().flatten().map(|e| e.rtt).min().unwrap();
                let true_time = u64::try_from(at.as_millis()).unwrap() + server_ahead_ms;
                let error = clock.server_time(at).unwrap().0.abs_diff(true_time);
                assert!(
                    Duration::from_millis(error.saturating_sub(2)) <= best / 2,
                    "bounded by half the best round trip"
                );
                if best <= Duration::from_millis(200) {
                    assert!(error <= 101, "seed {seed}: off by {error} ms");
                }
            }
        }
    }

    #[test]
    fn only_the_last_eight_exchanges_count() {
        let mut clock = ServerClock::default();
        clock.note_answer(Duration::ZERO, Duration::from_millis(2), UnixMs(1_000_000));
        for i in 1..=8 {
            let at = Duration::from_secs(i);
            clock.note_answer(at, at + Duration::from_millis(40), UnixMs(1_000_030 + 1_000 * i));
        }
        assert_eq!(clock.server_time(Duration::from_secs(9)), Some(UnixMs(1_009_010)));
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// Found by the simulation.
    #[test]
    fn a_welcome_after_the_servers_clock_jumped_counts_alone() {
        let mut clock = ServerClock::default();
        clock.note_welcome(secs(1), secs(1), UnixMs(2_000_000));
        clock.note_welcome(secs(10), secs(12), UnixMs(5_000_000));
        assert_eq!(clock.server_time(secs(12)), Some(UnixMs(5_001_000)));
        assert_eq!(clock.at_least(secs(12)), Some(UnixMs(5_000_000)));
        // It is set right again: what the logs say of the time goes on from where it was.
        clock.note_welcome(secs(20), secs(20), UnixMs(2_019_000));
        clock.note_answer(secs(21), secs(21), UnixMs(5_010_000));
        assert_eq!(clock.server_time(secs(21)), Some(UnixMs(2_020_000)));
        assert_eq!(clock.at_least(secs(21)), Some(UnixMs(2_020_000)));
    }

    /// Found by the simulation.
    #[test]
    fn a_welcome_that_was_long_on_its_way_says_no_more_than_it_says() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.at_least(secs(1)), None);
        clock.note_welcome(secs(1), secs(61), UnixMs(2_000_000));
        assert_eq!(clock.at_least(secs(61)), Some(UnixMs(2_000_000)));
        // A better one says more, a worse one takes nothing back.
        clock.note_welcome(secs(70), secs(70), UnixMs(2_010_000));
        assert_eq!(clock.at_least(secs(70)), Some(UnixMs(2_010_000)));
        clock.note_welcome(secs(80), secs(90), UnixMs(2_020_000));
        assert_eq!(clock.at_least(secs(90)), Some(UnixMs(2_030_000)));
    }
}
