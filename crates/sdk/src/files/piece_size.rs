//! How much of a file is sent at a time: as much as takes some seconds, so that a fast line is not kept waiting for
//! answers and a slow one does not lose much in a break.

use std::time::Duration;

/// The first piece, the smallest, and the largest; two of them are in memory at a time.
const BYTES: (usize, usize, usize) = (1 << 20, 256 << 10, 16 << 20);
/// A piece that took less makes the next one twice as large.
const QUICK: Duration = Duration::from_secs(2);
/// A piece that took more makes the next one half as large.
const SLOW: Duration = Duration::from_secs(8);

/// The size of the next piece.
#[derive(Debug)]
pub(super) struct PieceSize(usize);

impl Default for PieceSize {
    fn default() -> Self {
        Self(BYTES.0)
    }
}

impl PieceSize {
    pub(super) const fn bytes(&self) -> usize {
        self.0
    }

    /// A piece of this size took so long.
    pub(super) fn took(&mut self, time: Duration) {
        if time < QUICK {
            self.0 = (self.0 * 2).min(BYTES.2);
        } else if time > SLOW {
            self.broke();
        }
    }

    /// A piece did not get through.
    pub(super) fn broke(&mut self) {
        self.0 = (self.0 / 2).max(BYTES.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_on_fast_lines_and_shrink_on_slow_ones() {
        let mut size = PieceSize::default();
        for _ in 0..10 {
            size.took(Duration::from_millis(80));
        }
        assert_eq!(size.bytes(), BYTES.2);
        for _ in 0..10 {
            size.took(Duration::from_secs(20));
        }
        assert_eq!(size.bytes(), BYTES.1);
        size.took(Duration::from_secs(4));
        assert_eq!(size.bytes(), BYTES.1);
    }
}
