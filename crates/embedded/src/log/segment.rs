//! Segments: preallocated files that are filled one after the other, and the thread that prepares the next one.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, LogFile};

/// Bytes of a segment's own header.
pub const SEGMENT_HEADER_BYTES: usize = 32;
const MAGIC: &[u8; 8] = b"anserlog";
const FORMAT: u32 = 1;
/// Bytes of the first segment of a store.
const FIRST_BYTES: u64 = 1 << 20;
const PREFIX: &str = "segment-";

/// The file name of the `n`-th segment.
pub fn name_of(ordinal: u64) -> String {
    format!("{PREFIX}{ordinal:016x}")
}

/// The ordinal of a segment with this file name.
pub fn ordinal_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    if digits.len() == 16 { u64::from_str_radix(digits, 16).ok() } else { None }
}

/// Whether anything was ever begun to be logged here.
pub fn has_segments(disk: &dyn Disk) -> io::Result<bool> {
    Ok(disk.list()?.iter().any(|name| ordinal_of(name).is_some()))
}

/// The header of a segment whose first record has this number.
pub fn header(ordinal: u64, first_commit: u64) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[12..20].copy_from_slice(&ordinal.to_le_bytes());
    header[20..28].copy_from_slice(&first_commit.to_le_bytes());
    let checksum = crc32c::crc32c(&header[..28]);
    header[28..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The first commit of the segment that begins with these bytes, if its header is whole.
pub fn first_commit(ordinal: u64, bytes: &[u8]) -> Option<u64> {
    let found: &[u8; SEGMENT_HEADER_BYTES] = bytes.first_chunk()?;
    let first = u64::from_le_bytes(*found[20..28].first_chunk()?);
    (header(ordinal, first) == *found).then_some(first)
}

/// A segment that can be written.
#[derive(Debug)]
pub struct Segment {
    /// Its place among all segments.
    pub ordinal: u64,
    /// Its file.
    pub file: Box<dyn LogFile>,
    /// Its size.
    pub capacity: u64,
}

/// Makes segments, normally one ahead of need on a thread of its own: allocating takes far longer than a commit.
#[derive(Debug)]
pub struct SegmentFactory {
    disk: Arc<dyn Disk>,
    capacity: u64,
    pending: Option<std::thread::JoinHandle<io::Result<Segment>>>,
}

impl SegmentFactory {
    /// Makes segments of this size, after a few smaller ones.
    pub fn new(disk: Arc<dyn Disk>, capacity: u64) -> Self {
        Self { disk, capacity, pending: None }
    }

    /// The size of the `ordinal`-th segment: 1 MiB, then twice as much each time, so that a small store stays small
    /// and is made in no time.
    fn capacity_of(&self, ordinal: u64) -> u64 {
        let doublings = ordinal.saturating_sub(1).min(20);
        self.capacity.min(FIRST_BYTES << doublings)
    }

    /// Begins to make a segment that will be taken later.
    pub fn prepare(&mut self, ordinal: u64) {
        if self.pending.is_none() {
            let (disk, capacity) = (Arc::clone(&self.disk), self.capacity_of(ordinal));
            let thread = std::thread::Builder::new().name("anser-segment".into());
            // Without a thread the segment is made when it is needed.
            self.pending = thread.spawn(move || create(&*disk, ordinal, capacity)).ok();
        }
    }

    /// The segment with this ordinal, with room for at least `needed` bytes; waits for it if need be.
    pub fn take(&mut self, ordinal: u64, needed: u64) -> io::Result<Segment> {
        if let Some(thread) = self.pending.take() {
            let made = thread.join().map_err(|_| io::Error::other("preparing a segment failed"))?;
            match made {
                Ok(segment) if segment.ordinal == ordinal && segment.capacity >= needed => {
                    return Ok(segment);
                }
                // It is made again, larger or now that there may be space.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {}
                Err(error) => return Err(error),
            }
        }
        create(&*self.disk, ordinal, self.capacity_of(ordinal).max(needed))
    }
}

impl Drop for SegmentFactory {
    fn drop(&mut self) {
        if let Some(thread) = self.pending.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that prepares log segments panicked");
        }
    }
}

fn create(disk: &dyn Disk, ordinal: u64, capacity: u64) -> io::Result<Segment> {
    Ok(Segment { ordinal, file: disk.create(&name_of(ordinal), capacity)?, capacity })
}
