//! Uploads on their way: announced, written to by one at a time, put together, given up. How far each is stands with its
//! bytes; here it is counted how many a user has and what they will take.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::{BlobError, Upload, UploadState, UploadWriter};
use anser_types::limits::{
    FILE_NAME_MAX_BYTES, UPLOAD_METADATA_MAX_BYTES, UPLOAD_PARTS_MAX, UPLOADS_PER_USER,
};
use anser_types::{ErrorCode, FileId, Refusal, Sha256, StoredFile, UnixMs, UserNo};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::standing::Standing;
use super::{Filing, bytes_refusal, store_refusal};
use crate::api::Caller;
use crate::service::Service;

/// What somebody wants to upload.
#[derive(Clone, Debug, Default)]
pub struct NewUpload {
    /// What it is called; may be empty.
    pub name: String,
    /// What its client said of it, word for word; given back to whoever asks how far it is.
    pub metadata: String,
    /// How many bytes it will have, if that is known yet.
    pub length: Option<u64>,
    /// The hash it must have in the end.
    pub sha256: Option<Sha256>,
    /// A picture is to be kept as it is, with what it tells beside its pixels.
    pub original: bool,
    /// It will be put together with others, and is no file by itself.
    pub part: bool,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadProgress {
    /// Its name, and the file's.
    pub id: FileId,
    /// Bytes that are here, durably.
    pub offset: u64,
    /// Bytes it will have, if that is known.
    pub length: Option<u64>,
    /// It is no file by itself.
    pub part: bool,
    /// As it was announced; forgotten once it is complete.
    pub metadata: String,
    /// When it is given up unless more comes; `None` once it is complete.
    pub expires_at: Option<UnixMs>,
    /// The file that it became.
    pub file: Option<StoredFile>,
}

/// What is counted of an upload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) owner: UserNo,
    /// What it will take, as far as that is known.
    pub(crate) bytes: u64,
    pub(crate) touched_at: UnixMs,
}

/// The uploads that are not complete, read from where they are kept when they are first asked for.
#[derive(Default)]
pub(crate) struct Unfinished {
    loaded: OnceCell<()>,
    uploads: Mutex<BTreeMap<FileId, Counted>>,
}

impl Unfinished {
    fn count(&self, id: FileId, counted: Counted) {
        self.uploads.lock().insert(id, counted);
    }

    pub(crate) fn get(&self, id: FileId) -> Option<Counted> {
        self.uploads.lock().get(&id).copied()
    }

    fn touch(&self, id: FileId, bytes: u64, at: UnixMs) {
        if let Some(one) = self.uploads.lock().get_mut(&id) {
            one.bytes = one.bytes.max(bytes);
            one.touched_at = at;
        }
    }

    pub(crate) fn forget(&self, id: FileId) {
        self.uploads.lock().remove(&id);
    }

    /// How many a user has, and what they will take.
    fn of(&self, user: UserNo) -> (usize, u64) {
        let uploads = self.uploads.lock();
        let of_user = uploads.values().filter(|one| one.owner == user);
        of_user.fold((0, 0), |(count, bytes), one| (count + 1, bytes + one.bytes))
    }

    /// Those to which nothing has come since.
    pub(crate) fn old(&self, since: UnixMs) -> Vec<FileId> {
        let uploads = self.uploads.lock();
        let old = uploads.iter().filter(|(_, one)| one.touched_at <= since);
        old.map(|(id, _)| *id).collect()
    }
}

impl Filing {
    /// What is counted of uploads, those of an earlier process too.
    pub(crate) async fn unfinished(&self) -> Result<&Unfinished, Refusal> {
        let load = || async {
            for UploadState { upload, offset, touched_at, .. } in self.bytes.uploads().await? {
                let bytes = upload.length.unwrap_or(offset);
                self.unfinished
                    .count(upload.id, Counted { owner: upload.owner, bytes, touched_at });
            }
            Ok(())
        };
        self.unfinished.loaded.get_or_try_init(load).await.map_err(bytes_refusal)?;
        Ok(&self.unfinished)
    }

    /// An upload of this user, as it is now; whoever writes to it lets go.
    pub(super) async fn own_upload(
        &self,
        owner: UserNo,
        id: FileId,
    ) -> Result<UploadState, Refusal> {
        let state = self.bytes.upload(id).await.map_err(bytes_refusal)?;
        let state = state.filter(|state| state.upload.owner == owner);
        state.ok_or_else(|| Refusal::new(ErrorCode::FileUnknown))
    }

    fn progress(&self, state: &UploadState) -> UploadProgress {
        UploadProgress {
            id: state.upload.id,
            offset: state.offset,
            length: state.upload.length,
            part: state.upload.part,
            metadata: state.upload.metadata.clone(),
            expires_at: Some(UnixMs(state.touched_at.0 + self.settings.upload_keep_ms)),
            file: None,
        }
    }

    /// Whether a user may begin another upload, of so many bytes.
    async fn admit(&self, owner: UserNo, bytes: u64) -> Result<(), Refusal> {
        self.check_size(bytes)?;
        let (count, coming) = self.unfinished().await?.of(owner);
        if count >= UPLOADS_PER_USER {
            let detail =
                format!("{count} uploads are not complete; the limit is {UPLOADS_PER_USER}");
            return Err(Refusal::because(ErrorCode::LimitReached, detail));
        }
        self.admit_bytes(owner, bytes, coming).await
    }

    /// Whether a user has room for an upload of so many bytes, while so many are coming in others.
    async fn admit_bytes(&self, owner: UserNo, bytes: u64, coming: u64) -> Result<(), Refusal> {
        let usage = self.known.usage(owner).await.map_err(store_refusal)?;
        let taken = usage.bytes + coming;
        if taken.saturating_add(bytes) > self.settings.user_bytes {
            return Err(self.over_quota(taken, bytes));
        }
        Ok(())
    }

    pub(super) fn over_quota(&self, taken: u64, bytes: u64) -> Refusal {
        let most = self.settings.user_bytes;
        let detail =
            format!("{taken} bytes are taken, {bytes} more would come; the limit is {most}");
        Refusal::because(ErrorCode::QuotaExceeded, detail)
    }
}

/// The way into an upload. Dropping it keeps what was taken.
pub struct UploadInto {
    service: Arc<Service>,
    owner: UserNo,
    id: FileId,
    writer: Box<dyn UploadWriter>,
    offset: u64,
    standing: Standing,
}

impl UploadInto {
    /// Takes the next bytes; waits while earlier ones are still being written.
    ///
    /// # Errors
    /// `FILE_TOO_LARGE`, `SIGNED_OUT`, `UPLOAD_CONFLICT` when another request took the upload over, or what the place of
    /// files says. What was taken before stays.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        let offset = self.offset + bytes.len() as u64;
        let filing = self.service.filing()?;
        if offset > filing.settings.file_bytes {
            let detail = format!("more than {} bytes", filing.settings.file_bytes);
            return Err(Refusal::because(ErrorCode::FileTooLarge, detail));
        }
        if let Some(now) = self.standing.ask().await? {
            // However long it takes, it is not given up while something comes.
            filing.unfinished.touch(self.id, offset, now);
        }
        self.writer.write(bytes).await.map_err(bytes_refusal)?;
        self.offset = offset;
        Ok(())
    }

    /// Makes everything durable that was taken; a complete upload becomes a file.
    ///
    /// # Errors
    /// What completing says ([`Service::upload`]), or what the place of files says.
    pub async fn finish(self) -> Result<UploadProgress, Refusal> {
        let offset = self.writer.finish().await.map_err(bytes_refusal)?;
        let filing = self.service.filing()?;
        filing.unfinished.touch(self.id, offset, self.service.clock().now());
        self.service.progress_of(self.owner, self.id).await
    }

    /// Throws away what was taken: its checksum was wrong.
    ///
    /// # Errors
    /// What the place of files says.
    pub async fn undo(self) -> Result<(), Refusal> {
        self.writer.undo().await.map_err(bytes_refusal)
    }
}

impl Service {
    /// Announces an upload.
    ///
    /// # Errors
    /// `FILE_TOO_LARGE`, `QUOTA_EXCEEDED`, `LIMIT_REACHED`, `INVALID_ARGUMENT`, `UNSUPPORTED` without a place for files.
    pub async fn begin_upload(
        &self,
        caller: &Caller,
        new: NewUpload,
    ) -> Result<UploadProgress, Refusal> {
        let filing = self.filing()?;
        if new.name.len() > FILE_NAME_MAX_BYTES || new.name.contains(['\0', '/', '\n', '\r']) {
            let detail =
                format!("a file's name: at most {FILE_NAME_MAX_BYTES} bytes, without slashes");
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        if new.metadata.len() > UPLOAD_METADATA_MAX_BYTES {
            let detail = format!(
                "what is said of an upload (metadata): at most {UPLOAD_METADATA_MAX_BYTES} bytes"
            );
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        if self.is_draining() {
            return Err(Refusal::new(ErrorCode::Draining).retry_after(2_000));
        }
        filing.admit(caller.user_no, new.length.unwrap_or(0)).await?;
        let NewUpload { name, metadata, length, sha256, original, part } = new;
        let (id, created_at) = (self.new_file_id(), self.clock().now());
        let owner = caller.user_no;
        let upload =
            Upload { id, owner, name, metadata, length, sha256, original, part, created_at };
        filing.bytes.begin(upload.clone()).await.map_err(bytes_refusal)?;
        let counted = Counted { owner, bytes: length.unwrap_or(0), touched_at: created_at };
        filing.unfinished.count(id, counted);
        if length == Some(0) && !part {
            return self.progress_of(owner, id).await;
        }
        let state = UploadState { upload, offset: 0, touched_at: created_at, kept_as: None };
        Ok(filing.progress(&state))
    }

    /// How far an upload is. Whoever writes to it lets go first; one that is complete becomes a file now, if it has not.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`; for a complete one `CHECKSUM_MISMATCH`, `PICTURE_REFUSED` or `QUOTA_EXCEEDED`, after which it is
    /// gone.
    pub async fn upload(&self, caller: &Caller, id: FileId) -> Result<UploadProgress, Refusal> {
        self.progress_of(caller.user_no, id).await
    }

    async fn progress_of(&self, owner: UserNo, id: FileId) -> Result<UploadProgress, Refusal> {
        let filing = self.filing()?;
        if let Some(file) = filing.own_file(owner, id).await? {
            return Ok(complete(file));
        }
        let state = match filing.own_upload(owner, id).await {
            // It may have become a file between the two looks.
            Err(refusal) if refusal.code == ErrorCode::FileUnknown => {
                return filing.own_file(owner, id).await?.map(complete).ok_or(refusal);
            }
            other => other?,
        };
        if state.upload.part || !state.is_complete() {
            return Ok(filing.progress(&state));
        }
        filing.complete(self.clock().now(), id).await.map(complete)
    }

    /// Lets an upload grow from where it ends. Whoever wrote to it before lets go.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`, `UPLOAD_CONFLICT` with where it goes on, `UPLOAD_BUSY`, `FILE_TOO_LARGE`, `QUOTA_EXCEEDED`.
    pub async fn write_upload(
        self: &Arc<Self>,
        caller: &Caller,
        id: FileId,
        offset: u64,
        length: Option<u64>,
    ) -> Result<UploadInto, Refusal> {
        let filing = self.filing()?;
        let owner = caller.user_no;
        let unfinished = filing.unfinished().await?;
        let counted = unfinished.get(id).filter(|counted| counted.owner == owner);
        let Some(counted) = counted else {
            return Err(match filing.own_file(owner, id).await? {
                Some(file) => bytes_refusal(BlobError::OtherOffset(file.sent_bytes)),
                None => Refusal::new(ErrorCode::FileUnknown),
            });
        };
        if let Some(length) = length {
            filing.check_size(length)?;
            let (_, coming) = unfinished.of(owner);
            filing.admit_bytes(owner, length, coming.saturating_sub(counted.bytes)).await?;
        }
        let now = self.clock().now();
        let writer = filing.bytes.write(id, offset, length, now).await.map_err(bytes_refusal)?;
        filing.unfinished.touch(id, length.unwrap_or(offset), now);
        let standing = Standing::of(self, Some(caller));
        Ok(UploadInto { service: Arc::clone(self), owner, id, writer, offset, standing })
    }

    /// Puts complete parts together as one upload, which becomes a file. The parts go.
    ///
    /// # Errors
    /// As [`Self::begin_upload`] and [`Self::upload`]; `FILE_INCOMPLETE` names a part that is not complete.
    pub async fn join_uploads(
        &self,
        caller: &Caller,
        new: NewUpload,
        parts: Vec<FileId>,
    ) -> Result<UploadProgress, Refusal> {
        let filing = self.filing()?;
        if parts.is_empty() || parts.len() > UPLOAD_PARTS_MAX {
            let detail = format!("1 to {UPLOAD_PARTS_MAX} parts");
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        let mut length = 0;
        for part in &parts {
            let state = filing.own_upload(caller.user_no, *part).await?;
            if !state.upload.part {
                let detail = format!("upload {part} was not announced as a part");
                return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
            }
            if !state.is_complete() {
                let detail = format!("part {part} has {} bytes so far", state.offset);
                return Err(Refusal::because(ErrorCode::FileIncomplete, detail));
            }
            length += state.offset;
        }
        // The parts are counted already and go when the whole is there.
        let new = NewUpload { length: None, part: false, ..new };
        filing.check_size(length)?;
        let whole = self.begin_upload(caller, new).await?.id;
        let joined = filing.bytes.join(whole, parts.clone(), self.clock().now()).await;
        if let Err(error) = joined {
            // The parts are still there; of a whole without bytes nobody was told.
            if let Err(refusal) = filing.give_up(whole).await {
                tracing::warn!(%whole, %refusal, "an empty upload stays until it expires");
            }
            return Err(bytes_refusal(error));
        }
        let progress = self.progress_of(caller.user_no, whole).await?;
        for part in parts {
            filing.give_up(part).await?;
        }
        Ok(progress)
    }

    /// Gives an upload up, or removes a file that no message holds.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`; `NOT_ALLOWED` if a message holds it.
    pub async fn give_up_upload(&self, caller: &Caller, id: FileId) -> Result<(), Refusal> {
        let filing = self.filing()?;
        if filing.own_file(caller.user_no, id).await?.is_some() {
            let removed = filing.known.remove_files(vec![id], UnixMs(u64::MAX)).await;
            return match removed.map_err(store_refusal)? {
                0 => {
                    let detail = "a message holds this file; take that back instead";
                    Err(Refusal::because(ErrorCode::NotAllowed, detail))
                }
                _ => Ok(()),
            };
        }
        filing.own_upload(caller.user_no, id).await?;
        filing.give_up(id).await
    }

    pub(super) fn new_file_id(&self) -> FileId {
        let mut name = [0; 16];
        self.entropy().fill(&mut name);
        FileId(name)
    }
}

fn complete(file: StoredFile) -> UploadProgress {
    UploadProgress {
        id: file.id,
        offset: file.sent_bytes,
        length: Some(file.sent_bytes),
        part: false,
        metadata: String::new(),
        expires_at: None,
        file: Some(file),
    }
}
