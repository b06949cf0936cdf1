//! Is the other side still there? A beat when idle, a check at once when asked for (requirements E3, E4, E5).
//!
//! A beat goes out after `interval` without traffic in either direction. Any byte from the server is life. In the
//! foreground a beat that nothing follows within `max(5 s, 4 × RTT)` means that the link is dead. In the background, where
//! the interval is the one that [`crate::nat`] looks for, it is followed by two more at once: three mean it.

use std::time::Duration;

use crate::nat::NatSearch;

/// The least time a pong has.
const PONG_LEAST: Duration = Duration::from_secs(5);
/// The interval if the server does not say.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
/// What a server may ask for in the foreground.
const INTERVAL_RANGE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(270));
/// Unanswered beats in a row that mean a dead link, in the background.
const TRIES: u32 = 3;
/// Beats in the background before the network is trusted with more than the least interval.
const FIRST_BEATS: u32 = 3;

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

/// What an unanswered ping waits for.
#[derive(Clone, Copy, Debug)]
struct Check {
    /// Until when something must be heard.
    deadline: Duration,
    /// Which one in a row without an answer, from 1.
    tries: u32,
    /// The silence before the first of them was a whole interval of the network's search.
    probes: bool,
}

/// The beats of one session.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    foreground: Duration,
    /// In the background: how many beats are still to come at the least interval.
    first_beats: Option<u32>,
    sent: Duration,
    heard: Duration,
    check: Option<Check>,
    /// When the last ping left, until its pong: for the round trip.
    measured_from: Option<Duration>,
}

impl Heartbeat {
    /// A session that begins now, in the foreground; `interval_ms` as Welcome says, zero for the default.
    pub(crate) fn new(now: Duration, interval_ms: u32) -> Self {
        let foreground = match interval_ms {
            0 => DEFAULT_INTERVAL,
            ms => Duration::from_millis(ms.into()).clamp(INTERVAL_RANGE.0, INTERVAL_RANGE.1),
        };
        let (first_beats, check, measured_from) = (None, None, None);
        Self { foreground, first_beats, sent: now, heard: now, check, measured_from }
    }

    /// The app has gone to the background, or is on another network there.
    pub(crate) const fn enter_background(&mut self) {
        self.first_beats = Some(FIRST_BEATS);
    }

    /// The app is in the foreground.
    pub(crate) const fn leave_background(&mut self) {
        self.first_beats = None;
    }

    /// Bytes left.
    pub(crate) const fn note_sent(&mut self, now: Duration) {
        self.sent = now;
    }

    /// Bytes came. True if they prove that the network suffers the interval that is tried.
    pub(crate) const fn note_heard(&mut self, now: Duration) -> bool {
        self.heard = now;
        let Some(check) = self.check.take() else { return false };
        if let Some(first_beats) = &mut self.first_beats {
            *first_beats = first_beats.saturating_sub(1);
        }
        check.probes
    }

    /// A pong came: the round trip, if it answers a ping.
    pub(crate) fn note_pong(&mut self, now: Duration) -> Option<Duration> {
        self.measured_from.take().map(|from| now.saturating_sub(from))
    }

    /// Whether a ping is unanswered.
    pub(crate) const fn is_checking(&self) -> bool {
        self.check.is_some()
    }

    /// Whether a ping is unanswered that left behind a whole interval of the network's search.
    pub(crate) fn is_probing(&self) -> bool {
        self.check.is_some_and(|check| check.probes)
    }

    /// A ping leaves now.
    pub(crate) fn note_ping(&mut self, now: Duration, rtt: Duration, nat: &NatSearch) {
        let deadline = now + PONG_LEAST.max(rtt * 4);
        self.check = Some(match self.check {
            Some(check) => Check { deadline, tries: check.tries + 1, ..check },
            None => Check { deadline, tries: 1, probes: self.would_probe(now, nat) },
        });
        self.measured_from = Some(now);
        self.sent = now;
    }

    /// When to look again.
    pub(crate) fn next(&self, nat: &NatSearch) -> Duration {
        match self.check {
            Some(check) => check.deadline,
            None => self.sent.min(self.heard) + self.interval(nat),
        }
    }

    /// What is due now.
    pub(crate) fn due(&self, now: Duration, nat: &NatSearch) -> Beat {
        if now < self.next(nat) {
            return Beat::Rest;
        }
        match self.check {
            Some(check) if self.first_beats.is_none() || check.tries >= TRIES => Beat::Dead,
            _ => Beat::Ping,
        }
    }

    fn interval(&self, nat: &NatSearch) -> Duration {
        match self.first_beats {
            None => self.foreground,
            Some(0) => nat.interval(),
            Some(_) => nat.least(),
        }
    }

    /// Whether nothing went either way for as long as is tried now; an answer takes a moment, so nearly as long will do.
    fn would_probe(&self, now: Duration, nat: &NatSearch) -> bool {
        let quiet = now.saturating_sub(self.sent.max(self.heard));
        self.first_beats == Some(0) && quiet * 10 >= nat.interval() * 9
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::{NatKnown, Range};

    fn nat() -> NatSearch {
        NatSearch::new(Range::of_network(""), NatKnown::default())
    }

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn beats_only_when_idle() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        assert_eq!(beat.due(secs(29), &nat()), Beat::Rest);
        beat.note_sent(secs(10));
        beat.note_heard(secs(10));
        assert_eq!(beat.due(secs(39), &nat()), Beat::Rest);
        assert_eq!(beat.due(secs(40), &nat()), Beat::Ping);
    }

    #[test]
    fn one_sided_traffic_is_checked_too() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        beat.note_sent(secs(29));
        assert_eq!(beat.due(secs(30), &nat()), Beat::Ping, "nothing was heard for an interval");
    }

    #[test]
    fn a_late_pong_means_a_dead_link_and_any_byte_means_life() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        beat.note_ping(secs(30), Duration::from_millis(50), &nat());
        assert_eq!(beat.due(Duration::from_millis(34_999), &nat()), Beat::Rest);
        assert_eq!(beat.due(secs(35), &nat()), Beat::Dead);
        beat.note_heard(secs(34));
        assert_eq!(beat.due(secs(35), &nat()), Beat::Rest);
    }

    #[test]
    fn a_slow_link_gets_four_round_trips() {
        let mut beat = Heartbeat::new(secs(0), 30_000);
        beat.note_ping(secs(30), secs(2), &nat());
        assert_eq!(beat.due(secs(37), &nat()), Beat::Rest);
        assert_eq!(beat.due(secs(38), &nat()), Beat::Dead);
    }

    #[test]
    fn the_servers_interval_stays_within_its_range() {
        assert_eq!(Heartbeat::new(secs(0), 1).next(&nat()), secs(20));
        assert_eq!(Heartbeat::new(secs(0), 900_000).next(&nat()), secs(270));
        assert_eq!(Heartbeat::new(secs(0), 0).next(&nat()), secs(30));
    }
}
