//! The hash of an upload, computed along with its bytes and beside their writing: it costs as much as everything else.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use anser_backend::BlobError;
use anser_types::Sha256;
use sha2::Digest as _;
use tokio::sync::mpsc;

use crate::BLOCK_BYTES;
use crate::disk::failure;
use crate::lanes::{Lane, closed};
use crate::strand::Strand;

/// The hash of so many first bytes.
#[derive(Clone)]
pub(crate) struct Running {
    context: sha2::Sha256,
    bytes: u64,
}

impl Running {
    /// Of nothing.
    pub fn new() -> Self {
        Self { context: sha2::Sha256::new(), bytes: 0 }
    }

    /// Takes bytes in that stand at an offset; without those before them it takes nothing.
    fn update_at(&mut self, offset: u64, bytes: &[u8]) {
        if self.bytes == offset {
            self.update(bytes);
        }
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Takes in the bytes of a file up to a length.
    fn catch_up(&mut self, file: &File, until: u64) -> Result<(), BlobError> {
        let mut block = vec![0; BLOCK_BYTES];
        while self.bytes < until {
            let left = usize::try_from(until - self.bytes).unwrap_or(usize::MAX);
            let part = &mut block[..left.min(BLOCK_BYTES)];
            file.read_exact_at(part, self.bytes).map_err(failure("reading an upload"))?;
            self.update(part);
        }
        Ok(())
    }

    /// The hash.
    pub fn hash(&self) -> Sha256 {
        Sha256(self.context.clone().finalize().into())
    }
}

/// The hash of an upload on its way, with an owner of its own.
pub(crate) struct Hashing {
    strand: Arc<Strand<Both>>,
    lane: Lane,
}

struct Both {
    now: Running,
    /// As it was when the present writer began.
    before: Running,
}

impl Hashing {
    /// Of an upload of which this process has seen nothing.
    pub fn new(lane: Lane) -> Self {
        Self { strand: Strand::new(Both { now: Running::new(), before: Running::new() }), lane }
    }

    /// Takes in a block that stands at an offset.
    pub fn update(&self, offset: u64, block: Arc<Block>) {
        self.strand.tell(&self.lane, move |hash| hash.now.update_at(offset, &block.bytes));
    }

    /// A writer begins.
    pub fn mark(&self) {
        self.strand.tell(&self.lane, |hash| hash.before = hash.now.clone());
    }

    /// What came since the writer began is thrown away.
    pub fn go_back(&self) {
        self.strand.tell(&self.lane, |hash| hash.now = hash.before.clone());
    }

    /// Nothing is known any more.
    pub fn forget(&self) {
        self.strand.tell(&self.lane, |hash| hash.now = Running::new());
    }

    /// Waits for the hash of a file with so many bytes, reading it if it was written by another process, or joined.
    pub fn of(&self, file: File, bytes: u64) -> Result<Sha256, BlobError> {
        let hash = self.strand.tell_and_hear(&self.lane, move |hash| {
            if hash.now.bytes != bytes {
                hash.now = Running::new();
                hash.now.catch_up(&file, bytes)?;
            }
            Ok(hash.now.hash())
        });
        hash.blocking_recv().map_err(|_| closed())?
    }
}

/// Bytes on their way into an upload. Whoever is the last to need them gives the room back to the writer.
pub(crate) struct Block {
    pub bytes: Vec<u8>,
    pub back_to: mpsc::Sender<Vec<u8>>,
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        // The writer may be gone.
        self.back_to.try_send(bytes).ok();
    }
}
