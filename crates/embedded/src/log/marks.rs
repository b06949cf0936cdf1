//! Two small files beside the segments: up to where the tables hold everything, and the last durable commit.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, LogFile};

const MARK_BYTES: usize = 20;
/// Slots lie in different sectors, so that a torn write spoils only one.
const SLOT_DISTANCE: usize = 4096;
const CHECKPOINT: &str = "checkpoint";
const DURABLE: &str = "durable";

fn mark(magic: &[u8; 8], number: u64) -> [u8; MARK_BYTES] {
    let mut mark = [0; MARK_BYTES];
    mark[..8].copy_from_slice(magic);
    mark[8..16].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32c::crc32c(&mark[..16]);
    mark[16..].copy_from_slice(&checksum.to_le_bytes());
    mark
}

fn unmark(magic: &[u8; 8], bytes: &[u8]) -> Option<u64> {
    let found: &[u8; MARK_BYTES] = bytes.first_chunk()?;
    let number = u64::from_le_bytes(*found[8..16].first_chunk()?);
    (mark(magic, number) == *found).then_some(number)
}

/// Why a mark cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The file holds something else.
    #[error("the file '{0}' of the commit log is damaged")]
    Damaged(&'static str),
    /// It could not be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The last commit that the tables hold without the log's help.
#[derive(Debug)]
pub struct Checkpoint;

impl Checkpoint {
    const MAGIC: &'static [u8; 8] = b"anserchk";

    /// The stored checkpoint; 0 for a new store.
    pub fn read(disk: &dyn Disk) -> Result<u64, MarkError> {
        match disk.read(CHECKPOINT)? {
            None => Ok(0),
            Some(bytes) if bytes.len() == MARK_BYTES => {
                unmark(Self::MAGIC, &bytes).ok_or(MarkError::Damaged(CHECKPOINT))
            }
            Some(_) => Err(MarkError::Damaged(CHECKPOINT)),
        }
    }

    /// Stores a checkpoint.
    pub fn write(disk: &dyn Disk, commit_no: u64) -> io::Result<()> {
        disk.replace(CHECKPOINT, &mark(Self::MAGIC, commit_no))
    }
}

/// The last commit known to be durable: written every second and at shutdown, so that a lost tail is noticed.
#[derive(Debug)]
pub struct DurableMark {
    file: Box<dyn LogFile>,
    written: u64,
    slot: u64,
}

impl DurableMark {
    const MAGIC: &'static [u8; 8] = b"anserdur";

    /// What the file says, 0 if there is none; changes nothing.
    pub fn read(disk: &dyn Disk) -> Result<u64, MarkError> {
        disk.read(DURABLE)?.map_or(Ok(0), |bytes| Self::newest(&bytes).map(|(_, newest)| newest))
    }

    /// Both slots, and the newest number in them.
    fn newest(bytes: &[u8]) -> Result<([Option<u64>; 2], u64), MarkError> {
        let slots = [bytes.get(..MARK_BYTES), bytes.get(SLOT_DISTANCE..SLOT_DISTANCE + MARK_BYTES)]
            .map(|slot| slot.and_then(|slot| unmark(Self::MAGIC, slot)));
        let untouched = bytes.iter().all(|byte| *byte == 0);
        if slots == [None, None] && !untouched {
            return Err(MarkError::Damaged(DURABLE));
        }
        Ok((slots, slots.iter().flatten().copied().max().unwrap_or(0)))
    }

    /// Opens the file, making it for a new store, and says what it holds.
    pub fn open(disk: &Arc<dyn Disk>) -> Result<(Self, u64), MarkError> {
        let Some(bytes) = disk.read(DURABLE)? else {
            let file = disk.create(DURABLE, 2 * SLOT_DISTANCE as u64)?;
            return Ok((Self { file, written: 0, slot: 0 }, 0));
        };
        let (slots, written) = Self::newest(&bytes)?;
        // The next write goes to the slot that does not hold the newest value.
        let slot = u64::from(slots[0] == Some(written));
        Ok((Self { file: disk.open(DURABLE)?, written, slot }, written))
    }

    /// Notes the last durable commit; does nothing if it is noted already.
    pub fn write(&mut self, commit_no: u64) -> io::Result<()> {
        if commit_no <= self.written {
            return Ok(());
        }
        self.file.write_at(self.slot * SLOT_DISTANCE as u64, &mark(Self::MAGIC, commit_no))?;
        self.file.sync()?;
        self.written = commit_no;
        self.slot ^= 1;
        Ok(())
    }
}
