//! Times on the wire: milliseconds since 2025-01-01T00:00:00Z ("Anser time"), and differences where those are shorter.

use anser_types::UnixMs;

/// The Unix time, in milliseconds, at which Anser time is 0.
pub const ANSER_EPOCH_UNIX_MS: u64 = 1_735_689_600_000;

/// Anser time for the wire. Times before 2025 become 0; 0 itself is also what an absent field means.
#[must_use]
pub const fn to_wire(time: UnixMs) -> u64 {
    time.0.saturating_sub(ANSER_EPOCH_UNIX_MS)
}

/// The time that stands on the wire; saturates at the end of time.
#[must_use]
pub const fn from_wire(anser_ms: u64) -> UnixMs {
    UnixMs(anser_ms.saturating_add(ANSER_EPOCH_UNIX_MS))
}

/// `sent_before_ms` of `Message` and `CommandAck`: server time − the sender's clock when it composed, both as they
/// stand on the wire. Negative when the sender's clock is ahead.
#[must_use]
pub const fn sent_before(server_time: UnixMs, sent_at: UnixMs) -> i64 {
    to_wire(server_time).wrapping_sub(to_wire(sent_at)).cast_signed()
}

/// The sender's clock when it composed, from a message's server time and `sent_before_ms`.
#[must_use]
pub const fn sent_at(server_time: UnixMs, sent_before_ms: i64) -> UnixMs {
    from_wire(to_wire(server_time).wrapping_sub(sent_before_ms.cast_unsigned()))
}

/// The server time, from the time the command carries and its answer's `sent_before_ms`.
#[must_use]
pub const fn server_time(sent_at: UnixMs, sent_before_ms: i64) -> UnixMs {
    from_wire(to_wire(sent_at).wrapping_add(sent_before_ms.cast_unsigned()))
}
