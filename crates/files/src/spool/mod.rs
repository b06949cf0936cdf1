//! The directory of uploads on their way: which files belong to one, and what is found when it is opened.
//!
//! `<id>.bytes` is what has arrived, `<id>.note` what is known of it; the note is the truth. Whatever else belongs to an
//! upload was made from these two and is made again when it is missing.

pub(crate) mod note;
mod survey;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anser_backend::{BlobError, Upload};
use anser_types::{FileId, ThumbnailSize};

use crate::disk::{Disk, failure, make_directory, private, remove_if_there, room_for};
use note::Progress;

/// Taken by the process that uses the spool.
const LOCK: &str = "lock";
/// Where garbage goes.
const ASIDE: &str = "aside";

/// The directory.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    directory: File,
    pub disk: Arc<dyn Disk>,
    /// So many bytes stay free.
    pub min_free_bytes: u64,
    /// Held until the spool is closed.
    lock: File,
}

impl Spool {
    /// Opens the directory, which nobody else may use, and tells what is in it.
    ///
    /// # Errors
    /// Whatever the system says of the directory itself; what stands in it makes no error.
    pub fn open(
        path: &Path,
        disk: Arc<dyn Disk>,
        min_free_bytes: u64,
    ) -> io::Result<(Self, Vec<(Upload, Progress)>)> {
        make_directory(path)?;
        let lock = private().create(true).truncate(false).open(path.join(LOCK))?;
        lock.try_lock().map_err(|error| {
            io::Error::other(format!("another process uses {}: {error}", path.display()))
        })?;
        let directory = File::open(path)?;
        let path = path.to_owned();
        let spool = Self { path, directory, disk, min_free_bytes, lock };
        let found = spool.survey()?;
        Ok((spool, found))
    }

    /// Lets another process use the directory.
    pub fn unlock(&self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the spool stays locked until this process ends");
        }
    }

    /// What has arrived of an upload.
    pub fn bytes_of(&self, id: FileId) -> PathBuf {
        self.path.join(format!("{id}.bytes"))
    }

    /// What is known of it.
    pub fn note_of(&self, id: FileId) -> PathBuf {
        self.path.join(format!("{id}.note"))
    }

    /// What will be known of it, while that is written for the first time.
    fn new_of(&self, id: FileId) -> PathBuf {
        self.path.join(format!("{id}.new"))
    }

    /// Its picture without what it told beside its pixels.
    pub fn clean_of(&self, id: FileId) -> PathBuf {
        self.path.join(format!("{id}.clean"))
    }

    /// Its picture in a smaller size.
    pub fn thumbnail_of(&self, id: FileId, size: ThumbnailSize) -> PathBuf {
        self.path.join(format!("{id}.{}", size.name()))
    }

    /// Refuses `more` bytes if too little would stay free.
    pub fn room_for(&self, more: u64) -> Result<(), BlobError> {
        room_for(&*self.disk, &self.directory, more, self.min_free_bytes)
    }

    /// Notes an upload with no bytes, durably.
    pub fn begin(&self, upload: &Upload) -> Result<Progress, BlobError> {
        self.room_for(upload.length.unwrap_or_default())?;
        let Some(note) = note::first(upload) else {
            return Err(BlobError::Failed("the name of the upload is too long".into()));
        };
        let id = upload.id;
        // Whoever makes this file owns the name; without a note it is nothing.
        match private().create_new(true).open(self.bytes_of(id)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BlobError::Failed("an upload of this name is there already".into()));
            }
            Err(error) => return Err(failure("beginning an upload")(error)),
        }
        self.write_note(id, &note).map_err(|error| {
            if let Err(error) = self.forget(id) {
                tracing::warn!(%id, %error, "an upload that did not begin left files behind");
            }
            failure("beginning an upload")(error)
        })?;
        Ok(Progress::first(upload))
    }

    fn write_note(&self, id: FileId, note: &[u8]) -> io::Result<()> {
        let fresh = self.new_of(id);
        let mut file = private().create(true).truncate(true).open(&fresh)?;
        file.write_all(note)?;
        self.disk.sync(&file)?;
        std::fs::rename(&fresh, self.note_of(id))?;
        self.disk.sync_names(&self.directory)
    }

    /// Notes how far an upload is: in place, durably.
    pub fn note(&self, id: FileId, progress: &Progress) -> Result<(), NoteError> {
        let (at, slot) = progress.slot();
        let file = private().open(self.note_of(id)).map_err(NoteError::Unwritten)?;
        self.disk.write_at(&file, at, &slot).map_err(NoteError::Unwritten)?;
        self.disk.sync(&file).map_err(NoteError::Unsynced)
    }

    /// Removes everything of an upload, durably: without its note the rest is nothing.
    pub fn forget(&self, id: FileId) -> io::Result<()> {
        remove_if_there(&self.note_of(id))?;
        self.disk.sync_names(&self.directory)?;
        remove_if_there(&self.new_of(id))?;
        remove_if_there(&self.bytes_of(id))?;
        remove_if_there(&self.clean_of(id))?;
        for size in ThumbnailSize::ALL {
            remove_if_there(&self.thumbnail_of(id, size))?;
        }
        Ok(())
    }
}

/// Why progress was not noted.
#[derive(Debug)]
pub(crate) enum NoteError {
    /// The older note stands.
    Unwritten(io::Error),
    /// Nobody knows which note stands.
    Unsynced(io::Error),
}
