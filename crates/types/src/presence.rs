//! Whether a user is online, as others are told.

use crate::{UnixMs, UserId};

/// How somebody is, as far as the one who asks may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Not to be seen, or there is no such user: the two look the same.
    Unknown,
    /// At least one of their devices is connected, or was until a moment ago.
    Online,
    /// None is.
    Offline {
        /// When the last one was; zero if that was never noted.
        last_seen: UnixMs,
    },
}

/// A user and how they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPresence {
    /// Who.
    pub user: UserId,
    /// How they are.
    pub presence: Presence,
}
