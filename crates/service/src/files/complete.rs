//! A complete upload becomes a file: its bytes are looked at, kept under their hash, and made known in one commit.

use anser_backend::{BlobError, Examined, PutFile};
use anser_types::{ErrorCode, FileId, Refusal, Sha256, StoredFile, UnixMs, UserNo};

use super::{Filing, bytes_refusal, store_refusal};

/// A file to be, as its owner sees it.
pub(super) struct Named {
    pub(super) id: FileId,
    pub(super) owner: UserNo,
    pub(super) name: String,
}

impl Named {
    /// The file with these bytes.
    pub(super) fn with(self, content: Examined, sent_bytes: u64, created_at: UnixMs) -> StoredFile {
        let Self { id, owner, name } = self;
        let Examined { sha256, bytes, media_type, look } = content;
        StoredFile { id, owner, name, media_type, bytes, sent_bytes, sha256, look, created_at }
    }
}

impl Filing {
    /// A file of this user.
    pub(super) async fn own_file(
        &self,
        owner: UserNo,
        id: FileId,
    ) -> Result<Option<StoredFile>, Refusal> {
        let found = self.known.file(id).await.map_err(store_refusal)?;
        Ok(found.filter(|file| file.owner == owner))
    }

    /// Makes a file of a complete upload; of one that was made already, tells which.
    pub(super) async fn complete(&self, now: UnixMs, id: FileId) -> Result<StoredFile, Refusal> {
        let _turn = self.enter_upload(id).await;
        if let Some(file) = self.known.file(id).await.map_err(store_refusal)? {
            return Ok(file);
        }
        let state = self.bytes.upload(id).await.map_err(bytes_refusal)?;
        let upload = state.ok_or_else(|| Refusal::new(ErrorCode::FileUnknown))?.upload;
        let examined = match self.bytes.examine(id).await {
            Ok(examined) => examined,
            Err(error) => {
                // Sending it again cannot help: what is here is not what was meant.
                if matches!(error, BlobError::OtherHash(_) | BlobError::Refused(_)) {
                    self.give_up_named(id, None).await?;
                }
                return Err(bytes_refusal(error));
            }
        };
        let (sha256, sent_bytes) = (examined.sha256, upload.length.unwrap_or(examined.bytes));
        let named = Named { id, owner: upload.owner, name: upload.name };
        let file = named.with(examined.clone(), sent_bytes, now);
        let put = {
            // Nobody removes these bytes between the two.
            let _bytes = self.enter_bytes(sha256).await;
            self.bytes.keep(id, examined).await.map_err(bytes_refusal)?;
            self.put(&file).await
        };
        match put {
            Ok(()) => {
                self.give_up_named(id, None).await?;
                Ok(file)
            }
            Err(refusal) => {
                if refusal.code == ErrorCode::QuotaExceeded {
                    self.give_up_named(id, Some(sha256)).await?;
                }
                Err(refusal)
            }
        }
    }

    /// Makes a file known whose bytes are kept; one that is known already is fine too.
    ///
    /// # Errors
    /// `QUOTA_EXCEEDED`, or what the store says.
    pub(super) async fn put(&self, file: &StoredFile) -> Result<(), Refusal> {
        let put = self.known.put_file(file.clone(), self.settings.user_bytes).await;
        match put.map_err(store_refusal)? {
            PutFile::Stored | PutFile::Exists => Ok(()),
            PutFile::OverQuota(usage) => Err(self.over_quota(usage.bytes, file.bytes)),
        }
    }

    /// Forgets an upload, and bytes of it that no file has.
    pub(crate) async fn give_up(&self, id: FileId) -> Result<(), Refusal> {
        let _turn = self.enter_upload(id).await;
        let state = self.bytes.upload(id).await.map_err(bytes_refusal)?;
        self.give_up_named(id, state.and_then(|state| state.kept_as)).await
    }

    async fn give_up_named(&self, id: FileId, kept_as: Option<Sha256>) -> Result<(), Refusal> {
        if let Some(sha256) = kept_as {
            self.remove_bytes(sha256).await?;
        }
        self.bytes.give_up(id).await.map_err(bytes_refusal)?;
        self.unfinished.forget(id);
        Ok(())
    }

    /// Removes bytes, unless a file has them.
    pub(super) async fn remove_bytes(&self, sha256: Sha256) -> Result<(), Refusal> {
        let _bytes = self.enter_bytes(sha256).await;
        let had = self.known.content(sha256).await.map_err(store_refusal)?;
        if had.is_none() {
            self.bytes.remove(sha256).await.map_err(bytes_refusal)?;
            self.known.bytes_removed(sha256).await.map_err(store_refusal)?;
        }
        Ok(())
    }
}
