//! The block a writer fills, shared with the upload's owner: who takes the upload over also takes what the writer has not
//! handed in yet.

use anser_backend::BlobError;
use bytes::{Buf as _, Bytes};
use parking_lot::Mutex;

use crate::BLOCK_BYTES;

const _: () = assert!(BLOCK_BYTES.is_power_of_two(), "a block is full where its room ends");

/// See the module.
pub(crate) struct Filling(Mutex<State>);

enum State {
    /// The next block, up to [`BLOCK_BYTES`].
    Open(Vec<u8>),
    /// Nothing more is taken.
    Ended(BlobError),
}

impl Filling {
    /// With an empty block.
    pub fn new() -> Self {
        Self(Mutex::new(State::Open(Vec::new())))
    }

    /// Takes what fits; true if the block is full then.
    pub fn take(&self, bytes: &mut Bytes) -> Result<bool, BlobError> {
        match &mut *self.0.lock() {
            State::Open(block) => {
                let part = bytes.len().min(BLOCK_BYTES - block.len());
                // It grows with what comes, since most uploads are short, and never beyond a block, as doubling would.
                let room = (block.len() + part).next_power_of_two();
                block.reserve_exact(room - block.len());
                block.extend_from_slice(&bytes[..part]);
                bytes.advance(part);
                Ok(block.len() == BLOCK_BYTES)
            }
            State::Ended(reason) => Err(reason.clone()),
        }
    }

    /// Hands the full block over, in order with whatever else is handed over.
    pub fn hand_over(&self, empty: Vec<u8>, to: impl FnOnce(Vec<u8>)) -> Result<(), BlobError> {
        match &mut *self.0.lock() {
            State::Open(block) => {
                to(std::mem::replace(block, empty));
                Ok(())
            }
            State::Ended(reason) => Err(reason.clone()),
        }
    }

    /// Takes no more; gives what was not handed over, once.
    pub fn end(&self, reason: BlobError) -> Vec<u8> {
        let mut state = self.0.lock();
        match &mut *state {
            State::Open(block) => {
                let block = std::mem::take(block);
                *state = State::Ended(reason);
                block
            }
            State::Ended(_) => Vec::new(),
        }
    }

    /// Why it takes no more.
    pub fn reason(&self) -> BlobError {
        match &*self.0.lock() {
            State::Open(_) => BlobError::TakenOver,
            State::Ended(reason) => reason.clone(),
        }
    }
}
