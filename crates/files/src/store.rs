//! The store of files: the port [`Blobs`], which finds the upload that is meant and asks its owner.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{
    BlobError, Blobs, Boxed, Condition, Examined, Reading, Upload, UploadState, UploadWriter,
    Variant,
};
use anser_types::limits::PICTURE_MAX_BYTES;
use anser_types::{FileId, Sha256, UnixMs};
use futures::future::join_all;
use parking_lot::Mutex;

use crate::disk::{Disk, SystemDisk};
use crate::hashing::Hashing;
use crate::keep::Keeper;
use crate::lanes::{Lanes, closed};
use crate::looks::{Looks, is_clean};
use crate::settings::Settings;
use crate::spool::Spool;
use crate::spool::note::Progress;
use crate::strand::Strand;
use crate::upload::{Arrival, Durable, Verified, Writer};

/// How long whoever wants an upload waits for the disk to take what came before.
const LET_GO_TIMEOUT: Duration = Duration::from_secs(4);

/// Keeps files: uploads on their way in a spool, complete ones where [`Keep`](crate::Keep) says. Clones are the same store.
///
/// What it guarantees is what [`Blobs`] says. Nothing in it waits for a disk on the caller's thread.
#[derive(Clone)]
pub struct FileStore {
    shared: Arc<Shared>,
}

/// What a store, its writers and its readers share.
pub(crate) struct Shared {
    pub lanes: Lanes,
    spool: Arc<Spool>,
    keeper: Keeper,
    looks: Arc<Looks>,
    uploads: Mutex<HashMap<FileId, Entry>>,
}

#[derive(Clone)]
struct Entry {
    strand: Arc<Strand<Arrival>>,
    durable: Arc<Durable>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.lanes.close();
    }
}

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStore").field("spool", &self.shared.spool).finish_non_exhaustive()
    }
}

impl FileStore {
    /// Opens a store, making its directories (0700) if needed. Uploads go on where they are durable; garbage in the spool
    /// is reported and set aside.
    ///
    /// # Errors
    /// A directory that cannot be used, or whose spool another process uses.
    pub fn open(settings: &Settings) -> io::Result<Self> {
        Self::open_on(settings, Arc::new(SystemDisk))
    }

    /// The same on a disk that is given.
    ///
    /// # Errors
    /// See [`FileStore::open`].
    pub fn open_on(settings: &Settings, disk: Arc<dyn Disk>) -> io::Result<Self> {
        let spare = settings.min_free_bytes;
        let (spool, found) = Spool::open(&settings.spool, Arc::clone(&disk), spare)?;
        let keeper = Keeper::open(&settings.keep, disk, spare)?;
        let spool = Arc::new(spool);
        let lanes = Lanes::start(settings.workers, settings.on_worker_start)?;
        let uploads = found
            .into_iter()
            .map(|(upload, progress)| (upload.id, Entry::new(&spool, &lanes, upload, progress)));
        let uploads = Mutex::new(uploads.collect());
        let looks = Arc::new(Looks::find());
        Ok(Self { shared: Arc::new(Shared { lanes, spool, keeper, looks, uploads }) })
    }

    /// Makes everybody who writes let go, all at the same time and with everything they brought kept, and ends the threads.
    /// Nothing can be asked of the store afterwards.
    ///
    /// Never fails: an upload that did not let go in time is logged, and goes on from what is durable of it.
    pub async fn close(&self) {
        let uploads = self.shared.uploads.lock().clone();
        let settling = uploads.iter().map(|(id, entry)| async move {
            if let Err(error) = self.settle(entry).await {
                tracing::warn!(%id, %error, "an upload did not end in order");
            }
        });
        join_all(settling).await;
        self.shared.lanes.close();
        self.shared.lanes.ended().await;
        self.shared.spool.unlock();
    }

    /// Asks whether complete bytes can be reached: a bucket is not asked before somebody needs it.
    ///
    /// # Errors
    /// [`BlobError::Failed`] with what the object store says.
    pub async fn check(&self) -> Result<(), BlobError> {
        self.shared.keeper.check().await
    }

    fn entry(&self, id: FileId) -> Result<Entry, BlobError> {
        self.shared.uploads.lock().get(&id).cloned().ok_or(BlobError::Unknown)
    }

    async fn settle(&self, entry: &Entry) -> Result<UploadState, BlobError> {
        let lane = &self.shared.lanes.uploads;
        in_time(entry.strand.ask_in_time(lane, Arrival::settle)).await
    }

    async fn begin_upload(&self, upload: Upload) -> Result<(), BlobError> {
        let shared = Arc::clone(&self.shared);
        // Put in place on the thread too: whoever asked may be gone by then, and what is noted must be known.
        let begin = move || {
            let progress = shared.spool.begin(&upload)?;
            let entry = Entry::new(&shared.spool, &shared.lanes, upload.clone(), progress);
            shared.uploads.lock().insert(upload.id, entry);
            Ok(())
        };
        self.shared.lanes.uploads.run(begin).await
    }

    async fn examine_upload(&self, id: FileId) -> Result<Examined, BlobError> {
        let (entry, lanes) = (self.entry(id)?, &self.shared.lanes);
        let looks = Arc::clone(&self.shared.looks);
        let verify = move |arrival: &mut Arrival| arrival.verify(&looks);
        match entry.strand.ask(&lanes.uploads, verify).await? {
            Verified::Done(examined) => Ok(examined),
            Verified::ToBeSeen { head, sha256 } => {
                let looks = Arc::clone(&self.shared.looks);
                let see = move |arrival: &mut Arrival| arrival.see(&looks, &head, sha256);
                entry.strand.ask(&lanes.looks, see).await
            }
        }
    }

    async fn join_parts(
        &self,
        id: FileId,
        parts: Vec<FileId>,
        at: UnixMs,
    ) -> Result<(), BlobError> {
        let (entry, lane) = (self.entry(id)?, &self.shared.lanes.uploads);
        let mut opened = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.entry(part)?;
            opened.push(in_time(part.strand.ask_in_time(lane, Arrival::as_part)).await?);
        }
        entry.strand.ask(lane, move |arrival| arrival.join(opened, at)).await
    }

    async fn keep_upload(&self, id: FileId, examined: Examined) -> Result<(), BlobError> {
        let (entry, lane) = (self.entry(id)?, &self.shared.lanes.uploads);
        let sha256 = examined.sha256;
        let kept = loop {
            let examined = examined.clone();
            let prepare_keeping = move |arrival: &mut Arrival| arrival.prepare_keeping(&examined);
            match entry.strand.ask(lane, prepare_keeping).await? {
                Some(kept) => break kept,
                // Another process did; only what was compared by this one is kept.
                None => drop(self.examine_upload(id).await?),
            }
        };
        // A bucket is asked by a task of its own: half a file is not left there because somebody did not wait.
        let shared = Arc::clone(&self.shared);
        let keeping = async move { shared.keeper.keep(&shared, sha256, kept).await };
        tokio::spawn(keeping).await.map_err(|_| closed())?
    }

    async fn is_clean_picture(&self, sha256: Sha256) -> Result<bool, BlobError> {
        let shared = &self.shared;
        let (bytes, mut reader) = shared.keeper.read(shared, sha256, Variant::Whole, None).await?;
        if bytes > PICTURE_MAX_BYTES {
            return Ok(false);
        }
        let mut picture = Vec::new();
        while let Some(block) = reader.read().await? {
            picture.extend_from_slice(&block);
        }
        shared.lanes.looks.run(move || Ok(is_clean(&picture))).await
    }

    async fn forget(&self, id: FileId) -> Result<(), BlobError> {
        let Ok(entry) = self.entry(id) else { return Ok(()) };
        let shared = Arc::downgrade(&self.shared);
        let give_up = move |arrival: &mut Arrival| {
            arrival.give_up()?;
            if let Some(shared) = shared.upgrade() {
                shared.uploads.lock().remove(&id);
            }
            Ok(())
        };
        entry.strand.ask(&self.shared.lanes.uploads, give_up).await
    }
}

impl Entry {
    fn new(spool: &Arc<Spool>, lanes: &Lanes, upload: Upload, progress: Progress) -> Self {
        let hashing = Hashing::new(lanes.hashes.clone());
        let (arrival, durable) = Arrival::new(Arc::clone(spool), hashing, upload, progress);
        Self { strand: Strand::new(arrival), durable }
    }
}

/// Gives up when the upload is held by something slow.
async fn in_time<T>(asked: impl Future<Output = Result<T, BlobError>>) -> Result<T, BlobError> {
    tokio::time::timeout(LET_GO_TIMEOUT, asked).await.unwrap_or(Err(BlobError::Busy))
}

impl Blobs for FileStore {
    fn begin(&self, upload: Upload) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.begin_upload(upload))
    }

    fn upload(&self, id: FileId) -> Boxed<'_, Result<Option<UploadState>, BlobError>> {
        Box::pin(async move {
            let Ok(entry) = self.entry(id) else { return Ok(None) };
            match self.settle(&entry).await {
                Ok(state) => Ok(Some(state)),
                Err(BlobError::Unknown) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn uploads(&self) -> Boxed<'_, Result<Vec<UploadState>, BlobError>> {
        let uploads = self.shared.uploads.lock();
        let mut states: Vec<_> = uploads.values().map(|entry| entry.durable.state()).collect();
        drop(uploads);
        states.sort_unstable_by_key(|state| state.upload.id);
        Box::pin(async move { Ok(states) })
    }

    fn write(
        &self,
        id: FileId,
        offset: u64,
        length: Option<u64>,
        at: UnixMs,
    ) -> Boxed<'_, Result<Box<dyn UploadWriter>, BlobError>> {
        Box::pin(async move {
            let entry = self.entry(id)?;
            let (strand, shared) = (Arc::clone(&entry.strand), Arc::clone(&self.shared));
            let begin = move |arrival: &mut Arrival| {
                let opened = arrival.begin_writing(offset, length, at)?;
                // Made here, so that the upload is free again if nobody waits for the writer any more.
                Ok(Box::new(Writer::new(strand, shared, opened)) as Box<dyn UploadWriter>)
            };
            in_time(entry.strand.ask_in_time(&self.shared.lanes.uploads, begin)).await
        })
    }

    fn join(&self, id: FileId, parts: Vec<FileId>, at: UnixMs) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.join_parts(id, parts, at))
    }

    fn examine(&self, id: FileId) -> Boxed<'_, Result<Examined, BlobError>> {
        Box::pin(self.examine_upload(id))
    }

    fn keep(&self, id: FileId, examined: Examined) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.keep_upload(id, examined))
    }

    fn give_up(&self, id: FileId) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.forget(id))
    }

    fn read(
        &self,
        sha256: Sha256,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Boxed<'_, Result<Reading, BlobError>> {
        Box::pin(self.shared.keeper.read(&self.shared, sha256, variant, range))
    }

    fn is_clean(&self, sha256: Sha256) -> Boxed<'_, Result<bool, BlobError>> {
        Box::pin(self.is_clean_picture(sha256))
    }

    fn condition(&self, sha256: Sha256, bytes: u64) -> Boxed<'_, Result<Condition, BlobError>> {
        Box::pin(self.shared.keeper.condition(&self.shared.lanes.reads, sha256, bytes))
    }

    fn set_aside(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.shared.keeper.set_aside(&self.shared, sha256))
    }

    fn remove(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(self.shared.keeper.remove(&self.shared, sha256))
    }
}
