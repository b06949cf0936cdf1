//! The server's data directory: where it is, what it holds, and how files get into it whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anser_types::ErrorCode;
use rustix::fs::{FlockOperation, flock};

use crate::failure::Failure;

/// A data directory by path; it need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// This directory.
    #[must_use]
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The directory that was asked for, else the environment's, else the user's default place.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when nothing names a place.
    pub fn find(
        asked: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        asked
            .or_else(|| set("ANSER_DATA_DIR"))
            .or_else(|| Some(set("XDG_DATA_HOME")?.join("anser/server")))
            .or_else(|| Some(set("HOME")?.join(".local/share/anser/server")))
            .map(Self::new)
            .ok_or_else(|| {
                Failure::new(ErrorCode::ConfigInvalid, "there is no home directory to keep data in")
                    .next("Name a directory with --data-dir.")
            })
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.root.join("anser.toml")
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Where the running server tells commands on this machine how to reach it.
    #[must_use]
    pub fn announcement(&self) -> PathBuf {
        self.root.join("server.json")
    }

    /// The secret with which QUIC clients are told that this server's process is another one.
    #[must_use]
    pub fn quic_key(&self) -> PathBuf {
        self.root.join("quic-key")
    }

    /// A file named in the configuration: relative names lie in this directory.
    #[must_use]
    pub fn resolve(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Makes the directory for its owner alone, if it does not exist. Returns whether it was made.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(&self) -> io::Result<bool> {
        if self.root.is_dir() {
            return Ok(false);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        Ok(true)
    }

    /// Keeps other first starts out of this directory until the value is dropped.
    ///
    /// # Errors
    /// What the file system says.
    pub fn lock_for_setup(&self) -> io::Result<SetupLock> {
        let directory = File::open(&self.root)?;
        flock(&directory, FlockOperation::LockExclusive)?;
        Ok(SetupLock { _directory: directory })
    }
}

/// Held while the files of a first start are made; see [`DataDir::lock_for_setup`].
#[derive(Debug)]
#[must_use = "the lock ends when it is dropped"]
pub struct SetupLock {
    _directory: File,
}

/// Rights of files that hold secrets.
pub const SECRET: u32 = 0o600;
/// Rights of files that others on the machine may read, as far as the directory lets them.
pub const OPEN: u32 = 0o644;

/// Writes a file so that it is there whole or not at all, also after a crash; an older one is replaced.
///
/// # Errors
/// What the file system says.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    // A leftover of a crash may have other rights: begin anew so that the mode below holds.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
