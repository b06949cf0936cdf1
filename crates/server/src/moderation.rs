//! The list of words that may not be said: read at the start and again at every SIGHUP.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use anser_gateway::read_body;
use anser_service::Words;
use anser_types::ErrorCode;

use crate::doctor::Finding;
use crate::failure::Failure;
use crate::setup::Setup;

fn path(setup: &Setup) -> Option<PathBuf> {
    let name = &setup.loaded.config.moderation.words;
    (!name.is_empty()).then(|| setup.data_dir.resolve(name))
}

/// Reads the list; `None` if there is to be none.
///
/// # Errors
/// `CONFIG_INVALID` names the file, and the line of it that is wrong.
pub fn load(setup: &Setup) -> Result<Option<Arc<Words>>, Failure> {
    let Some(path) = path(setup) else { return Ok(None) };
    let wrong = |why: String| {
        let next =
            "Correct the file, or set moderation.words = \"\"; then send SIGHUP or start again.";
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {why}", path.display())).next(next)
    };
    let list = fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => wrong("it is not UTF-8 text".to_owned()),
        _ => wrong(error.to_string()),
    })?;
    let words = Words::parse(&list, read_body).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(Arc::new(words)))
}

/// What the doctor says about it.
#[must_use]
pub fn examine(setup: &Setup) -> Finding {
    let check = "words";
    match load(setup) {
        Ok(None) => Finding::ok(check, "no list: everything may be said"),
        Ok(Some(words)) => Finding::ok(check, format!("{} words may not be said", words.count())),
        Err(failure) => Finding::fail(check, failure.detail, failure.next_step),
    }
}
