//! Reading the log at open: everything that was accepted, or an exact account of what is damaged.

use std::io;

use super::marks::MarkError;
use super::record::{self, Salt};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, first_commit, name_of, ordinal_of};
use crate::disk::Disk;

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Accepted commits cannot be read.
    #[error(
        "commits {from} to {to} of the commit log cannot be read ({} acknowledged commits are concerned); \
         copy the data directory before anything else, then restore a backup", to - from + 1
    )]
    Lost {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// A small file of the log is damaged.
    #[error("{0}; copy the data directory before anything else, then restore a backup")]
    Mark(&'static str),
    /// The tables lack commits that had reached them.
    #[error(
        "the tables end at commit {applied} although they held everything up to {checkpoint} \
         ({} acknowledged commits are concerned); \
         copy the data directory before anything else, then restore a backup", checkpoint - applied
    )]
    Tables {
        /// What they hold.
        applied: u64,
        /// What they held.
        checkpoint: u64,
    },
    /// A record or row is whole but makes no sense.
    #[error("{0}; copy the data directory before anything else, then restore a backup")]
    Nonsense(String),
    /// Reading failed.
    #[error("reading the store failed: {0}")]
    Io(#[from] io::Error),
}

impl From<MarkError> for Damage {
    fn from(error: MarkError) -> Self {
        match error {
            MarkError::Damaged("checkpoint") => {
                Self::Mark("the file 'checkpoint' of the commit log is damaged")
            }
            MarkError::Damaged(_) => Self::Mark("the file 'durable' of the commit log is damaged"),
            MarkError::Io(error) => Self::Io(error),
        }
    }
}

/// A segment as found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its place among all segments.
    pub ordinal: u64,
    /// The number of its first record.
    pub first_commit: u64,
}

/// What a log holds.
#[derive(Debug)]
pub struct Recovered {
    /// The last accepted commit.
    pub last: u64,
    /// Segments with records, oldest first.
    pub segments: Vec<Found>,
    /// The last segment and the offset behind its last record; `None` if a new segment must be begun.
    pub open: Option<(Segment, u64)>,
    /// The next segment's ordinal.
    pub next_ordinal: u64,
}

/// Reads the log, giving each commit behind `checkpoint` in order to `replay`. `durable` is the last commit known to
/// have been accepted. A torn tail is wiped so that its bytes can never be taken for records later.
///
/// The last record alone may have been written without having reached the disk: the process was killed before its
/// fdatasync, or that failed, after which the system shows the bytes and never writes them. So it is written once more
/// and synced before anything is built on it.
pub fn recover(
    disk: &dyn Disk,
    salt: Salt,
    checkpoint: u64,
    durable: u64,
    mut replay: impl FnMut(u64, &[u8]) -> Result<(), Damage>,
) -> Result<Recovered, Damage> {
    let mut ordinals: Vec<u64> = disk.list()?.iter().filter_map(|name| ordinal_of(name)).collect();
    ordinals.sort_unstable();
    let mut scan =
        Scan { salt, checkpoint, next: None, segments: Vec::new(), tail: None, doubtful: None };
    let mut later = None;
    let mut unread = Vec::new();
    for &ordinal in &ordinals {
        let bytes = disk.read(&name_of(ordinal))?.unwrap_or_default();
        if !unread.is_empty() || !scan.segment(ordinal, &bytes, &mut replay)? {
            // Once reading has stopped, any whole record proves that what lies before it was accepted; and so does the
            // beginning of a segment, which is written only when everything before it is durable.
            let before = first_commit(ordinal, &bytes).map(|first| first.saturating_sub(1));
            later = later.max(record::highest_in(salt, &bytes)).max(before);
            unread.push(ordinal);
        }
    }
    later = later.max(scan.tail.as_ref().and_then(|tail| record::highest_in(salt, &tail.rest)));
    let next = scan.next.unwrap_or(1);
    let known = later.unwrap_or(0).max(durable).max(checkpoint);
    if known >= next {
        return Err(Damage::Lost { from: next, to: known });
    }
    let open = scan.tail.map(|tail| tail.settle(disk)).transpose()?;
    if let Some((commit_no, payload)) = scan.doubtful {
        replay(commit_no, &payload)?;
    }
    for ordinal in unread {
        disk.remove(&name_of(ordinal))?;
    }
    let next_ordinal = ordinals.last().map_or(1, |last| last + 1);
    Ok(Recovered { last: next - 1, segments: scan.segments, open, next_ordinal })
}

struct Scan {
    salt: Salt,
    checkpoint: u64,
    /// The next commit's number, once a segment was read.
    next: Option<u64>,
    segments: Vec<Found>,
    tail: Option<Tail>,
    /// The last record so far, which is replayed only when it is known to be on the disk.
    doubtful: Option<(u64, Vec<u8>)>,
}

impl Scan {
    /// Reads one segment; `false` if it does not go on where the one before it ended.
    fn segment(
        &mut self,
        ordinal: u64,
        bytes: &[u8],
        replay: &mut impl FnMut(u64, &[u8]) -> Result<(), Damage>,
    ) -> Result<bool, Damage> {
        let Some(first) = first_commit(ordinal, bytes) else { return Ok(false) };
        if first != self.next.unwrap_or(first) || first > self.checkpoint + 1 && self.next.is_none()
        {
            return Ok(false);
        }
        let mut next = first;
        let mut at = SEGMENT_HEADER_BYTES;
        let mut last = at;
        while let Some(record) = record::read(self.salt, &bytes[at..]) {
            if record.commit_no != next {
                break;
            }
            if next > self.checkpoint {
                let read = (next, record.payload.to_vec());
                if let Some((earlier, payload)) = self.doubtful.replace(read) {
                    replay(earlier, &payload)?;
                }
            }
            // A segment's first record was written together with its header.
            last = if next == first { 0 } else { at };
            next += 1;
            at += record.stored;
        }
        self.next = Some(next);
        self.segments.push(Found { ordinal, first_commit: first });
        let (last, rest) = (bytes[last..at].to_vec(), bytes[at..].to_vec());
        self.tail = Some(Tail { ordinal, last, end: at as u64, rest });
        Ok(true)
    }
}

/// The end of the last readable segment.
struct Tail {
    ordinal: u64,
    /// The last readable record as it stands there; empty if there is none.
    last: Vec<u8>,
    /// Where it ends.
    end: u64,
    /// What lies behind it.
    rest: Vec<u8>,
}

impl Tail {
    /// Makes the last record durable, and wipes what lies behind it.
    fn settle(self, disk: &dyn Disk) -> io::Result<(Segment, u64)> {
        let mut file = disk.open(&name_of(self.ordinal))?;
        file.write_at(self.end - self.last.len() as u64, &self.last)?;
        if self.rest.iter().any(|byte| *byte != 0) {
            file.write_at(self.end, &vec![0; self.rest.len()])?;
        }
        file.sync()?;
        let capacity = self.end + self.rest.len() as u64;
        Ok((Segment { ordinal: self.ordinal, file, capacity }, self.end))
    }
}
