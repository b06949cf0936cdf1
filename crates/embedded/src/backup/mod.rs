//! Backup and restore: a snapshot of a running store becomes an archive, an archive becomes a store.
//!
//! A snapshot needs no stop: the store's thread hands what only it knows (devices' answers) to the applier and a
//! request behind it, so the tables are frozen exactly at one commit while both go on. See
//! [`anser_backend::archive`] for the format.

mod export;
mod frozen;
mod places;
mod restore;

pub use export::{BackupError, Snapshot};
pub use frozen::Frozen;
pub use places::place_of;
pub use restore::{RestoreError, RestoreOptions, Restored, restore};
