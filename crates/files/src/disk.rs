//! The disk as files see it: the calls at which it may say no, so that tests can fill it, fail an fsync or let a write
//! wait; and the real one.

use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use anser_backend::BlobError;

/// Where bytes are written and made durable.
pub trait Disk: Send + Sync + Debug {
    /// Writes all bytes at an offset. Durable only after [`Disk::sync`].
    ///
    /// # Errors
    /// Whatever the system says; what was written is in doubt.
    fn write_at(&self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything that was written to a file durable, so far as it is needed to read it again.
    ///
    /// # Errors
    /// Whatever the system says; what was written since the last success is in doubt for ever.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// See above.
    fn sync_names(&self, directory: &File) -> io::Result<()>;

    /// Bytes that may still be written where this file is.
    ///
    /// # Errors
    /// Whatever the system says.
    fn free_bytes(&self, file: &File) -> io::Result<u64>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn write_at(&self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_names(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }

    fn free_bytes(&self, file: &File) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(file)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Says in the words of the port what the system said.
pub(crate) fn failure(doing: &str) -> impl FnOnce(io::Error) -> BlobError + '_ {
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            BlobError::Full(format!("{doing}: {error}"))
        }
        _ => BlobError::Failed(format!("{doing}: {error}")),
    }
}

/// Refuses to write `more` bytes where less than `spare` would be left.
pub(crate) fn room_for(
    disk: &dyn Disk,
    file: &File,
    more: u64,
    spare: u64,
) -> Result<(), BlobError> {
    let free = disk.free_bytes(file).map_err(failure("asking for free space"))?;
    if free < spare.saturating_add(more) {
        return Err(BlobError::Full(format!("{free} bytes are free, {spare} must stay free")));
    }
    Ok(())
}

/// Makes a directory, and those above it, that only its owner sees; one that is there stays as it is.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// How a file is opened that only its owner sees.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Removes a file; one that is not there is removed already.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
