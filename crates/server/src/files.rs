//! Where the bytes of files are kept: opened with the server, closed after the last request.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anser_embedded::EmbeddedStore;
use anser_files::{BucketSettings, FileStore, Keep, Settings};
use anser_service::{FilePorts, FileSettings, SecretString};
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
    let settings = Settings {
        spool: setup.data_dir.resolve(&config.files.directory).join("uploads"),
        keep: kept_in(setup)?,
        workers: WORKERS,
        on_worker_start: machine::give_way,
        min_free_bytes: store::min_free_bytes(config),
    };
    FileStore::open(&settings).map(Some).map_err(|error| {
        Failure::new(ErrorCode::ConfigInvalid, format!("files: {error}"))
            .next("Look at files.directory and its rights, and that no other server uses it.")
    })
}

/// Where complete files are kept.
///
/// # Errors
/// `CONFIG_INVALID` says what is wrong with the bucket.
pub fn kept_in(setup: &Setup) -> Result<Keep, Failure> {
    let config = &setup.loaded.config.files;
    if config.bucket.is_empty() {
        return Ok(Keep::Directory(setup.data_dir.resolve(&config.directory).join("kept")));
    }
    let endpoint = match &*config.bucket_endpoint {
        "" => format!("https://s3.{}.amazonaws.com", config.bucket_region),
        named => named.to_owned(),
    };
    let allow_http = is_here(&endpoint);
    if !endpoint.starts_with("https://") && !allow_http {
        let detail =
            format!("files.bucket_endpoint: {endpoint} is neither https:// nor on this machine");
        return Err(Failure::new(ErrorCode::ConfigInvalid, detail)
            .next("Write an address that begins with https://."));
    }
    let path = setup.data_dir.resolve(&config.bucket_key_file);
    let (access_key, secret_key) = bucket_key(&path)?;
    Ok(Keep::Bucket(BucketSettings {
        endpoint,
        bucket: config.bucket.clone(),
        region: config.bucket_region.clone(),
        access_key,
        secret_key,
        prefix: config.bucket_prefix.trim_matches('/').to_owned(),
        allow_http,
    }))
}

/// Whether an address without TLS is of this machine alone.
fn is_here(endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next());
    matches!(host, Some(Some("127.0.0.1" | "localhost")))
}

/// The access key and its secret, each on a line.
fn bucket_key(path: &Path) -> Result<(String, SecretString), Failure> {
    let wrong = |what: &str| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {what}", path.display()))
            .next("Write the access key in the first line of that file and its secret in the second; give nobody else the right to read it.")
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next(), lines.next()) {
        (Some(key), Some(secret), None) => Ok((key.to_owned(), SecretString::from(secret))),
        _ => Err(wrong("two lines are needed")),
    }
}

/// Says so if the place of complete files cannot be reached. Messages go on without it, so the server starts all the same.
pub async fn tell_if_unreachable(files: FileStore) {
    if let Err(error) = files.check().await {
        tracing::error!(
            %error,
            next = "Look at files.bucket, its endpoint and key; uploads are refused until it is there.",
            "the place of files cannot be reached"
        );
    }
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
        verify_every_ms: files.verify_days.get() * 24 * HOUR_MS,
        ..FileSettings::default()
    }
}
