//! Where the bytes of files are kept: opened with the server, closed after the last request.

use std::path::PathBuf;
use std::sync::Arc;

use anser_embedded::EmbeddedStore;
use anser_files::{FileStore, Keep, Settings};
use anser_service::{FilePorts, FileSettings};
use anser_types::ErrorCode;

use crate::config::Config;
use crate::failure::Failure;
use crate::setup::Setup;
use crate::{machine, store};

const HOUR_MS: u64 = 3600 * 1000;
/// Threads that write and as many that read: more would only make disks seek.
const WORKERS: usize = 2;

/// Opens the place of files, unless it is switched off.
///
/// # Errors
/// `CONFIG_INVALID` names a directory that cannot be used, or what is wrong with the bucket.
pub fn open(setup: &Setup) -> Result<Option<FileStore>, Failure> {
    let config = &setup.loaded.config;
    if !config.files.enabled {
        return Ok(None);
    }
    let directory = setup.data_dir.resolve(&config.files.directory);
    let settings = Settings {
        spool: directory.join("uploads"),
        keep: keep(setup, directory.join("kept"))?,
        workers: WORKERS,
        on_worker_start: machine::give_way,
        min_free_bytes: store::min_free_bytes(config),
    };
    FileStore::open(&settings).map(Some).map_err(|error| {
        Failure::new(ErrorCode::ConfigInvalid, format!("files: {error}"))
            .next("Look at files.directory and its rights, and that no other server uses it.")
    })
}

fn keep(_setup: &Setup, directory: PathBuf) -> Result<Keep, Failure> {
    Ok(Keep::Directory(directory))
}

/// The ports of files.
#[must_use]
pub fn ports(files: &FileStore, store: &EmbeddedStore) -> FilePorts {
    FilePorts { known: store.files(), bytes: Arc::new(files.clone()) }
}

/// What the configuration says about files.
#[must_use]
pub fn settings(config: &Config) -> FileSettings {
    let files = &config.files;
    FileSettings {
        file_bytes: files.file_mib.get() << 20,
        user_bytes: files.user_mib.get() << 20,
        upload_keep_ms: files.upload_hours.get() * HOUR_MS,
        unheld_keep_ms: files.unsent_days.get() * 24 * HOUR_MS,
        ..FileSettings::default()
    }
}

/// Ends what is under way; uploads go on where they are durable.
///
/// # Errors
/// `FILES_UNREACHABLE` if something could not be written; nothing that was told to be there is lost.
pub async fn close(files: FileStore) -> Result<(), Failure> {
    let closed = files.close().await;
    closed.map_err(|error| Failure::new(ErrorCode::FilesUnreachable, error.to_string()))
}
