//! Files: sending them to the server, fetching them, looking at them.

use std::path::PathBuf;

use anser_types::{ErrorCode, FileId, Refusal, ThumbnailSize};
use bytes::Bytes;

use super::account::no_http;
use super::handle::Client;
use crate::error::Error;
use crate::files::{
    self, Doors, FileAt, Receiving, RunningUpload, Sending, Transfer, UploadOptions, UploadSource,
    Wanted,
};
use crate::http::{FileInfo, FileLinks, FileUsage, FilesClient};
use crate::store::{KeptUpload, UploadNo};

/// Bytes of a small picture, far above what the largest takes.
const THUMBNAIL_BYTES: u64 = 4 << 20;

/// An upload of a file that is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// Names it: [`Client::resume_upload`].
    pub no: UploadNo,
    /// The file.
    pub path: PathBuf,
    /// What it is called at the server.
    pub name: String,
    /// Its bytes when it was begun.
    pub bytes: u64,
    /// About how many the server has: as was noted last.
    pub sent: u64,
    /// A picture is kept as it is.
    pub original: bool,
    /// It goes on now, in this process.
    pub running: bool,
}

impl Client {
    /// Sends a file to the server. It begins at once, before anything is said with it, and goes on by itself through
    /// breaks until it is done; a file by its path also after a restart of the app ([`Self::uploads`]). The same file is
    /// not sent twice: a path whose upload was interrupted goes on, and bytes that the server has are not sent at all.
    /// Nobody but this user gets the file until a message holds it ([`Self::create_file_message_of`]); one that no message
    /// holds is kept for a week.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it cannot be read; `UPLOAD_BUSY` when this file is on its way already; `CONFIG_INVALID` when
    /// no HTTP base is known; the store failed. What the server says is the transfer's end.
    pub async fn upload(
        &self,
        source: impl Into<UploadSource>,
        options: UploadOptions,
    ) -> Result<Transfer, Error> {
        let doors = self.doors()?;
        let mut sending = Sending::new(doors, source.into().0, options).await?;
        let Some(wanted) = sending.to_keep() else { return Ok(self.begin_upload(sending)) };
        let kept = self.inner.store.uploads().await?;
        let same = kept.into_iter().find(|kept| {
            kept.path == wanted.path
                && kept.stamp == wanted.stamp
                && (&kept.name, kept.original) == (&wanted.name, wanted.original)
        });
        let no = match &same {
            Some(kept) => kept.no,
            None => self.inner.store.keep_upload(wanted).await?,
        };
        sending.keep(self.run_alone(no)?, same.as_ref());
        Ok(self.begin_upload(sending))
    }

    /// Uploads that are not complete, of this run of the app and of earlier ones, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn uploads(&self) -> Result<Vec<UnfinishedUpload>, Error> {
        let kept = self.inner.store.uploads().await?;
        let shown = kept.into_iter().map(|kept| UnfinishedUpload {
            running: self.inner.running_uploads.has(kept.no),
            no: kept.no,
            path: kept.path,
            name: kept.name,
            bytes: kept.stamp.bytes,
            sent: kept.offset,
            original: kept.original,
        });
        Ok(shown.collect())
    }

    /// Goes on with an upload of an earlier run. A file that was changed meanwhile is sent anew.
    ///
    /// # Errors
    /// `FILE_UNKNOWN` when there is no such upload; else as [`Self::upload`].
    pub async fn resume_upload(&self, no: UploadNo) -> Result<Transfer, Error> {
        let doors = self.doors()?;
        let kept = self.kept_upload(no).await?;
        let running = self.run_alone(no)?;
        let options = UploadOptions { name: Some(kept.name.clone()), original: kept.original };
        let wanted = Wanted::Path(kept.path.clone());
        let mut sending = Sending::new(doors, wanted, options).await?;
        sending.keep(running, Some(&kept));
        Ok(self.begin_upload(sending))
    }

    /// Forgets an upload of an earlier run; the server gives up what it has of it.
    ///
    /// # Errors
    /// `FILE_UNKNOWN` when there is no such upload; `UPLOAD_BUSY` while it is on its way: cancel its transfer.
    pub async fn forget_upload(&self, no: UploadNo) -> Result<(), Error> {
        let kept = self.kept_upload(no).await?;
        let _running = self.run_alone(no)?;
        if let Some(file) = kept.file {
            let doors = self.doors()?;
            let given_up = doors.http.give_up_upload(&doors.token().await?, file).await;
            if let Err(refusal) = given_up {
                tracing::debug!(%refusal, "the server gives an upload up by itself");
            }
        }
        Ok(self.inner.store.forget_upload(no).await?)
    }

    /// Fetches a file to a path where nothing is. What has come lies in a file beside it (`.part`) until all of it is there
    /// and its hash is right; after a break, also of the app, it goes on where it stopped. Nothing is overwritten.
    ///
    /// # Errors
    /// `NOT_EMPTY`, `CONFIG_INVALID` when no HTTP base is known. What the server says is the transfer's end;
    /// `CHECKSUM_MISMATCH` when what came was not what was sent, or not what the message names.
    pub fn download(
        &self,
        file: impl Into<FileAt>,
        target: impl Into<PathBuf>,
    ) -> Result<Transfer, Error> {
        let receiving = Receiving::new(self.doors()?, file.into(), target.into())?;
        Ok(files::begin(receiving, None, self.watch_state()))
    }

    /// What a file is.
    ///
    /// # Errors
    /// `FILE_UNKNOWN` when there is none or one may not see it, `FILE_INCOMPLETE`, or the server cannot be reached.
    pub async fn file_info(&self, file: impl Into<FileAt>) -> Result<FileInfo, Error> {
        let FileAt { file, at, .. } = file.into();
        let doors = self.doors()?;
        Ok(doors.http.info(&doors.token().await?, file, at).await?)
    }

    /// A small file's bytes; its hash is checked.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there are more than `most`, `CHECKSUM_MISMATCH`, else as [`Self::file_info`].
    pub async fn file_bytes(&self, file: impl Into<FileAt>, most: u64) -> Result<Bytes, Error> {
        let FileAt { file, at, sha256 } = file.into();
        let doors = self.doors()?;
        let token = doors.token().await?;
        let sha256 = match sha256 {
            Some(sha256) => sha256,
            None => doors.http.info(&token, file, at).await?.sha256,
        };
        let content = doors.http.content(&token, file, at, 0, sha256).await?;
        Ok(files::in_memory(content, most, Some(sha256)).await?)
    }

    /// A small picture of a picture or a video: a JPEG. [`FileInfo::look`] says which sizes there are.
    ///
    /// # Errors
    /// As [`Self::file_info`].
    pub async fn thumbnail(
        &self,
        file: impl Into<FileAt>,
        size: ThumbnailSize,
    ) -> Result<Bytes, Error> {
        let FileAt { file, at, .. } = file.into();
        let doors = self.doors()?;
        let content = doors.http.thumbnail(&doors.token().await?, file, at, size).await?;
        Ok(files::in_memory(content, THUMBNAIL_BYTES, None).await?)
    }

    /// Addresses of a file and its small pictures that need no token, for some minutes: for a player or a browser.
    ///
    /// # Errors
    /// As [`Self::file_info`].
    pub async fn file_links(&self, file: impl Into<FileAt>) -> Result<FileLinks, Error> {
        let FileAt { file, at, .. } = file.into();
        let doors = self.doors()?;
        Ok(doors.http.links(&doors.token().await?, file, at).await?)
    }

    /// How much room one's files take, and how much they may.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn file_usage(&self) -> Result<FileUsage, Error> {
        let doors = self.doors()?;
        Ok(doors.http.usage(&doors.token().await?).await?)
    }

    /// Removes a file of one's own at the server that no message holds: it was not sent after all.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`, `NOT_ALLOWED` when a message holds it: take that back instead.
    pub async fn remove_file(&self, file: FileId) -> Result<(), Error> {
        let doors = self.doors()?;
        Ok(doors.http.give_up_upload(&doors.token().await?, file).await?)
    }

    fn doors(&self) -> Result<Doors, Error> {
        let http: FilesClient = self.inner.files.clone().ok_or_else(no_http)?;
        Ok(Doors { http, store: self.inner.store.clone() })
    }

    async fn kept_upload(&self, no: UploadNo) -> Result<KeptUpload, Error> {
        let kept = self.inner.store.uploads().await?;
        kept.into_iter().find(|kept| kept.no == no).ok_or_else(|| {
            let why = format!("there is no unfinished upload {no} here");
            Refusal::because(ErrorCode::FileUnknown, why).into()
        })
    }

    /// Makes sure that an upload goes on once.
    fn run_alone(&self, no: UploadNo) -> Result<RunningUpload, Error> {
        self.inner.running_uploads.begin(no).ok_or_else(|| {
            let why = format!("upload {no} is on its way already");
            Refusal::because(ErrorCode::UploadBusy, why).into()
        })
    }

    fn begin_upload(&self, sending: Sending) -> Transfer {
        let total = sending.length();
        files::begin(sending, total, self.watch_state())
    }
}
