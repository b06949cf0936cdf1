//! The reference of the bytes of files: everything in memory, with what a crash would keep. It looks at nothing: every
//! upload is a plain file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use anser_types::{FileId, Sha256, UnixMs};
use bytes::Bytes;
use parking_lot::Mutex;
use sha2::Digest as _;

use crate::Boxed;
use crate::blobs::{
    BlobError, BlobReader, Blobs, Condition, Examined, Reading, Upload, UploadState, UploadWriter,
    Variant,
};

/// Bytes of one answer of a reader.
const READ_BYTES: usize = 256 * 1024;

/// Keeps files in memory. Clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    uploads: BTreeMap<FileId, Arriving>,
    kept: BTreeMap<Sha256, Bytes>,
    writers: u64,
}

#[derive(Debug)]
struct Arriving {
    noted: UploadState,
    /// More than is noted while somebody writes.
    bytes: Vec<u8>,
    writer: Option<u64>,
    touched_at: UnixMs,
}

impl Arriving {
    /// Whoever writes lets go; everything they took is noted.
    fn settle(&mut self) {
        if self.writer.take().is_some() {
            self.noted.offset = self.bytes.len() as u64;
            self.noted.touched_at = self.touched_at;
        }
    }

    /// Whoever writes is gone, and with them what was not noted.
    fn go_back(&mut self) {
        self.writer = None;
        self.bytes.truncate(usize::try_from(self.noted.offset).unwrap_or(usize::MAX));
    }

    fn complete(&mut self) -> Result<(), BlobError> {
        self.settle();
        if self.noted.is_complete() {
            Ok(())
        } else {
            Err(BlobError::Incomplete(self.noted.offset))
        }
    }

    /// What `length` makes of the length that was announced.
    fn learn(&mut self, length: Option<u64>) -> Result<(), BlobError> {
        match (self.noted.upload.length, length) {
            (Some(known), Some(told)) if told != known => Err(BlobError::TooLong(known)),
            (None, Some(told)) if told < self.noted.offset => Err(BlobError::TooLong(told)),
            (known, told) => {
                self.noted.upload.length = known.or(told);
                Ok(())
            }
        }
    }
}

impl State {
    fn upload(&mut self, id: FileId) -> Result<&mut Arriving, BlobError> {
        self.uploads.get_mut(&id).ok_or(BlobError::Unknown)
    }

    /// The upload, if this writer still writes to it.
    fn written_by(&mut self, id: FileId, writer: u64) -> Result<&mut Arriving, BlobError> {
        let upload = self.upload(id)?;
        if upload.writer == Some(writer) { Ok(upload) } else { Err(BlobError::TakenOver) }
    }

    fn join(&mut self, id: FileId, parts: &[FileId], at: UnixMs) -> Result<(), BlobError> {
        let upload = self.upload(id)?;
        upload.settle();
        if upload.noted.offset != 0 {
            return Err(BlobError::OtherOffset(upload.noted.offset));
        }
        let mut whole = Vec::new();
        for part in parts {
            let part = self.upload(*part)?;
            part.complete()?;
            whole.extend_from_slice(&part.bytes);
        }
        let (upload, length) = (self.upload(id)?, whole.len() as u64);
        if upload.noted.upload.length.is_some_and(|known| length < known) {
            return Err(BlobError::Incomplete(length));
        }
        upload.learn(Some(length))?;
        (upload.noted.offset, upload.noted.touched_at, upload.bytes) = (length, at, whole);
        Ok(())
    }

    fn examine(&mut self, id: FileId) -> Result<Examined, BlobError> {
        let upload = self.upload(id)?;
        upload.complete()?;
        let sha256 = hash_of(&upload.bytes);
        if upload.noted.upload.sha256.is_some_and(|announced| announced != sha256) {
            return Err(BlobError::OtherHash(sha256));
        }
        let media_type = "application/octet-stream".to_owned();
        Ok(Examined { sha256, bytes: upload.noted.offset, media_type, look: None })
    }
}

impl MemoryBlobs {
    /// Loses what a crash would lose: bytes that were not noted, and every writer.
    pub fn crash(&self) {
        self.0.lock().uploads.values_mut().for_each(Arriving::go_back);
    }

    /// Does to kept bytes what a bad disk may: puts others in their place.
    pub fn damage(&self, sha256: Sha256, bytes: Bytes) {
        if let Some(kept) = self.0.lock().kept.get_mut(&sha256) {
            *kept = bytes;
        }
    }
}

fn hash_of(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

/// Everything here is done at once.
fn at_once<'a, T: Send + 'a>(value: T) -> Boxed<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Blobs for MemoryBlobs {
    fn begin(&self, upload: Upload) -> Boxed<'_, Result<(), BlobError>> {
        let mut state = self.0.lock();
        if state.uploads.contains_key(&upload.id) {
            let reason = "an upload of this name is there already".to_owned();
            return at_once(Err(BlobError::Failed(reason)));
        }
        let (id, touched_at) = (upload.id, upload.created_at);
        let noted = UploadState { upload, offset: 0, touched_at, kept_as: None };
        let arriving = Arriving { noted, bytes: Vec::new(), writer: None, touched_at };
        state.uploads.insert(id, arriving);
        at_once(Ok(()))
    }

    fn upload(&self, id: FileId) -> Boxed<'_, Result<Option<UploadState>, BlobError>> {
        let mut state = self.0.lock();
        at_once(Ok(state.uploads.get_mut(&id).map(|upload| {
            upload.settle();
            upload.noted.clone()
        })))
    }

    fn uploads(&self) -> Boxed<'_, Result<Vec<UploadState>, BlobError>> {
        let state = self.0.lock();
        at_once(Ok(state.uploads.values().map(|upload| upload.noted.clone()).collect()))
    }

    fn write(
        &self,
        id: FileId,
        offset: u64,
        length: Option<u64>,
        at: UnixMs,
    ) -> Boxed<'_, Result<Box<dyn UploadWriter>, BlobError>> {
        let mut state = self.0.lock();
        state.writers += 1;
        let writer = state.writers;
        let begin = |upload: &mut Arriving| {
            upload.settle();
            if offset != upload.noted.offset {
                return Err(BlobError::OtherOffset(upload.noted.offset));
            }
            upload.learn(length)?;
            (upload.writer, upload.touched_at) = (Some(writer), at);
            Ok(Box::new(Writer { blobs: self.clone(), id, writer }) as Box<_>)
        };
        at_once(state.upload(id).and_then(begin))
    }

    fn join(&self, id: FileId, parts: Vec<FileId>, at: UnixMs) -> Boxed<'_, Result<(), BlobError>> {
        at_once(self.0.lock().join(id, &parts, at))
    }

    fn examine(&self, id: FileId) -> Boxed<'_, Result<Examined, BlobError>> {
        at_once(self.0.lock().examine(id))
    }

    fn keep(&self, id: FileId, examined: Examined) -> Boxed<'_, Result<(), BlobError>> {
        let mut state = self.0.lock();
        let kept = state.examine(id).and_then(|found| {
            if (found.sha256, found.bytes) != (examined.sha256, examined.bytes) {
                return Err(BlobError::OtherHash(found.sha256));
            }
            let upload = state.upload(id)?;
            upload.noted.kept_as = Some(found.sha256);
            let bytes = Bytes::copy_from_slice(&upload.bytes);
            state.kept.insert(found.sha256, bytes);
            Ok(())
        });
        at_once(kept)
    }

    fn give_up(&self, id: FileId) -> Boxed<'_, Result<(), BlobError>> {
        self.0.lock().uploads.remove(&id);
        at_once(Ok(()))
    }

    fn read(
        &self,
        sha256: Sha256,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Boxed<'_, Result<Reading, BlobError>> {
        let state = self.0.lock();
        let found = state.kept.get(&sha256).filter(|_| variant == Variant::Whole);
        let read = found.ok_or(BlobError::Unknown).and_then(|bytes| {
            let all = bytes.len() as u64;
            let Range { start, end } = range.unwrap_or(0..all);
            let outside = || BlobError::Outside(all);
            let place = |at: u64| usize::try_from(at).map_err(|_| outside());
            if start > end || end > all {
                return Err(outside());
            }
            let left = bytes.slice(place(start)?..place(end)?);
            Ok((all, Box::new(Reader(left)) as Box<dyn BlobReader>))
        });
        at_once(read)
    }

    fn is_clean(&self, _: Sha256) -> Boxed<'_, Result<bool, BlobError>> {
        // It keeps no pictures.
        at_once(Ok(false))
    }

    fn condition(&self, sha256: Sha256, bytes: u64) -> Boxed<'_, Result<Condition, BlobError>> {
        let state = self.0.lock();
        at_once(Ok(match state.kept.get(&sha256) {
            None => Condition::Missing,
            Some(there) if there.len() as u64 == bytes && hash_of(there) == sha256 => {
                Condition::Intact
            }
            Some(_) => Condition::Damaged,
        }))
    }

    fn set_aside(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>> {
        self.remove(sha256)
    }

    fn remove(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>> {
        self.0.lock().kept.remove(&sha256);
        at_once(Ok(()))
    }
}

struct Writer {
    blobs: MemoryBlobs,
    id: FileId,
    writer: u64,
}

impl UploadWriter for Writer {
    fn write(&mut self, bytes: Bytes) -> Boxed<'_, Result<(), BlobError>> {
        let mut state = self.blobs.0.lock();
        let write = |upload: &mut Arriving| {
            let after = (upload.bytes.len() + bytes.len()) as u64;
            if let Some(length) = upload.noted.upload.length.filter(|length| after > *length) {
                return Err(BlobError::TooLong(length));
            }
            upload.bytes.extend_from_slice(&bytes);
            Ok(())
        };
        at_once(state.written_by(self.id, self.writer).and_then(write))
    }

    fn finish(self: Box<Self>) -> Boxed<'static, Result<u64, BlobError>> {
        let mut state = self.blobs.0.lock();
        at_once(state.written_by(self.id, self.writer).map(|upload| {
            upload.settle();
            upload.noted.offset
        }))
    }

    fn undo(self: Box<Self>) -> Boxed<'static, Result<(), BlobError>> {
        let mut state = self.blobs.0.lock();
        at_once(state.written_by(self.id, self.writer).map(Arriving::go_back))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Ok(upload) = self.blobs.0.lock().written_by(self.id, self.writer) {
            upload.settle();
        }
    }
}

struct Reader(Bytes);

impl BlobReader for Reader {
    fn read(&mut self) -> Boxed<'_, Result<Option<Bytes>, BlobError>> {
        let part = self.0.split_to(self.0.len().min(READ_BYTES));
        at_once(Ok((!part.is_empty()).then_some(part)))
    }
}
