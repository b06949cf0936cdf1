//! The wire of a phone: all that it sends takes turns on it, and so does all that it gets.

use std::time::Duration;

use super::weather::{Shape, Way};

/// When each direction is free again.
#[derive(Debug, Default)]
pub struct Wires([Duration; 2]);

impl Wires {
    /// Takes the next turn from this moment on. Returns when the last bit has left.
    pub fn take_turn(&mut self, from: Duration, way: Way, bytes: usize, shape: &Shape) -> Duration {
        let free = &mut self.0[way.index()];
        *free = from.max(*free) + shape.occupies(bytes);
        *free
    }

    /// Bytes that are in front of the wire now.
    pub fn waiting(&self, now: Duration, way: Way, shape: &Shape) -> usize {
        shape.carries(self.0[way.index()].saturating_sub(now))
    }
}
