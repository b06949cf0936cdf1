//! The embedded store: opened for serving, for looking, closed with everything on the disk; its errors in the
//! catalogue's words.

use std::path::Path;
use std::sync::Arc;

use anser_embedded::{EmbeddedStore, OpenError};
use anser_types::ErrorCode;

use crate::doctor::Finding;
use crate::failure::Failure;

/// Opens the store, making it if there is none.
///
/// # Errors
/// `STORE_IN_USE`, `STORE_DAMAGED`, `STORE_TOO_NEW`, or `STORE_FAILED` when the disk refuses.
pub fn open(path: &Path) -> Result<Arc<EmbeddedStore>, Failure> {
    EmbeddedStore::open(path).map(Arc::new).map_err(|error| in_our_words(path, &error))
}

/// Opens a store that must be there, for looking.
///
/// # Errors
/// `CONFIG_INVALID` when there is none; else as [`open`].
pub fn open_existing(path: &Path) -> Result<Arc<EmbeddedStore>, Failure> {
    if path.is_dir() {
        return open(path);
    }
    Err(Failure::new(ErrorCode::ConfigInvalid, format!("there is no store in {}", path.display()))
        .next("Name the server's data directory with --data-dir."))
}

/// What the doctor says about it, and whether a server uses it right now.
#[must_use]
pub fn examine(path: &Path) -> (Finding, bool) {
    let check = "store";
    if !path.is_dir() {
        return (Finding::ok(check, "not made yet: the first start makes it"), false);
    }
    match open(path) {
        Ok(store) => {
            (Finding::ok(check, format!("opens; last commit {}", store.status().commit_no)), false)
        }
        Err(failure) if failure.code == ErrorCode::StoreInUse => {
            (Finding::ok(check, "used by a running server"), true)
        }
        Err(failure) => (Finding::fail(check, failure.detail, failure.next_step), false),
    }
}
