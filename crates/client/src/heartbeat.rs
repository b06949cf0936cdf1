//! Is the other side still there? A fixed beat when idle, a check at once when asked for (requirements E3, E5).
//!
//! A beat goes out after `interval` without traffic in either direction. Any byte from the server is life; a beat
//! that nothing follows within `max(5 s, 4 × RTT)` means the link is dead.

use std::time::Duration;

/// The least time a pong has.
const PONG_LEAST: Duration = Duration::from_secs(5);
/// The interval if the server does not say.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
/// What a server may ask for in the foreground.
const INTERVAL_RANGE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(270));

/// What is to be done about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing.
    Rest,
    /// Send a ping.
    Ping,
    /// Give the link up.
    Dead,
}

/// The beats of one session.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    sent: Duration,
    heard: Duration,
    /// An unanswered ping: when it left, and until when something must be heard.
    ping: Option<(Duration, Duration)>,
    /// When the last ping left, until its pong: for the round trip.
    measured_from: Option<Duration>,
}

impl Heartbeat {
    /// A session that begins now; `interval_ms` as Welcome says, zero for the default.
    pub(crate) fn new(now: Duration, interval_ms: u32) -> Self {
        let interval = match interval_ms {
            0 => DEFAULT_INTERVAL,
            ms => Duration::from_millis(ms.into()).clamp(INTERVAL_RANGE.0, INTERVAL_RANGE.1),
        };
        Self { interval, sent: now, heard: now, ping: None, measured_from: None }
    }

    /// Bytes left.
    pub(crate) const fn note_sent(&mut self, now: Duration) {
        self.sent = now;
    }

    /// Bytes came.
    pub(crate) const fn note_heard(&mut self, now: Duration) {
        self.heard = now;
        self.ping = None;
    }

    /// A pong came: the round trip, if it answers a ping.
    pub(crate) fn note_pong(&mut self, now: Duration) -> Option<Duration> {
        self.measured_from.take().map(|from| now.saturating_sub(from))
    }

    /// Whether a ping is unanswered.
    pub(crate) const fn is_checking(&self) -> bool {
        self.ping.is_some()
    }

    /// A ping leaves now.
    pub(crate) fn note_ping(&mut self, now: Duration, rtt: Duration) {
        self.ping = Some((now, now + PONG_LEAST.max(rtt * 4)));
        self.measured_from = Some(now);
        self.sent = now;
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Duration {
        match self.ping {
            Some((_, deadline)) => deadline,
            None => self.sent.min(self.heard) + self.interval,
        }
    }

    /// What is due now.
    pub(crate) fn due(&self, now: Duration) -> Beat {
        match (now >= self.next(), self.ping) {
            (false, _) => Beat::Rest,
            (true, Some(_)) => Beat::Dead,
            (true, None) => Beat::Ping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn beats_only_when_idle() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        assert_eq!(beat.due(secs(29)), Beat::Rest);
        beat.note_sent(secs(10));
        beat.note_heard(secs(10));
        assert_eq!(beat.due(secs(39)), Beat::Rest);
        assert_eq!(beat.due(secs(40)), Beat::Ping);
    }

    #[test]
    fn one_sided_traffic_is_checked_too() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        beat.note_sent(secs(29));
        assert_eq!(beat.due(secs(30)), Beat::Ping, "nothing was heard for an interval");
    }

    #[test]
    fn a_late_pong_means_a_dead_link_and_any_byte_means_life() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        beat.note_ping(secs(30), Duration::from_millis(50));
        assert_eq!(beat.due(Duration::from_millis(34_999)), Beat::Rest);
        assert_eq!(beat.due(secs(35)), Beat::Dead);
        beat.note_heard(secs(34));
        assert_eq!(beat.due(secs(35)), Beat::Rest);
    }

    #[test]
    fn a_slow_link_gets_four_round_trips() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        beat.note_ping(secs(30), secs(2));
        assert_eq!(beat.due(secs(37)), Beat::Rest);
        assert_eq!(beat.due(secs(38)), Beat::Dead);
    }

    #[test]
    fn the_servers_interval_stays_within_its_range() {
        assert_eq!(Heartbeat::new(secs(0), 1).next(), secs(20));
        assert_eq!(Heartbeat::new(secs(0), 900_000).next(), secs(270));
        assert_eq!(Heartbeat::new(secs(0), 0).next(), secs(30));
    }
}
