//! What a scene measured, and the figures made of it.

use std::time::Duration;

use crate::profile::Profile;
use crate::tally::Tally;
use crate::transport::Transport;

/// What came out of a scene.
pub struct Outcome {
    pub profile: &'static Profile,
    pub transport: Transport,
    pub said: usize,
    pub heard: usize,
    /// Messages that were shown as failed for a time.
    pub failed: usize,
    pub delays: Vec<Duration>,
    /// `None` where it was not over when the next trouble came.
    pub recoveries: Vec<Option<Duration>>,
    pub talk: Traffic,
    pub quiet: Traffic,
    /// Broken promises.
    pub verdicts: Vec<String>,
}

/// What a phone's link carries in an hour, the mean of all phones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Up and down.
    pub bytes: [f64; 2],
    /// Up and down.
    pub packets: [f64; 2],
    pub beats: f64,
    pub wakes: f64,
    pub connections: f64,
}

impl Traffic {
    /// Of what the phones' links carried in so long.
    pub fn of(phones: &[Tally], time: Duration) -> Self {
        let hours = time.as_secs_f64() / 3_600.0 * phones.len() as f64;
        let sum = |part: fn(&Tally) -> u64| phones.iter().map(part).sum::<u64>() as f64 / hours;
        Self {
            bytes: [sum(|tally| tally.bytes[0]), sum(|tally| tally.bytes[1])],
            packets: [sum(|tally| tally.packets[0]), sum(|tally| tally.packets[1])],
            beats: sum(|tally| tally.beats),
            wakes: sum(|tally| tally.wakes),
            connections: sum(|tally| tally.connections),
        }
    }
}

/// The smallest value that so many hundredths of all do not exceed (nearest rank); `None` of nothing.
pub fn percentile(of: &[Duration], hundredths: usize) -> Option<Duration> {
    let mut sorted = of.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let of: Vec<_> = (1..=20).rev().map(Duration::from_secs).collect();
        let at = |hundredths| percentile(&of, hundredths).map(|value| value.as_secs());
        assert_eq!([at(0), at(50), at(95), at(100)], [Some(1), Some(10), Some(19), Some(20)]);
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn traffic_is_that_of_one_phone_in_an_hour() {
        let one = Tally { bytes: [100, 10], packets: [10, 1], beats: 2, wakes: 3, connections: 1 };
        let none = Tally::default();
        let traffic = Traffic::of(&[one, none], Duration::from_secs(90));
        assert_eq!((traffic.bytes, traffic.packets), ([2_000.0, 200.0], [200.0, 20.0]));
        assert_eq!((traffic.beats, traffic.wakes, traffic.connections), (40.0, 60.0, 20.0));
    }
}
