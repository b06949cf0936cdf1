//! Which protocol version two sides speak.
//!
//! A release speaks the version it introduces and the one before, so neighbours always share one and either side may be
//! updated first. Within a version everything new is a new field or case, which older programs skip.

use std::ops::RangeInclusive;

/// The versions this crate speaks, lowest and highest.
pub const SUPPORTED: RangeInclusive<u32> = 1..=1;

/// The highest version both sides speak, if any. Version 0 does not exist: it is an absent field.
#[must_use]
pub fn negotiate(one: &RangeInclusive<u32>, other: &RangeInclusive<u32>) -> Option<u32> {
    let lowest = *one.start().max(other.start());
    let highest = *one.end().min(other.end());
    (highest > 0 && lowest <= highest).then_some(highest)
}

/// What a server says to a client with which it shares no version, and which of the two to update.
#[must_use]
pub fn apart(theirs: &RangeInclusive<u32>) -> String {
    let older = if theirs.start() > SUPPORTED.end() { "server" } else { "client" };
    format!(
        "the client speaks versions {} to {}, the server {} to {}: update the {older}",
        theirs.start(),
        theirs.end(),
        SUPPORTED.start(),
        SUPPORTED.end()
    )
}
