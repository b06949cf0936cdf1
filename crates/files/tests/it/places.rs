//! A directory with a store in it, and what tests do to both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anser_files::{Disk, FileStore, Keep, Settings, SystemDisk};
use anser_types::Sha256;
use tempfile::TempDir;

/// A directory that goes with it.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn spool(&self) -> PathBuf {
        self.0.path().join("spool")
    }

    pub fn files(&self) -> PathBuf {
        self.0.path().join("files")
    }

    /// Where the bytes with this hash are kept.
    pub fn kept(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.files().join(&name[..2]).join(&name[2..4]).join(name)
    }

    pub fn settings(&self) -> Settings {
        Settings {
            spool: self.spool(),
            keep: Keep::Directory(self.files()),
            workers: 2,
            on_worker_start: || {},
            min_free_bytes: 0,
        }
    }

    pub fn open(&self) -> FileStore {
        self.open_on(SystemDisk)
    }

    pub fn open_on(&self, disk: impl Disk + 'static) -> FileStore {
        FileStore::open_on(&self.settings(), Arc::new(disk)).unwrap()
    }

    /// Where something of another place stands in this one.
    pub fn same(&self, of: &Self, path: &Path) -> PathBuf {
        self.0.path().join(path.strip_prefix(of.0.path()).unwrap())
    }

    /// Everything as a kill would leave it now.
    pub fn image(&self) -> Self {
        let image = Self::new();
        copy(self.0.path(), image.0.path());
        image
    }
}

/// Copies a directory with everything in it. Notes come first: what they speak of only grows meanwhile.
fn copy(from: &Path, to: &Path) {
    let mut entries: Vec<_> = std::fs::read_dir(from).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(|entry| entry.path().extension().is_none_or(|kind| kind != "note"));
    for entry in entries {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}
