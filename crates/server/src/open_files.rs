//! The limit on open files: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files the server needs besides its connections: the store, logs, listeners.
const BESIDES_CONNECTIONS: u64 = 512;

/// What raising the limit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// The limit before.
    pub before: u64,
    /// The limit now.
    pub now: u64,
    /// What the configured number of connections needs.
    pub needed: u64,
}

impl OpenFiles {
    /// Whether all configured connections fit.
    #[must_use]
    pub const fn enough(&self) -> bool {
        self.now >= self.needed
    }

    /// Connections that fit under the limit.
    #[must_use]
    pub const fn connections(&self) -> u64 {
        self.now.saturating_sub(BESIDES_CONNECTIONS)
    }
}

/// The present limit against what these connections need.
#[must_use]
pub fn look(connections: u64) -> OpenFiles {
    let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    OpenFiles { before: now, now, needed: connections + BESIDES_CONNECTIONS }
}

/// The highest limit this process could give itself.
#[must_use]
pub fn ceiling() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Raises the soft limit to what is needed, as far as the hard limit allows.
///
/// # Errors
/// What the system says when it refuses.
pub fn raise(connections: u64) -> std::io::Result<OpenFiles> {
    let seen = look(connections);
    let limits = getrlimit(Resource::Nofile);
    let wanted = seen.needed.min(limits.maximum.unwrap_or(u64::MAX));
    if wanted <= seen.now {
        return Ok(seen);
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limits.maximum })?;
    Ok(OpenFiles { now: wanted, ..seen })
}
