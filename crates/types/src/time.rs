//! Wall-clock times as plain values, and the port through which anybody may ask for one.

/// Milliseconds since 1970-01-01T00:00:00Z. Shown to people, never compared to decide an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub u64);

impl UnixMs {
    /// This time moved by a signed number of milliseconds, saturating at both ends.
    #[must_use]
    pub const fn offset_by(self, delta_ms: i64) -> Self {
        Self(self.0.saturating_add_signed(delta_ms))
    }

    /// `self − earlier` in milliseconds, negative when `earlier` is later.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "times stay far below i64::MAX milliseconds")]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0) as i64
    }
}

/// The only source of wall-clock time for product code; tests and the simulator bring their own.
///
/// Monotonic time comes from the async runtime (`tokio::time`), which tests can pause.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current wall-clock time. May jump in both directions.
    fn now(&self) -> UnixMs;
}
