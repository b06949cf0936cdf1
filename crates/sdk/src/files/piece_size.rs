//! How much of a file is sent in one request: as much as takes some seconds. A fast line is then not kept waiting for
//! answers, and on a slow one it is known now and then how far it is. What arrived before a break stays in any case.

use std::time::Duration;

/// The first piece, the smallest, and the largest.
const BYTES: (u64, u64, u64) = (16 << 20, 4 << 20, 1 << 30);
/// A piece that took less makes the next one four times as large.
const QUICK: Duration = Duration::from_secs(10);
/// A piece that took more makes the next one a quarter as large.
const SLOW: Duration = Duration::from_secs(120);

/// The size of the next piece.
#[derive(Debug)]
pub(super) struct PieceSize(u64);

impl Default for PieceSize {
    fn default() -> Self {
        Self(BYTES.0)
    }
}

impl PieceSize {
    pub(super) const fn bytes(&self) -> u64 {
        self.0
    }

    /// A piece of this size took so long.
    pub(super) fn took(&mut self, time: Duration) {
        if time < QUICK {
            self.0 = (self.0 * 4).min(BYTES.2);
        } else if time > SLOW {
            self.0 = (self.0 / 4).max(BYTES.1);
        }
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
            size.took(Duration::from_secs(180));
        }
        assert_eq!(size.bytes(), BYTES.1);
        size.took(Duration::from_secs(30));
        assert_eq!(size.bytes(), BYTES.1);
    }
}
