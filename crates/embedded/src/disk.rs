//! The disk as the commit log sees it: a small trait, so that tests can fail an fsync, cut a write or lose what was
//! not synced; and the real one.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One file of the log.
pub trait LogFile: Send + Debug {
    /// Writes all bytes at an offset. Durable only after [`LogFile::sync`].
    ///
    /// # Errors
    /// Whatever the system says; what was written is in doubt.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written so far durable (fdatasync).
    ///
    /// # Errors
    /// Whatever the system says; what was written since the last success is in doubt for ever.
    fn sync(&mut self) -> io::Result<()>;
}

/// The directory that holds the log.
pub trait Disk: Send + Sync + Debug {
    /// Makes a file of `bytes` zeros, allocated and durable, its name too.
    ///
    /// # Errors
    /// Whatever the system says, here and below; [`io::ErrorKind::StorageFull`] leaves nothing behind.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn LogFile>>;

    /// Opens an existing file for writing.
    ///
    /// # Errors
    /// See above.
    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>>;

    /// A file's content, `None` if there is no such file.
    ///
    /// # Errors
    /// See above.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Replaces a small file as a whole: after a crash it has either the old or the new content.
    ///
    /// # Errors
    /// See above.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// See above.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files.
    ///
    /// # Errors
    /// See above.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Bytes that may still be written.
    ///
    /// # Errors
    /// See above.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// A directory of the file system.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    handle: File,
}

impl Directory {
    /// Opens a directory, making it if needed.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned(), handle: File::open(path)? })
    }

    fn write_new(&self, name: &str, bytes: u64) -> io::Result<File> {
        static BLOCK: [u8; 64 * 1024] = [0; 64 * 1024];
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.path.join(name))?;
        // Real zeros rather than a reservation: later writes then alter no metadata, and fdatasync stays short.
        let mut written = 0;
        while written < bytes {
            let len = (bytes - written).min(BLOCK.len() as u64);
            file.write_all_at(&BLOCK[..usize::try_from(len).unwrap_or(BLOCK.len())], written)?;
            written += len;
        }
        file.sync_all()?;
        self.handle.sync_all()?;
        Ok(file)
    }
}

impl LogFile for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Disk for Directory {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn LogFile>> {
        match self.write_new(name, bytes) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => {
                if error.kind() == io::ErrorKind::StorageFull {
                    std::fs::remove_file(self.path.join(name))?;
                }
                Err(error)
            }
        }
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(self.path.join(name))?))
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.path.join(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let fresh = self.path.join(format!("{name}.new"));
        let file = File::create(&fresh)?;
        file.write_all_at(content, 0)?;
        file.sync_all()?;
        std::fs::rename(&fresh, self.path.join(name))?;
        self.handle.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.handle)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
