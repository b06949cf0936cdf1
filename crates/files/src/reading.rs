//! The way out of a file: block by block, one ahead of whoever reads.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anser_backend::{BlobError, BlobReader, Boxed};
use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::fs::{Advice, fadvise};
use rustix::io::{pread, retry_on_intr};
use tokio::sync::oneshot;

use crate::READ_BYTES;
use crate::disk::failure;
use crate::lanes::closed;
use crate::store::Shared;

/// A file of which a range is read.
pub(crate) struct Ranged {
    file: File,
    /// What is read next.
    at: u64,
    left: u64,
    /// All of the file.
    pub bytes: u64,
}

impl Ranged {
    /// Opens a file; `None` is all of it.
    pub fn open(path: &Path, range: Option<Range<u64>>) -> Result<Self, BlobError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Unknown,
            _ => failure("opening a file")(error),
        })?;
        let bytes = file.metadata().map_err(failure("opening a file"))?.len();
        let range = within(range, bytes)?;
        let left = range.end - range.start;
        // A hint for reading ahead; a file is read also without.
        fadvise(&file, range.start, NonZeroU64::new(left), Advice::Sequential).ok();
        Ok(Self { file, at: range.start, left, bytes })
    }

    /// Opens all of a file as the disk has it, so far as the system lets go of what it remembers.
    pub fn open_on_disk(path: &Path) -> Result<Self, BlobError> {
        let opened = Self::open(path, None)?;
        opened.forget(0, opened.bytes);
        Ok(opened)
    }

    /// The next block, which is not remembered: looking at everything does not cost others what they read again and again.
    pub fn next_from_disk(&mut self) -> Result<Option<Bytes>, BlobError> {
        let from = self.at;
        let block = self.next()?;
        self.forget(from, self.at - from);
        Ok(block)
    }

    /// A hint; a file is read also without.
    fn forget(&self, from: u64, bytes: u64) {
        if let Some(bytes) = NonZeroU64::new(bytes) {
            fadvise(&self.file, from, Some(bytes), Advice::DontNeed).ok();
        }
    }

    fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let wanted = usize::try_from(self.left).unwrap_or(READ_BYTES).min(READ_BYTES);
        if wanted == 0 {
            return Ok(None);
        }
        let mut block = Vec::with_capacity(wanted);
        while block.len() < wanted {
            // All of it by one call, where the system has it: `read_to_end` makes three.
            let at = self.at + block.len() as u64;
            match retry_on_intr(|| pread(&self.file, spare_capacity(&mut block), at)) {
                Ok(0) => {
                    let lacks = self.left - block.len() as u64;
                    return Err(BlobError::Failed(format!("a file lacks {lacks} bytes")));
                }
                Ok(_) => {}
                Err(error) => return Err(failure("reading a file")(error.into())),
            }
        }
        // There may be more room than was asked for.
        block.truncate(wanted);
        self.at += wanted as u64;
        self.left -= wanted as u64;
        Ok(Some(block.into()))
    }
}

/// The range, which must lie within so many bytes.
pub(crate) fn within(range: Option<Range<u64>>, bytes: u64) -> Result<Range<u64>, BlobError> {
    let range = range.unwrap_or(0..bytes);
    let lies_within = range.start <= range.end && range.end <= bytes;
    if lies_within { Ok(range) } else { Err(BlobError::Outside(bytes)) }
}

type Next = (Ranged, Result<Option<Bytes>, BlobError>);

/// See the module.
pub(crate) struct FileReader {
    shared: Arc<Shared>,
    next: Option<oneshot::Receiver<Next>>,
}

impl FileReader {
    pub fn new(shared: Arc<Shared>, file: Ranged) -> Self {
        let mut reader = Self { shared, next: None };
        reader.read_ahead(file);
        reader
    }

    fn read_ahead(&mut self, mut file: Ranged) {
        self.next = Some(self.shared.lanes.reads.start_work(move || {
            let read = file.next();
            (file, read)
        }));
    }
}

impl BlobReader for FileReader {
    fn read(&mut self) -> Boxed<'_, Result<Option<Bytes>, BlobError>> {
        Box::pin(async move {
            let Some(next) = &mut self.next else { return Ok(None) };
            let (file, read) = next.await.map_err(|_| closed())?;
            self.next = None;
            if matches!(read, Ok(Some(_))) && file.left > 0 {
                self.read_ahead(file);
            }
            read
        })
    }
}
