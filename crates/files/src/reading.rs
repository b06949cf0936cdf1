//! The way out of a file: block by block, one ahead of whoever reads.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anser_backend::{BlobError, BlobReader, Boxed};
use bytes::Bytes;
use rustix::fs::{Advice, fadvise};
use tokio::sync::oneshot;

use crate::READ_BYTES;
use crate::disk::failure;
use crate::lanes::closed;
use crate::store::Shared;

/// A file of which a range is read.
pub(crate) struct Ranged {
    file: File,
    left: u64,
    /// All of the file.
    pub bytes: u64,
}

impl Ranged {
    /// Opens a file; `None` is all of it.
    pub fn open(path: &Path, range: Option<Range<u64>>) -> Result<Self, BlobError> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Unknown,
            _ => failure("opening a file")(error),
        })?;
        let bytes = file.metadata().map_err(failure("opening a file"))?.len();
        let range = within(range, bytes)?;
        let left = range.end - range.start;
        // A hint for reading ahead; a file is read also without.
        fadvise(&file, range.start, NonZeroU64::new(left), Advice::Sequential).ok();
        file.seek(SeekFrom::Start(range.start)).map_err(failure("opening a file"))?;
        Ok(Self { file, left, bytes })
    }

    fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let wanted = self.left.min(READ_BYTES as u64);
        if wanted == 0 {
            return Ok(None);
        }
        let mut block = Vec::with_capacity(usize::try_from(wanted).unwrap_or(READ_BYTES));
        let read = (&mut self.file).take(wanted).read_to_end(&mut block);
        let read = read.map_err(failure("reading a file"))? as u64;
        if read < wanted {
            return Err(BlobError::Failed(format!("a file lacks {} bytes", self.left - read)));
        }
        self.left -= read;
        Ok(Some(block.into()))
    }
}

/// The range, which must lie within so many bytes.
pub(crate) fn within(range: Option<Range<u64>>, bytes: u64) -> Result<Range<u64>, BlobError> {
    let range = range.unwrap_or(0..bytes);
    if range.start > range.end || range.end > bytes {
        let Range { start, end } = range;
        return Err(BlobError::Failed(format!("bytes {start} to {end} do not lie in {bytes}")));
    }
    Ok(range)
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
