//! How a store is opened, and why it may refuse.

use std::path::PathBuf;
use std::sync::Arc;

use anser_types::ErrorCode;

use crate::disk::Disk;

/// Settings of a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of a log segment: what is allocated at once, and a bound on what is replayed after a crash.
    pub segment_bytes: u64,
    /// A checkpoint is begun after this many bytes of commits.
    pub checkpoint_bytes: u64,
    /// Writes are refused while less is free than this, or than two segments.
    pub min_free_bytes: u64,
    /// Where the commit log lies; `None` for the directory `log` of the store. For tests that fail disks.
    pub disk: Option<Arc<dyn Disk>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 32 << 20,
            checkpoint_bytes: 32 << 20,
            min_free_bytes: 256 << 20,
            disk: None,
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("another process uses the store in {}", .0.display())]
    InUse(PathBuf),
    /// A newer version wrote it.
    #[error("the store has format {found}, this version knows formats up to {known}")]
    TooNew {
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// Accepted data is missing or altered. Names how many commits are concerned, where that is known.
    #[error("{0}")]
    Damaged(String),
    /// The system says no.
    #[error("the store cannot be opened: {0}")]
    Io(#[from] std::io::Error),
}

impl OpenError {
    /// The catalogued error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InUse(_) => ErrorCode::StoreInUse,
            Self::TooNew { .. } => ErrorCode::StoreTooNew,
            Self::Damaged(_) => ErrorCode::StoreDamaged,
            Self::Io(_) => ErrorCode::StoreFailed,
        }
    }
}
