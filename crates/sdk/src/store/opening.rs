//! Opens a store: directory, lock, key, settings of the database, schema.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::key::KeySource;
use super::lock::StoreLock;
use super::schema;

/// Where a store lies and what opens it.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// A directory of its own, made with mode 0700 if missing.
    pub directory: PathBuf,
    /// Where its key comes from.
    pub key: KeySource,
}

impl StoreOptions {
    /// A store whose key lies in the file `key` of its directory, made on first use.
    #[must_use]
    pub fn with_key_file(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self { key: KeySource::File(directory.join("key")), directory }
    }
}

/// An open database with its lock. Fields drop in order: the connection closes before the lock is released.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) key_file_made: Option<PathBuf>,
    pub(super) lock: StoreLock,
}

/// Opens or makes the store.
pub(super) fn open(options: &StoreOptions) -> Result<Opened, StoreError> {
    let directory = &options.directory;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| StoreError::io("make the directory", directory, error))?;
    let lock = StoreLock::take(directory)?;
    let path = directory.join("store.db");
    if let KeySource::File(key) = &options.key
        && path.exists()
        && !key.exists()
    {
        // A fresh key could not open it, and would hide that the right one is missing.
        let why = "it is missing, but the store it opens exists: put it back".to_owned();
        return Err(StoreError::KeyFile { path: key.clone(), why });
    }
    let loaded = options.key.load()?;
    let mut connection = connect(&path, &loaded.key)?;
    schema::migrate(&mut connection, &path)?;
    Ok(Opened { connection, key_file_made: loaded.made, lock })
}

/// Whether the database library is ready in this process.
static READY: Mutex<bool> = Mutex::new(false);

/// Waits until the library is ready. It sets itself up at its first use, the encryption last and outside of its own lock
/// (`sqlite3_initialize` of SQLCipher 4.19): whoever opens a database in another thread at that moment is refused every
/// key.
fn wait_for_library() -> Result<(), StoreError> {
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if !*ready {
        drop(Connection::open_in_memory()?);
        *ready = true;
    }
    Ok(())
}

fn connect(path: &Path, key: &[u8; 32]) -> Result<Connection, StoreError> {
    wait_for_library()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let hex = Zeroizing::new(hex::encode(key));
    // A raw key: no derivation from a password, so opening costs nothing.
    let pragma = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()));
    connection.execute_batch(&pragma)?;
    // The key is first used by the first read.
    match connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))
    {
        Ok(_) => {}
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(StoreError::WrongKey(path.to_owned()));
        }
        Err(error) => return Err(error.into()),
    }
    // Numbers and cursors must be on the disk before their effects leave the process.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
