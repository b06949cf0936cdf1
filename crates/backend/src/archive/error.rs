//! Why an archive is refused.

use std::io;

use anser_types::ErrorCode;

use crate::codec::Malformed;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It does not begin as an archive does.
    #[error("this is no Anser archive")]
    NotAnArchive,
    /// A newer version wrote it.
    #[error("the archive has format {found}, this version knows formats up to {known}")]
    TooNew {
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// It ends before its trailer.
    #[error(
        "the archive is cut off after {records} whole records: its end, which proves that it is complete, is missing"
    )]
    Truncated {
        /// Records in whole blocks.
        records: u64,
    },
    /// Its bytes are not the ones that were written.
    #[error("the archive is damaged after {records} whole records: {what}")]
    Damaged {
        /// Records in whole blocks before the damage.
        records: u64,
        /// What exactly.
        what: String,
    },
    /// Every checksum holds, but its records contradict each other.
    #[error("the archive contradicts itself: {0}")]
    Contradiction(&'static str),
    /// A record cannot be put into an archive.
    #[error("a record of the store makes no sense ({subject} {key}): {error}")]
    Record {
        /// Its subject's name.
        subject: &'static str,
        /// Its key in hexadecimal.
        key: String,
        /// Why.
        error: Malformed,
    },
    /// The system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ArchiveError {
    /// The catalogued error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotAnArchive
            | Self::Truncated { .. }
            | Self::Damaged { .. }
            | Self::Contradiction(_) => ErrorCode::ArchiveDamaged,
            Self::TooNew { .. } => ErrorCode::ArchiveTooNew,
            Self::Record { .. } => ErrorCode::StoreDamaged,
            Self::Io(_) => ErrorCode::StoreFailed,
        }
    }
}
