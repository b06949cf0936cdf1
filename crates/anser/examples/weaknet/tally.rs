//! What a phone's link carried: bytes, packets, beats, connections, and how often it woke the radio.

use std::ops::{RangeInclusive, Sub};
use std::time::Duration;

use super::weather::Way;

/// A radio that was silent for so long is counted as woken.
const SILENCE: Duration = Duration::from_secs(1);

/// Counts since the beginning, or between two moments. Bytes are the payload of TCP or UDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Up and down.
    pub bytes: [u64; 2],
    /// Up and down: chunks of at most a segment, where headers alone are not counted, or datagrams.
    pub packets: [u64; 2],
    /// Packets up that are as long as a heartbeat and come after a second of silence or more. While people talk some
    /// others are too.
    pub beats: u64,
    /// Moments at which anything passed after a second of silence or more.
    pub wakes: u64,
    pub connections: u64,
}

/// Counts for a link.
#[derive(Debug)]
pub struct Meter {
    tally: Tally,
    /// How long a heartbeat is on this transport.
    beat_bytes: RangeInclusive<usize>,
    carried: Option<Duration>,
}

impl Meter {
    pub fn new(beat_bytes: RangeInclusive<usize>) -> Self {
        Self { tally: Tally::default(), beat_bytes, carried: None }
    }

    /// The phone asks for a connection.
    pub fn connection(&mut self, now: Duration) {
        self.tally.connections += 1;
        self.wake(now);
    }

    /// The phone sent or got a packet.
    pub fn packet(&mut self, now: Duration, way: Way, bytes: usize) {
        self.tally.bytes[way.index()] += bytes as u64;
        self.tally.packets[way.index()] += 1;
        let wakes = self.wake(now);
        if wakes && way == Way::Up && self.beat_bytes.contains(&bytes) {
            self.tally.beats += 1;
        }
    }

    pub const fn tally(&self) -> Tally {
        self.tally
    }

    fn wake(&mut self, now: Duration) -> bool {
        let wakes = self.carried.is_none_or(|carried| now >= carried + SILENCE);
        self.tally.wakes += u64::from(wakes);
        self.carried = Some(now);
        wakes
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let both = |now: [u64; 2], then: [u64; 2]| [now[0] - then[0], now[1] - then[1]];
        Self {
            bytes: both(self.bytes, earlier.bytes),
            packets: both(self.packets, earlier.packets),
            beats: self.beats - earlier.beats,
            wakes: self.wakes - earlier.wakes,
            connections: self.connections - earlier.connections,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_is_a_second_of_silence_and_then_anything() {
        let at = Duration::from_millis;
        let mut meter = Meter::new(3..=9);
        meter.connection(at(0));
        meter.packet(at(900), Way::Up, 3);
        meter.packet(at(1_800), Way::Down, 40);
        assert_eq!(meter.tally().wakes, 1);
        let before = meter.tally();
        meter.packet(at(2_800), Way::Down, 3);
        let since = meter.tally() - before;
        assert_eq!((since.wakes, since.beats, since.bytes, since.packets), (1, 0, [0, 3], [0, 1]));
        assert_eq!(meter.tally().beats, 0, "a beat goes up, after a silence");
        meter.packet(at(3_800), Way::Up, 3);
        assert_eq!(meter.tally().beats, 1);
    }
}
