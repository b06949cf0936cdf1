//! The ports on one directory: a commit log that makes batches durable, and fjall tables fed from it.
//!
//! A commit is one record of the log, written and synced once: that is the ack. Behind it a thread brings the same
//! operations into the tables without syncing; a checkpoint flushes them, and the log before it is removed. At open
//! the log is checked byte by byte and its part after the checkpoint is applied again. What was committed and has
//! not reached the tables is seen by readers nevertheless. See `docs/adr/0001-commit-log-before-fjall.md`.
//!
//! ```text
//! ports → store thread (stage, number) → log (write + fdatasync) → caches, callers → applier → tables
//! ```

mod applier;
mod backup;
mod cache;
mod commit;
mod core;
pub mod disk;
mod examine;
mod expiring;
mod format;
mod keys;
mod log;
mod marker;
mod opening;
mod options;
mod pending;
mod ports;
pub mod raw;
mod soft;
mod store;
mod table_files;
mod tables;
mod trimming;
mod writer;

use anser_backend::codec;

pub use backup::{BackupError, RestoreError, RestoreOptions, Restored, Snapshot, restore};
pub use examine::{Damage, Examination, Found, examine};
pub use options::{OpenError, Options};
pub use store::{Counters, EmbeddedStore};
