//! What can go wrong with the local store, each with its catalogued code.

use std::io;
use std::path::{Path, PathBuf};

use anser_types::{ErrorCode, Refusal};

/// Why the local store cannot be opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error("the store in {} is used by {}", .directory.display(), holder_or_unknown(.holder))]
    InUse {
        /// Which store.
        directory: PathBuf,
        /// Who holds it, as it said itself; empty when unknown.
        holder: String,
    },
    /// The key does not fit, or the file is no store.
    #[error("{} cannot be opened with this key, or it is no store", .0.display())]
    WrongKey(PathBuf),
    /// The key file cannot be used.
    #[error("the key file {}: {why}", .path.display())]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A newer version of the SDK wrote it.
    #[error("{} has schema {found}, this version knows up to {known}", .path.display())]
    TooNew {
        /// Which database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The database is damaged.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The operating system refused.
    #[error("cannot {doing} {}: {error}", .path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The database refused.
    #[error("the store failed: {0}")]
    Database(rusqlite::Error),
    /// The store was closed.
    #[error("the store was closed")]
    Closed,
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull {
            return Self::Full(format!("cannot {doing} {}", path.display()));
        }
        Self::Io { doing, path: path.to_owned(), error }
    }

    /// The catalogued code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InUse { .. } => ErrorCode::StoreInUse,
            Self::WrongKey(_) | Self::KeyFile { .. } => ErrorCode::StoreKeyWrong,
            Self::TooNew { .. } => ErrorCode::StoreTooNew,
            Self::Full(_) => ErrorCode::LocalDiskFull,
            Self::Damaged(_) => ErrorCode::StoreDamaged,
            Self::Io { .. } | Self::Database(_) | Self::Closed => ErrorCode::StoreFailed,
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::Damaged(_) => {
                "Remove the store and sign in again: messages come back from the server."
            }
            Self::Io { .. } | Self::Database(_) => {
                "Look at the disk and the rights of the directory."
            }
            Self::Closed => "Open the client again.",
            _ => self.code().next_step(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full(error.to_string()),
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::because(error.code(), error.to_string())
    }
}

fn holder_or_unknown(holder: &str) -> &str {
    if holder.is_empty() { "another process" } else { holder }
}
