//! Complete bytes in a local directory: each file is there whole, under its hash, or not at all.

use std::fs::{File, metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anser_backend::{BlobError, Variant};
use anser_types::{Sha256, ThumbnailSize};

use super::{is_whole, name, name_aside};
use crate::disk::{Disk, failure, make_directory, private, remove_if_there, room_for};
use crate::reading::Ranged;
use crate::upload::Kept;

/// The directory.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    handle: File,
    disk: Arc<dyn Disk>,
    min_free_bytes: u64,
}

impl Directory {
    pub fn open(path: &Path, disk: Arc<dyn Disk>, min_free_bytes: u64) -> io::Result<Self> {
        make_directory(path)?;
        let (path, handle) = (path.to_owned(), File::open(path)?);
        Ok(Self { path, handle, disk, min_free_bytes })
    }

    pub fn path_of(&self, sha256: Sha256, variant: Variant) -> PathBuf {
        self.path.join(name(sha256, variant))
    }

    /// Keeps the files of an upload. The whole file comes last: where it is, its smaller pictures are.
    pub fn keep(&self, sha256: Sha256, kept: &Kept) -> Result<(), BlobError> {
        let whole = self.path_of(sha256, Variant::Whole);
        let parent = self.make_parents(&whole).map_err(failure("making a directory for files"))?;
        for (size, thumbnail) in &kept.thumbnails {
            let to = self.path_of(sha256, Variant::Thumbnail(*size));
            // Named by the hash of the whole file: one that was made at another time may differ, and is as good.
            if !to.try_exists().map_err(failure("looking for a smaller picture"))? {
                let about = metadata(thumbnail).map_err(failure("reading a smaller picture"))?;
                self.put(thumbnail, about.len(), &to)?;
            }
        }
        let there = metadata(&kept.whole).map_err(failure("reading an upload"))?.len();
        is_whole(there, kept.bytes)?;
        self.put_whole(&kept.whole, kept.bytes, &whole)?;
        // Also if everything was there: whoever put it there may have died before this.
        self.disk.sync_names(&parent).map_err(failure("keeping a file"))
    }

    /// Opens the directory above a file, making it and those above it, durably.
    fn make_parents(&self, path: &Path) -> io::Result<File> {
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        match File::open(parent) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        make_directory(parent)?;
        if let Some(above) = parent.parent() {
            self.disk.sync_names(&File::open(above)?)?;
        }
        self.disk.sync_names(&self.handle)?;
        File::open(parent)
    }

    /// Puts the whole file in its place, unless it is there.
    fn put_whole(&self, from: &Path, bytes: u64, to: &Path) -> Result<(), BlobError> {
        match metadata(to) {
            Ok(there) if there.len() == bytes => Ok(()),
            Ok(there) => {
                let there = there.len();
                // These bytes have just been compared with the hash; those cannot have it.
                tracing::error!(path = %to.display(), there, bytes, "a kept file was damaged; it is replaced");
                self.copy(from, bytes, to)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.put(from, bytes, to),
            Err(error) => Err(failure("looking for a kept file")(error)),
        }
    }

    /// Gives a durable file its second name; across file systems, or where there are no second names, a copy.
    fn put(&self, from: &Path, bytes: u64, to: &Path) -> Result<(), BlobError> {
        match std::fs::hard_link(from, to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::Unknown),
            Err(_) => self.copy(from, bytes, to),
        }
    }

    fn copy(&self, from: &Path, bytes: u64, to: &Path) -> Result<(), BlobError> {
        room_for(&*self.disk, &self.handle, bytes, self.min_free_bytes)?;
        let mut fresh = to.as_os_str().to_owned();
        fresh.push(".new");
        let copied = File::open(from).and_then(|mut from| {
            let mut into = private().create(true).truncate(true).open(&fresh)?;
            let copied = io::copy(&mut from, &mut into)?;
            if copied != bytes {
                return Err(io::Error::other(format!("{copied} of {bytes} bytes")));
            }
            self.disk.sync(&into)?;
            std::fs::rename(&fresh, to)
        });
        copied.map_err(|error| {
            if let Err(error) = remove_if_there(Path::new(&fresh)) {
                tracing::warn!(path = %to.display(), %error, "half a copy of a file stays");
            }
            failure("copying a file to where it is kept")(error)
        })
    }

    /// Opens a kept file.
    pub fn open_file(
        &self,
        sha256: Sha256,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Result<Ranged, BlobError> {
        Ranged::open(&self.path_of(sha256, variant), range)
    }

    /// Gives a damaged file another name, over one that has it already.
    pub fn set_aside(&self, sha256: Sha256) -> Result<(), BlobError> {
        let set_aside = || {
            let whole = self.path_of(sha256, Variant::Whole);
            let Some(parent) = parent_of(&whole)? else { return Ok(()) };
            match std::fs::rename(&whole, self.path.join(name_aside(sha256))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.disk.sync_names(&parent)
        };
        set_aside().map_err(failure("setting a damaged file aside"))
    }

    /// Removes a file with its smaller pictures; the whole file goes first.
    pub fn remove(&self, sha256: Sha256) -> Result<(), BlobError> {
        let whole = self.path_of(sha256, Variant::Whole);
        let parent = parent_of(&whole).map_err(failure("removing a file"))?;
        let Some(parent) = parent else { return Ok(()) };
        let thumbnails = ThumbnailSize::ALL.map(Variant::Thumbnail);
        for variant in [Variant::Whole].into_iter().chain(thumbnails) {
            let path = self.path_of(sha256, variant);
            remove_if_there(&path).map_err(failure("removing a file"))?;
            let mut half = path.into_os_string();
            half.push(".new");
            remove_if_there(Path::new(&half)).map_err(failure("removing a file"))?;
        }
        let aside = self.path.join(name_aside(sha256));
        remove_if_there(&aside).map_err(failure("removing a file"))?;
        self.disk.sync_names(&parent).map_err(failure("removing a file"))
    }
}

/// The directory above a file, unless it is not there either.
fn parent_of(path: &Path) -> io::Result<Option<File>> {
    match path.parent().map(File::open) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Some(Ok(parent)) => Ok(Some(parent)),
        _ => Ok(None),
    }
}
