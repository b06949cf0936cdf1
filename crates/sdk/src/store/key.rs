//! The key that encrypts a store: given by the app (from its platform's keyring), or kept in a file that only its
//! owner can read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::StoreError;

/// Where a store's key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// The app keeps the 32 bytes itself, best in the platform's keyring.
    Given(Zeroizing<[u8; 32]>),
    /// A file of mode 0600, made with a random key on first use. Protects copies of the database, not against
    /// somebody who can read the user's files; that is said in the log when the file is made.
    File(PathBuf),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => f.write_str("KeySource::Given"),
            Self::File(path) => f.debug_tuple("KeySource::File").field(path).finish(),
        }
    }
}

/// A key and whether it was made just now.
pub(super) struct LoadedKey {
    pub(super) key: Zeroizing<[u8; 32]>,
    /// Set when a key file was made: the app should tell its user where it lies.
    pub(super) made: Option<PathBuf>,
}

impl KeySource {
    /// Reads the key, or makes the key file.
    pub(super) fn load(&self) -> Result<LoadedKey, StoreError> {
        match self {
            Self::Given(key) => Ok(LoadedKey { key: key.clone(), made: None }),
            Self::File(path) => match read_key_file(path) {
                Ok(Some(key)) => Ok(LoadedKey { key, made: None }),
                Ok(None) => {
                    let key = make_key_file(path)?;
                    tracing::warn!(
                        path = %path.display(),
                        "made a key file for the local store: whoever can read it can read the messages"
                    );
                    Ok(LoadedKey { key, made: Some(path.clone()) })
                }
                Err(error) => Err(error),
            },
        }
    }
}

fn read_key_file(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, StoreError> {
    let io = |error| StoreError::io("read the key file", path, error);
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mode = file.metadata().map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(StoreError::KeyFile {
            path: path.to_owned(),
            why: format!("others can read it (mode {:03o}): run chmod 600", mode & 0o777),
        });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(io)?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| StoreError::KeyFile {
        path: path.to_owned(),
        why: "it does not hold 64 hexadecimal digits".to_owned(),
    })?;
    Ok(Some(key))
}

fn make_key_file(path: &Path) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let io = |error| StoreError::io("make the key file", path, error);
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|error| StoreError::KeyFile {
        path: path.to_owned(),
        why: format!("no randomness from the operating system: {error}"),
    })?;
    let text = Zeroizing::new(hex::encode(key.as_slice()) + "\n");
    // Written whole under another name first: a kill in between never leaves half a key beside a store.
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    std::fs::rename(&draft, path).map_err(io)?;
    if let Some(directory) = path.parent() {
        std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
    }
    Ok(key)
}
