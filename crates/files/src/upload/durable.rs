//! What of an upload is durable, and the one place where that moves: forward with the bytes that were synced, back when a
//! writer's bytes are thrown away.
//!
//! Syncing goes on beside writing. So everything here happens under one lock: whoever syncs last is told of an error that
//! somebody else's sync met (the system tells it once).

use std::fs::File;
use std::sync::Arc;

use anser_backend::{BlobError, Upload, UploadState};
use anser_types::{Sha256, UnixMs};
use parking_lot::Mutex;

use crate::disk::failure;
use crate::spool::note::Progress;
use crate::spool::{NoteError, Spool};

/// See the module.
pub(crate) struct Durable {
    spool: Arc<Spool>,
    upload: Upload,
    inner: Mutex<Inner>,
    /// As it was noted last; reading it waits for no disk.
    shown: Mutex<Progress>,
}

struct Inner {
    progress: Progress,
    /// Which writer's bytes may be noted.
    turn: u64,
    /// The first sync that failed: what it was to make durable is in doubt for ever.
    failed: Option<String>,
}

impl Durable {
    pub fn new(spool: Arc<Spool>, upload: Upload, progress: Progress) -> Self {
        let inner = Mutex::new(Inner { progress, turn: 0, failed: None });
        Self { spool, upload, inner, shown: Mutex::new(progress) }
    }

    /// The upload as it was noted last.
    pub fn state(&self) -> UploadState {
        self.shown.lock().state(&self.upload)
    }

    /// Fails if a sync of this upload ever failed; waits for the one that is under way, and hears how it ended.
    pub fn check(&self) -> Result<(), BlobError> {
        self.inner.lock().check()
    }

    /// A new writer's turn; what was synced for an earlier one is not noted any more.
    pub fn next_turn(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.turn += 1;
        inner.turn
    }

    /// Makes the first `offset` bytes durable and notes it. Does nothing if the turn is over or more is noted already.
    pub fn advance(
        &self,
        turn: u64,
        bytes: &File,
        offset: u64,
        touched_at: UnixMs,
    ) -> Result<(), BlobError> {
        let mut inner = self.inner.lock();
        inner.check()?;
        let (progress, now) = (inner.progress, Progress { offset, touched_at, ..inner.progress });
        if inner.turn != turn || offset < progress.offset || now == progress {
            return Ok(());
        }
        if offset > progress.offset
            && let Err(error) = self.spool.disk.sync(bytes)
        {
            return Err(inner.fail(&error));
        }
        self.note(&mut inner, now)
    }

    /// Notes that the upload ends here again, and that nothing synced for this turn's writer counts.
    pub fn retreat(&self, offset: u64) -> Result<(), BlobError> {
        let mut inner = self.inner.lock();
        inner.check()?;
        inner.turn += 1;
        let now = Progress { offset, ..inner.progress };
        self.note(&mut inner, now)
    }

    /// Notes how many bytes the upload will have.
    pub fn set_length(&self, length: u64) -> Result<(), BlobError> {
        let mut inner = self.inner.lock();
        inner.check()?;
        let now = Progress { length: Some(length), ..inner.progress };
        self.note(&mut inner, now)
    }

    /// Notes under which hash its bytes may be found from now on.
    pub fn set_kept_as(&self, sha256: Sha256) -> Result<(), BlobError> {
        let mut inner = self.inner.lock();
        inner.check()?;
        let now = Progress { kept_as: Some(sha256), ..inner.progress };
        self.note(&mut inner, now)
    }

    fn note(&self, inner: &mut Inner, now: Progress) -> Result<(), BlobError> {
        if now == inner.progress {
            return Ok(());
        }
        let now = Progress { generation: inner.progress.generation + 1, ..now };
        match self.spool.note(self.upload.id, &now) {
            Ok(()) => {
                inner.progress = now;
                *self.shown.lock() = now;
                Ok(())
            }
            Err(NoteError::Unwritten(error)) => Err(failure("noting an upload")(error)),
            Err(NoteError::Unsynced(error)) => Err(inner.fail(&error)),
        }
    }
}

impl Inner {
    fn check(&self) -> Result<(), BlobError> {
        self.failed.clone().map_or(Ok(()), |reason| Err(BlobError::Failed(reason)))
    }

    fn fail(&mut self, error: &std::io::Error) -> BlobError {
        let reason = format!("an upload could not be made durable: {error}");
        self.failed = Some(reason.clone());
        BlobError::Failed(reason)
    }
}
