//! The search index beside the store: started with the server, stopped before the store is closed.

use std::sync::Arc;

use anser_embedded::EmbeddedStore;
use anser_search::{Logs, Pace, Search};
use anser_types::ErrorCode;

use crate::doctor::Finding;
use crate::failure::Failure;
use crate::machine;
use crate::setup::Setup;

/// Starts search, unless it is switched off. The index is opened in the background: a server that has to build it anew
/// is ready at once all the same.
///
/// # Errors
/// `INTERNAL` when the system gives no threads.
pub fn start(setup: &Setup, store: &EmbeddedStore) -> Result<Option<Arc<Search>>, Failure> {
    let config = &setup.loaded.config.search;
    if !config.enabled {
        return Ok(None);
    }
    let logs = Logs {
        ledger: store.ledger(),
        conversations: store.conversations(),
        inspect: store.inspect(),
    };
    let pace = Pace { give_way: machine::give_way, ..Pace::default() };
    Search::start(&setup.data_dir.resolve(&config.directory), logs, pace)
        .map(Some)
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("no threads: {error}")))
}

/// What the doctor says about it. It is never wrong to have none: the next start builds it.
#[must_use]
pub fn examine(setup: &Setup) -> Finding {
    let check = "search";
    let config = &setup.loaded.config.search;
    let directory = setup.data_dir.resolve(&config.directory);
    match (config.enabled, directory.is_dir()) {
        (false, false) => Finding::ok(check, "switched off"),
        (false, true) => Finding::ok(
            check,
            format!("switched off; {} is not used and may be removed", directory.display()),
        ),
        (true, false) => Finding::ok(check, "no index yet: a start builds it from the log"),
        (true, true) => {
            Finding::ok(check, "an index is there; a start compares it with its checksums")
        }
    }
}
