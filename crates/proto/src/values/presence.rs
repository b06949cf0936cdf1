//! How users are, on the wire.

use anser_types::{Presence, UnixMs, UserPresence};

use super::{Unreadable, user};
use crate::{time, v1};

const UNKNOWN: u32 = 0;
const ONLINE: u32 = 1;
const OFFLINE: u32 = 2;

/// As it is told.
#[must_use]
pub fn user_presence(one: &UserPresence) -> v1::UserPresence {
    let (state, last_seen_ms) = match one.presence {
        Presence::Unknown => (UNKNOWN, 0),
        Presence::Online => (ONLINE, 0),
        Presence::Offline { last_seen: UnixMs(0) } => (OFFLINE, 0),
        Presence::Offline { last_seen } => (OFFLINE, time::to_wire(last_seen)),
    };
    v1::UserPresence { user: one.user.to_string(), state, last_seen_ms }
}

/// As it was told. A state of a later version is as good as unknown.
///
/// # Errors
/// The user cannot be one.
pub fn user_presence_of(wire: &v1::UserPresence) -> Result<UserPresence, Unreadable> {
    let presence = match (wire.state, wire.last_seen_ms) {
        (ONLINE, _) => Presence::Online,
        (OFFLINE, 0) => Presence::Offline { last_seen: UnixMs(0) },
        (OFFLINE, at) => Presence::Offline { last_seen: time::from_wire(at) },
        _ => Presence::Unknown,
    };
    Ok(UserPresence { user: user("user", &wire.user)?, presence })
}
