//! Files at the server: what they are, their bytes, their small pictures, links to them, the room they take.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_types::limits::TRANSFER_STALL_MS;
use anser_types::{
    ConversationId, ErrorCode, FileId, Look, Refusal, Sha256, ThumbnailSize, UnixMs,
};
use bytes::Bytes;
use reqwest::header::{IF_RANGE, RANGE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::connection::{HttpConnection, answer, failed_to_send, succeeded};
use super::file_json::{FileAnswer, LinksAnswer, UsageAnswer};

/// Silence of the server within an answer after which it is given up.
pub(super) const STALL: Duration = Duration::from_millis(TRANSFER_STALL_MS);

/// A file at the server, as the server tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name at the server: what a message holds.
    pub id: FileId,
    /// What its owner calls it; may be empty.
    pub name: String,
    /// What it is, found out from its bytes, as in `image/png`.
    pub media_type: String,
    /// How many bytes it has. A picture may have fewer than were sent: what it told beside its pixels is gone.
    pub bytes: u64,
    /// Their hash.
    pub sha256: Sha256,
    /// What it looks like, if it is a picture or a video of which a picture could be made.
    pub look: Option<Look>,
    /// When it was complete.
    pub created_at: UnixMs,
}

/// Addresses of a file for programs that send no token (an `<img>`, a player).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLinks {
    /// Until when they are good.
    pub expires_at: UnixMs,
    /// The file.
    pub content: String,
    /// Its smaller pictures; empty if there are none.
    pub thumbnails: BTreeMap<ThumbnailSize, String>,
}

/// How much room one's files take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileUsage {
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes they may have together.
    pub bytes_most: u64,
    /// The bytes that one of them may have.
    pub file_bytes_most: u64,
}

/// What a person's device may ask about files over HTTP; cheap to clone. `at` is the conversation where one saw the file:
/// with it the server need not look for one that lets its asker have it.
#[derive(Clone, Debug)]
pub struct FilesClient(pub(super) HttpConnection);

/// A file's bytes on their way, from some offset on.
#[derive(Debug)]
pub struct FileContent {
    response: Response,
    /// Where they begin: 0 when the server did not go on where it was asked to.
    pub from: u64,
}

impl FileContent {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `TIMED_OUT` after 30 seconds of silence, or the connection broke: what came before stands.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        match tokio::time::timeout(STALL, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| failed_to_send(&error)),
            Err(_) => Err(silent()),
        }
    }
}

/// An answer that begins before the server was silent for too long.
async fn answered(request: RequestBuilder) -> Result<Response, Refusal> {
    tokio::time::timeout(STALL, succeeded(request)).await.unwrap_or_else(|_| Err(silent()))
}

pub(super) fn silent() -> Refusal {
    let why = format!("the server was silent for {} s", STALL.as_secs());
    Refusal::because(ErrorCode::TimedOut, why)
}

impl FilesClient {
    /// Uses this connection.
    #[must_use]
    pub const fn new(connection: HttpConnection) -> Self {
        Self(connection)
    }

    /// What a file is.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`, `FILE_INCOMPLETE`, `TOKEN_INVALID`, or the connection failed.
    pub async fn info(
        &self,
        token: &SecretString,
        file: FileId,
        at: Option<ConversationId>,
    ) -> Result<FileInfo, Refusal> {
        let path = path(file, "", at);
        let found: FileAnswer = self.0.get(&path, token.expose_secret()).await?;
        found.read()
    }

    /// A file's bytes, from `from` on. If the file does not have this hash, or the server cannot go on there, they begin
    /// at 0: [`FileContent::from`] tells.
    ///
    /// # Errors
    /// As [`Self::info`], `FILES_UNREACHABLE`.
    pub async fn content(
        &self,
        token: &SecretString,
        file: FileId,
        at: Option<ConversationId>,
        from: u64,
        sha256: Sha256,
    ) -> Result<FileContent, Refusal> {
        let path = path(file, "/content", at);
        let mut request = self.0.transfer(Method::GET, &path, token.expose_secret())?;
        if from > 0 {
            request = request
                .header(RANGE, format!("bytes={from}-"))
                .header(IF_RANGE, format!("\"{sha256}\""));
        }
        let response = answered(request).await?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT;
        Ok(FileContent { response, from: if goes_on { from } else { 0 } })
    }

    /// A small picture of a file: a JPEG.
    ///
    /// # Errors
    /// As [`Self::info`].
    pub async fn thumbnail(
        &self,
        token: &SecretString,
        file: FileId,
        at: Option<ConversationId>,
        size: ThumbnailSize,
    ) -> Result<FileContent, Refusal> {
        let path = path(file, &format!("/thumbnails/{}", size.name()), at);
        let request = self.0.transfer(Method::GET, &path, token.expose_secret())?;
        Ok(FileContent { response: answered(request).await?, from: 0 })
    }

    /// Addresses that need no token, for some minutes.
    ///
    /// # Errors
    /// As [`Self::info`].
    pub async fn links(
        &self,
        token: &SecretString,
        file: FileId,
        at: Option<ConversationId>,
    ) -> Result<FileLinks, Refusal> {
        let path = path(file, "/links", at);
        let links: LinksAnswer = self.0.call_without_body(&path, token.expose_secret()).await?;
        links.read(|link| Ok(self.0.url(link)?.to_string()))
    }

    /// How much room one's files take.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, or the connection failed.
    pub async fn usage(&self, token: &SecretString) -> Result<FileUsage, Refusal> {
        let usage: UsageAnswer = self.0.get("/v1/files/usage", token.expose_secret()).await?;
        Ok(usage.into())
    }

    /// A JSON answer that may take long to make.
    pub(super) async fn patiently<A: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        token: &SecretString,
        patience: Duration,
    ) -> Result<A, Refusal> {
        let request = self.0.request(Method::GET, path, Some(token.expose_secret()))?;
        answer(succeeded(request.timeout(patience)).await?).await
    }
}

fn path(file: FileId, rest: &str, at: Option<ConversationId>) -> String {
    let at = at.map_or_else(String::new, |at| format!("?at={at}"));
    format!("/v1/files/{file}{rest}{at}")
}
