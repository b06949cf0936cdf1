//! What the tests of the models have in common: short words for times, and a network on which they can be counted.

use std::time::Duration;

use crate::weather::Shape;

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// 8 kbit/s, so that a byte takes a millisecond; 100 ms one way.
pub const SLOW: Shape = Shape {
    bits_per_second: 8_000,
    latency: ms(100),
    jitter: Duration::ZERO,
    loss: 0.0,
    queue_bytes: 3_000,
};
