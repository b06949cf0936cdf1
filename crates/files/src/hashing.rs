//! The hash of an upload, computed along with its bytes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use anser_backend::BlobError;
use anser_types::Sha256;
use sha2::Digest as _;

use crate::BLOCK_BYTES;
use crate::disk::failure;

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

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// How many bytes it has taken in.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes in the bytes of a file up to a length.
    pub fn catch_up(&mut self, file: &File, until: u64) -> Result<(), BlobError> {
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
