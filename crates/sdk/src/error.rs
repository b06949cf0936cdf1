//! What an operation of the client can end with, always with a catalogued code and the next step.

use anser_types::{ErrorCode, Refusal};

use crate::store::StoreError;

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server, or this SDK before it asked the server, says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The local store cannot be opened or used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client was closed meanwhile. What was in the outbox stays there.
    #[error("the client is closed")]
    Closed,
}

impl Error {
    /// The catalogued code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Store(error) => error.code(),
            Self::Closed => ErrorCode::Unreachable,
        }
    }

    /// What to do next, in one sentence.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code.next_step(),
            Self::Store(error) => error.next_step(),
            Self::Closed => "Open the client again.",
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::Store(error) => error.into(),
            Error::Closed => Self::because(ErrorCode::Unreachable, "the client is closed"),
        }
    }
}
