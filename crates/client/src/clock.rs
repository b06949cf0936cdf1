//! Round trips and the offset to the server's clock (requirement B4).
//!
//! The offset is kept against the monotonic clock, so that a jump of the wall clock does not spoil it. It is used to
//! show times and to stamp what is composed; no order depends on it.

use std::time::Duration;

use anser_types::UnixMs;

/// Exchanges that are kept; the one with the shortest round trip counts.
const EXCHANGES: usize = 8;
/// The round trip assumed before one was measured.
const FIRST_RTT: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
struct Exchange {
    rtt: Duration,
    /// Server time − monotonic time, in microseconds.
    offset_us: i128,
}

/// What is known of the way to the server and of its clock.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    exchanges: [Option<Exchange>; EXCHANGES],
    next: usize,
    smoothed: Option<Duration>,
}

impl ServerClock {
    /// A question left at `sent`, its answer came at `received` and says what time it was there in between.
    pub(crate) fn note_exchange(&mut self, sent: Duration, received: Duration, server: UnixMs) {
        let rtt = received.saturating_sub(sent);
        let middle = i128::try_from((sent + rtt / 2).as_micros()).unwrap_or(i128::MAX);
        let offset_us = i128::from(server.0) * 1_000 - middle;
        self.exchanges[self.next] = Some(Exchange { rtt, offset_us });
        self.next = (self.next + 1) % EXCHANGES;
        self.note_rtt(rtt);
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
        let us = i128::try_from(mono.as_micros()).ok()? + best.offset_us;
        u64::try_from(us / 1_000).ok().map(UnixMs)
    }
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
                clock.note_exchange(at, arrived + back, UnixMs(server));
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
        clock.note_exchange(Duration::ZERO, Duration::from_millis(2), UnixMs(1_000_000));
        for i in 1..=8 {
            let at = Duration::from_secs(i);
            clock.note_exchange(at, at + Duration::from_millis(40), UnixMs(5_000_020 + 1_000 * i));
        }
        assert_eq!(clock.server_time(Duration::from_secs(9)), Some(UnixMs(5_009_000)));
    }
}
