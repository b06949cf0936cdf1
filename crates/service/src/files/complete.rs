//! A complete upload becomes a file: its bytes are looked at, kept under their hash, and made known in one commit.

use anser_backend::{BlobError, PutFile};
use anser_types::{ErrorCode, FileId, Refusal, Sha256, StoredFile, UnixMs, UserNo};

use super::{Filing, bytes_refusal, store_refusal};

impl Filing {
    /// A file of this user.
    pub(super) async fn own_file(
        &self,
        owner: UserNo,
        id: FileId,
    ) -> Result<Option<StoredFile>, Refusal> {
        let found = self.known.file(id).await.map_err(|error| store_refusal(&error))?;
        Ok(found.filter(|file| file.owner == owner))
    }

    /// Makes a file of a complete upload; of one that was made already, tells which.
    pub(super) async fn complete(&self, now: UnixMs, id: FileId) -> Result<StoredFile, Refusal> {
        let _turn = self.turns.of(&id).await;
        if let Some(file) = self.known.file(id).await.map_err(|error| store_refusal(&error))? {
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
        let file = StoredFile {
            id,
            owner: upload.owner,
            name: upload.name,
            media_type: examined.media_type.clone(),
            bytes: examined.bytes,
            sent_bytes: upload.length.unwrap_or(examined.bytes),
            sha256: examined.sha256,
            look: examined.look.clone(),
            created_at: now,
        };
        let sha256 = examined.sha256;
        let put = {
            // Nobody removes these bytes between the two.
            let _bytes = self.bytes_turns.of(&sha256).await;
            self.bytes.keep(id, examined).await.map_err(bytes_refusal)?;
            let put = self.known.put_file(file.clone(), self.settings.user_bytes).await;
            put.map_err(|error| store_refusal(&error))?
        };
        match put {
            PutFile::Stored | PutFile::Exists => {
                self.give_up_named(id, None).await?;
                Ok(file)
            }
            PutFile::OverQuota(usage) => {
                self.give_up_named(id, Some(sha256)).await?;
                Err(self.over_quota(usage.bytes, file.bytes))
            }
        }
    }

    /// Forgets an upload, and bytes of it that no file has.
    pub(crate) async fn give_up(&self, id: FileId) -> Result<(), Refusal> {
        let _turn = self.turns.of(&id).await;
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
        let _bytes = self.bytes_turns.of(&sha256).await;
        let had = self.known.content(sha256).await.map_err(|error| store_refusal(&error))?;
        if had.is_none() {
            self.bytes.remove(sha256).await.map_err(bytes_refusal)?;
            self.known.bytes_removed(sha256).await.map_err(|error| store_refusal(&error))?;
        }
        Ok(())
    }
}
