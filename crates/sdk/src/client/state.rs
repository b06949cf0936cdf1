//! What a client's connection is doing.

use std::time::Instant;

use anser_types::Refusal;

/// The state of the connection; messages can be composed in any of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// The client is closed or was told to stay offline.
    #[default]
    Offline,
    /// A connection is being made.
    Connecting,
    /// A session is open.
    Connected,
    /// There is no connection.
    Disconnected {
        /// When the next attempt comes by itself; `None` if none comes.
        retry_at: Option<Instant>,
        /// Why.
        reason: Refusal,
    },
    /// Another session took over, or the device was signed out; nothing is retried.
    KickedOffline {
        /// Why.
        reason: Refusal,
    },
    /// The token or the device cannot be used any more: sign in again.
    SignInNeeded {
        /// Why.
        reason: Refusal,
    },
}
