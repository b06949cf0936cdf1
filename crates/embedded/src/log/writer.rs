//! Appending to the log: one write, one fdatasync, then the commit is durable.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::record::{self, Salt};
use super::recovery::{Found, Recovered};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentFactory, header, name_of};
use crate::disk::Disk;

/// Why a commit was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no space for another segment; nothing was written.
    #[error("no space for the commit log")]
    Full,
    /// A write or fdatasync failed; the commit is in doubt.
    #[error("writing the commit log failed: {0}")]
    Failed(#[from] io::Error),
}

/// A commit as it stands in the log.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Header, payload, padding.
    pub bytes: Bytes,
    /// Where the payload ends.
    pub end: usize,
}

/// The log, open for appending.
#[derive(Debug)]
pub struct CommitLog {
    disk: Arc<dyn Disk>,
    salt: Salt,
    factory: SegmentFactory,
    current: Option<(Segment, u64)>,
    /// All segments with records, oldest first, the current one last.
    segments: VecDeque<Found>,
    next_ordinal: u64,
    last: u64,
}

impl CommitLog {
    /// Goes on where recovery ended.
    pub fn resume(
        disk: Arc<dyn Disk>,
        salt: Salt,
        segment_bytes: u64,
        recovered: Recovered,
    ) -> Self {
        Self {
            factory: SegmentFactory::new(Arc::clone(&disk), segment_bytes),
            disk,
            salt,
            current: recovered.open,
            segments: recovered.segments.into(),
            next_ordinal: recovered.next_ordinal,
            last: recovered.last,
        }
    }

    /// The last commit's number.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Appends a commit whose buffer begins with [`record::HEADER_BYTES`] reserved bytes, and makes it durable.
    pub fn append(&mut self, mut buffer: Vec<u8>) -> Result<Sealed, AppendError> {
        let end = buffer.len();
        let commit_no = self.last + 1;
        record::seal(self.salt, &mut buffer, commit_no);
        let stored = buffer.len() as u64;
        match &mut self.current {
            Some((segment, at)) if *at + stored <= segment.capacity => {
                segment.file.write_at(*at, &buffer)?;
                segment.file.sync()?;
                *at += stored;
            }
            _ => self.begin_segment(commit_no, &buffer)?,
        }
        self.last = commit_no;
        if let Some((segment, at)) = &self.current
            && *at >= segment.capacity / 2
        {
            self.factory.prepare(self.next_ordinal);
        }
        Ok(Sealed { bytes: buffer.into(), end })
    }

    fn begin_segment(&mut self, commit_no: u64, buffer: &[u8]) -> Result<(), AppendError> {
        let stored = buffer.len() as u64;
        let needed = SEGMENT_HEADER_BYTES as u64 + stored;
        let mut segment = match self.factory.take(self.next_ordinal, needed) {
            Ok(segment) => segment,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                return Err(AppendError::Full);
            }
            Err(error) => return Err(AppendError::Failed(error)),
        };
        let mut first = header(segment.ordinal, commit_no).to_vec();
        first.extend_from_slice(buffer);
        segment.file.write_at(0, &first)?;
        segment.file.sync()?;
        self.segments.push_back(Found { ordinal: segment.ordinal, first_commit: commit_no });
        self.next_ordinal = segment.ordinal + 1;
        self.current = Some((segment, first.len() as u64));
        Ok(())
    }

    /// Removes segments that hold only commits up to a checkpoint; never the current one.
    pub fn remove_up_to(&mut self, checkpoint: u64) -> io::Result<()> {
        while self.segments.get(1).is_some_and(|second| second.first_commit <= checkpoint + 1) {
            if let Some(done) = self.segments.pop_front() {
                self.disk.remove(&name_of(done.ordinal))?;
            }
        }
        Ok(())
    }
}
