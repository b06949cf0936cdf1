//! The embedded store: opened for serving or for looking, closed with everything on the disk; its errors in the
//! catalogue's words. The only file that names the backend.

use std::path::Path;

use anser_embedded::{EmbeddedStore, OpenError, Options};
use anser_types::ErrorCode;

use crate::config::Config;
use crate::doctor::Finding;
use crate::failure::Failure;

const MIB: u64 = 1024 * 1024;

/// Free space below which the store accepts nothing more.
#[must_use]
pub fn min_free_bytes(config: &Config) -> u64 {
    config.store.min_free_mib.get() * MIB
}

/// How the store is opened.
#[must_use]
pub fn options(config: &Config) -> Options {
    Options { min_free_bytes: min_free_bytes(config), ..Options::default() }
}

/// Opens the store, making it if there is none. Blocks while it recovers.
///
/// # Errors
/// `STORE_IN_USE`, `STORE_DAMAGED`, `STORE_TOO_NEW`, or `STORE_FAILED` when the system refuses.
pub fn open(path: &Path, config: &Config) -> Result<EmbeddedStore, Failure> {
    EmbeddedStore::open(path, options(config)).map_err(|error| {
        let failure = Failure::new(error.code(), format!("{}: {error}", path.display()));
        match error {
            OpenError::InUse(_) => failure.next(
                "Stop the other server (server.json names its process), or name another directory with --data-dir.",
            ),
            OpenError::Io(_) => failure.next("Look at the rights of the directory and at the disk."),
            OpenError::TooNew { .. } | OpenError::Damaged(_) => failure,
        }
    })
}

/// Opens a store that must be there, for looking.
///
/// # Errors
/// `CONFIG_INVALID` when there is none; else as [`open`].
pub fn open_existing(path: &Path, config: &Config) -> Result<EmbeddedStore, Failure> {
    if path.is_dir() {
        return open(path, config);
    }
    Err(Failure::new(ErrorCode::ConfigInvalid, format!("there is no store in {}", path.display()))
        .next("Name the server's data directory with --data-dir."))
}

/// Ends the store with everything on the disk, so that the next opening is quick.
///
/// # Errors
/// `STORE_FAILED`; nothing that was accepted is lost even then.
pub async fn close(store: EmbeddedStore) -> Result<(), Failure> {
    store.close().await.map_err(|error| Failure::new(ErrorCode::StoreFailed, error.to_string()))
}

/// What the doctor says about it, and whether a server uses it right now.
#[must_use]
pub fn examine(path: &Path, config: &Config) -> (Finding, bool) {
    let check = "store";
    if !path.is_dir() {
        return (Finding::ok(check, "not made yet: the first start makes it"), false);
    }
    match open(path, config) {
        Ok(store) => {
            let commits = store.counters().commit_no;
            (Finding::ok(check, format!("opens and is sound, {commits} commits")), false)
        }
        Err(failure) if failure.code == ErrorCode::StoreInUse => {
            (Finding::ok(check, "used by a running server"), true)
        }
        Err(failure) => (Finding::fail(check, failure.detail, failure.next_step), false),
    }
}
