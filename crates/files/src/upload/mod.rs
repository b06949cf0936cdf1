//! An upload in this process: its one owner, and what may be done to it. Everything here may wait for the disk and runs on
//! the threads of a lane.

mod durable;
mod examining;
mod filling;
mod joining;
mod writer;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anser_backend::{BlobError, Upload, UploadState};
use anser_types::limits::UPLOAD_NOTE_BYTES;
use anser_types::{FileId, UnixMs};
use tokio::sync::mpsc;

use crate::BLOCKS;
use crate::disk::{failure, private};
use crate::hashing::{Block, Hashing};
use crate::lanes::Lane;
use crate::spool::Spool;
use crate::spool::note::Progress;
pub(crate) use durable::Durable;
use examining::Made;
pub(crate) use examining::{Kept, Verified};
use filling::Filling;
pub(crate) use writer::{Opened, Writer};

/// Bytes after which they are synced while more is written: half of what may be lost with the process, the other half may
/// arrive meanwhile.
const SYNC_BYTES: u64 = UPLOAD_NOTE_BYTES / 2;

/// The owner of an upload.
pub(crate) struct Arrival {
    id: FileId,
    spool: Arc<Spool>,
    durable: Arc<Durable>,
    /// Bytes that are in the file; without a writer all of them are durable.
    written: u64,
    hashing: Hashing,
    writing: Option<Writing>,
    made: Option<Made>,
    /// It was given up.
    gone: bool,
}

/// Somebody writes.
struct Writing {
    filling: Arc<Filling>,
    /// Where blocks go back to.
    empties: mpsc::Sender<Vec<u8>>,
    bytes: Arc<File>,
    turn: u64,
    touched_at: UnixMs,
    began: u64,
    /// What the last sync that was started covers.
    synced: u64,
    /// That sync still waits for a thread.
    sync_waits: Arc<AtomicBool>,
}

impl Arrival {
    /// The owner of an upload as it was noted, and what is durable of it.
    pub fn new(
        spool: Arc<Spool>,
        hashing: Hashing,
        upload: Upload,
        progress: Progress,
    ) -> (Self, Arc<Durable>) {
        let id = upload.id;
        let durable = Arc::new(Durable::new(Arc::clone(&spool), upload, progress));
        let arrival = Self {
            id,
            spool,
            durable: Arc::clone(&durable),
            written: progress.offset,
            hashing,
            writing: None,
            made: None,
            gone: false,
        };
        (arrival, durable)
    }

    /// Fails if it was given up, or is in doubt.
    fn check(&self) -> Result<(), BlobError> {
        if self.gone {
            return Err(BlobError::Unknown);
        }
        self.durable.check()
    }

    /// Makes whoever writes let go, after everything they brought is kept, and tells how far the upload is.
    pub fn settle(&mut self) -> Result<UploadState, BlobError> {
        if let Err(error) = self.let_go(BlobError::TakenOver) {
            // Who wrote is told when they write on; what is durable is the truth for whoever asks here.
            tracing::warn!(id = %self.id, %error, "the last bytes of an upload were not kept");
        }
        self.check()?;
        Ok(self.durable.state())
    }

    /// The file with its bytes, as long as the upload is: what lies behind them is cut off.
    fn open(&self) -> Result<File, BlobError> {
        let file =
            private().open(self.spool.bytes_of(self.id)).map_err(failure("opening an upload"))?;
        let there = file.metadata().map_err(failure("opening an upload"))?.len();
        if there > self.written {
            file.set_len(self.written).map_err(failure("cutting an upload"))?;
        }
        Ok(file)
    }

    /// Lets somebody write from `offset` on.
    pub fn begin_writing(
        &mut self,
        offset: u64,
        length: Option<u64>,
        at: UnixMs,
    ) -> Result<Opened, BlobError> {
        let state = self.settle()?;
        if offset != state.offset {
            return Err(BlobError::OtherOffset(state.offset));
        }
        let length = match (state.upload.length, length) {
            (Some(known), Some(told)) if told != known => return Err(BlobError::TooLong(known)),
            (None, Some(told)) if told < offset => return Err(BlobError::TooLong(told)),
            (None, Some(told)) => {
                self.durable.set_length(told)?;
                Some(told)
            }
            (known, _) => known,
        };
        let missing = length.unwrap_or(offset) - offset;
        self.spool.room_for(missing)?;
        self.hashing.mark();
        let (empties, fresh) = mpsc::channel(BLOCKS);
        // One more is being filled.
        for _ in 1..BLOCKS {
            empties.try_send(Vec::new()).ok();
        }
        let writing = Writing {
            filling: Arc::new(Filling::new()),
            empties,
            bytes: Arc::new(self.open()?),
            turn: self.durable.next_turn(),
            touched_at: at,
            began: offset,
            synced: offset,
            sync_waits: Arc::default(),
        };
        let filling = Arc::clone(&writing.filling);
        self.writing = Some(writing);
        Ok(Opened { filling, empties: fresh, offset, length })
    }

    fn is_written_by(&self, filling: &Arc<Filling>) -> bool {
        self.writing.as_ref().is_some_and(|writing| Arc::ptr_eq(&writing.filling, filling))
    }

    /// Writes a block, unless its writer's time is over.
    pub fn write_block(&mut self, filling: &Arc<Filling>, block: Vec<u8>, lane: &Lane) {
        if !self.is_written_by(filling) {
            return;
        }
        if let Err(error) = self.append(block).and_then(|()| self.sync_now_and_then(lane)) {
            // Told to whoever writes, with the next block.
            filling.end(error.clone());
            if let Err(later) = self.let_go(error) {
                tracing::warn!(id = %self.id, error = %later, "an upload was cut short");
            }
        }
    }

    fn append(&mut self, bytes: Vec<u8>) -> Result<(), BlobError> {
        let Some(writing) = &self.writing else { return Err(BlobError::TakenOver) };
        let more = bytes.len() as u64;
        if more == 0 {
            return Ok(());
        }
        self.spool.room_for(more)?;
        let block = Arc::new(Block { bytes, back_to: writing.empties.clone() });
        self.hashing.update(self.written, Arc::clone(&block));
        let put = self.spool.disk.write_at(&writing.bytes, self.written, &block.bytes);
        if let Err(error) = put {
            // The hash has taken in what the file has not.
            self.hashing.forget();
            return Err(failure("writing an upload")(error));
        }
        self.written += more;
        Ok(())
    }

    /// Has what was written made durable beside writing on; waits only when the disk is slower than the network. Fails if
    /// an earlier sync did: nothing that is written afterwards could be acknowledged.
    fn sync_now_and_then(&mut self, lane: &Lane) -> Result<(), BlobError> {
        let (written, durable) = (self.written, &self.durable);
        let Some(writing) = &mut self.writing else { return Ok(()) };
        if written - writing.synced < SYNC_BYTES {
            return Ok(());
        }
        let (turn, touched_at) = (writing.turn, writing.touched_at);
        writing.synced = written;
        if writing.sync_waits.load(Ordering::Acquire) {
            // Every thread of the lane is busy, and this may be the only one.
            return durable.advance(turn, &writing.bytes, written, touched_at);
        }
        durable.check()?;
        let waits = Arc::new(AtomicBool::new(true));
        writing.sync_waits = Arc::clone(&waits);
        let (durable, bytes, id) = (Arc::clone(durable), Arc::clone(&writing.bytes), self.id);
        drop(lane.start_work(move || {
            waits.store(false, Ordering::Release);
            if let Err(error) = durable.advance(turn, &bytes, written, touched_at) {
                // The writer meets it too, where the next sync would begin, or at its end.
                tracing::warn!(%id, %error, "an upload on its way was not made durable");
            }
        }));
        Ok(())
    }

    /// Ends the writing, if there is any: writes what was not handed over, makes everything durable and notes it.
    fn let_go(&mut self, reason: BlobError) -> Result<(), BlobError> {
        let Some(writing) = &self.writing else { return Ok(()) };
        let rest = writing.filling.end(reason);
        let written = self.append(rest);
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let noted =
            self.durable.advance(writing.turn, &writing.bytes, self.written, writing.touched_at);
        if noted.is_err() {
            // What is not noted is not there.
            self.written = self.durable.state().offset;
            self.hashing.forget();
        }
        noted.and(written)
    }

    /// Ends a writer's writing and tells how many bytes there are; fails if its time was over before.
    pub fn finish(&mut self, filling: &Arc<Filling>) -> Result<u64, BlobError> {
        if !self.is_written_by(filling) {
            return Err(filling.reason());
        }
        self.let_go(BlobError::TakenOver)?;
        Ok(self.written)
    }

    /// Throws away what a writer brought.
    pub fn undo(&mut self, filling: &Arc<Filling>) -> Result<(), BlobError> {
        if !self.is_written_by(filling) {
            return Err(filling.reason());
        }
        filling.end(BlobError::TakenOver);
        let Some(writing) = self.writing.take() else { return Ok(()) };
        // First the note: bytes behind it are nothing, and bytes that are missing before it would be a damage.
        if let Err(error) = self.durable.retreat(writing.began) {
            self.written = self.durable.state().offset;
            self.hashing.forget();
            return Err(error);
        }
        self.written = writing.began;
        self.hashing.go_back();
        writing.bytes.set_len(self.written).map_err(failure("cutting an upload"))
    }

    /// Ends a writer that was dropped.
    pub fn farewell(&mut self, filling: &Arc<Filling>) {
        if self.is_written_by(filling)
            && let Err(error) = self.let_go(BlobError::TakenOver)
        {
            tracing::warn!(id = %self.id, %error, "the last bytes of an upload were not kept");
        }
    }

    /// Forgets the upload with everything that was made for it.
    pub fn give_up(&mut self) -> Result<(), BlobError> {
        self.gone = true;
        // What is synced beside this is not noted any more.
        self.durable.next_turn();
        if let Some(writing) = self.writing.take() {
            writing.filling.end(BlobError::Unknown);
        }
        self.spool.forget(self.id).map_err(failure("forgetting an upload"))
    }
}
