//! The way into an upload, as the port has it: collects blocks and hands them to the upload's owner.

use std::sync::Arc;

use anser_backend::{BlobError, Boxed, UploadWriter};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Arrival;
use super::filling::Filling;
use crate::lanes::closed;
use crate::store::Shared;
use crate::strand::Strand;

/// What a writer gets from the owner.
pub(crate) struct Opened {
    pub filling: Arc<Filling>,
    pub empties: mpsc::Receiver<Vec<u8>>,
    pub offset: u64,
    pub length: Option<u64>,
}

/// See the module. Dropping it, or a future of its, loses nothing that was taken.
pub(crate) struct Writer {
    strand: Arc<Strand<Arrival>>,
    /// The threads live as long as somebody writes.
    shared: Arc<Shared>,
    filling: Arc<Filling>,
    empties: mpsc::Receiver<Vec<u8>>,
    /// Bytes the upload has with everything that was taken.
    taken: u64,
    length: Option<u64>,
}

impl Writer {
    pub fn new(strand: Arc<Strand<Arrival>>, shared: Arc<Shared>, opened: Opened) -> Self {
        let Opened { filling, empties, offset, length } = opened;
        Self { strand, shared, filling, empties, taken: offset, length }
    }

    async fn take(&mut self, mut bytes: Bytes) -> Result<(), BlobError> {
        if let Some(length) = self.length
            && bytes.len() as u64 > length - self.taken
        {
            return Err(BlobError::TooLong(length));
        }
        while !bytes.is_empty() {
            let before = bytes.len();
            let is_full = self.filling.take(&mut bytes)?;
            self.taken += (before - bytes.len()) as u64;
            if is_full {
                // Without an empty block either the earlier one is still being written, or the owner let go.
                match self.empties.recv().await {
                    Some(empty) => self.hand_over(empty)?,
                    None => return Err(self.filling.reason()),
                }
            }
        }
        Ok(())
    }

    fn hand_over(&self, empty: Vec<u8>) -> Result<(), BlobError> {
        let filling = Arc::clone(&self.filling);
        let lane = self.shared.lanes.uploads.clone();
        self.filling.hand_over(empty, |block| {
            self.strand.tell(&self.shared.lanes.uploads, move |arrival| {
                arrival.write_block(&filling, block, &lane);
            });
        })
    }
}

impl UploadWriter for Writer {
    fn write(&mut self, bytes: Bytes) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.take(bytes))
    }

    fn finish(self: Box<Self>) -> Boxed<'static, Result<u64, BlobError>> {
        let filling = Arc::clone(&self.filling);
        let lane = &self.shared.lanes.uploads;
        let asked = self.strand.tell_and_hear(lane, move |arrival| arrival.finish(&filling));
        Box::pin(async move { asked.await.map_err(|_| closed())? })
    }

    fn undo(self: Box<Self>) -> Boxed<'static, Result<(), BlobError>> {
        // Asked for at once: also when nobody waits for it, what was taken is never noted.
        let filling = Arc::clone(&self.filling);
        let lane = &self.shared.lanes.uploads;
        let asked = self.strand.tell_and_hear(lane, move |arrival| arrival.undo(&filling));
        Box::pin(async move { asked.await.map_err(|_| closed())? })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let filling = Arc::clone(&self.filling);
        self.strand.tell(&self.shared.lanes.uploads, move |arrival| arrival.farewell(&filling));
    }
}
