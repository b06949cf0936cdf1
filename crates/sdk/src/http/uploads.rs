//! Uploads by tus 1.0.0 (<https://tus.io/protocols/resumable-upload>), and the way that sends nothing because the server
//! has the bytes already.

use std::io;
use std::time::Duration;

use anser_types::{FileId, Refusal, Sha256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use super::connection::{answer, succeeded, unreadable};
use super::file_json::{ChallengeAnswer, ClaimBody, FileAnswer, OwnedBytes, UploadAnswer};
use super::files::{FileInfo, FilesClient, STALL, silent};

const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");
const BYTES: &str = "application/offset+octet-stream";
/// How long the server may take to answer once it has all bytes: it hashes a film and takes a picture out of it.
const ANSWER_WAIT: Duration = Duration::from_secs(120);
/// Bytes given to the connection at a time; the smallest progress that is seen.
const SLICE_BYTES: usize = 16 * 1024;

/// What somebody wants to upload.
#[derive(Clone, Debug, Default)]
pub struct NewUpload {
    /// What it is called; may be empty.
    pub name: String,
    /// How many bytes it will have, if that is known yet.
    pub length: Option<u64>,
    /// The hash it must have in the end.
    pub sha256: Option<Sha256>,
    /// A picture is to be kept as it is, with what it tells beside its pixels.
    pub original: bool,
}

/// How far an upload is at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadAt {
    /// Its name, and the file's.
    pub file: FileId,
    /// Bytes that are there.
    pub offset: u64,
    /// The file that it became, once all are there.
    pub stored: Option<FileInfo>,
}

/// Which bytes of an upload are sent.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Where they belong.
    pub offset: u64,
    /// How many there are.
    pub bytes: u64,
    /// Their hash. With it the server keeps all of them or none; without it what arrived before a break.
    pub sha256: Option<Sha256>,
    /// How many bytes the upload has in all, if that was not known when it began and is known now.
    pub length: Option<u64>,
}

/// The bytes of a piece, as they are read.
pub type PieceBytes = BoxStream<'static, io::Result<Bytes>>;

/// What the server wants to know to believe that somebody has a file.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Stands in front of what is hashed.
    pub nonce: Bytes,
    /// Offset and number of bytes of each place, in the order in which they are hashed.
    pub places: Vec<(u64, u64)>,
    pub(super) nonce_base64: String,
    pub(super) expires_at_ms: String,
    pub(super) seal: String,
}

impl FilesClient {
    /// Announces an upload; with `body`, all of its bytes come along.
    ///
    /// # Errors
    /// `FILE_TOO_LARGE`, `QUOTA_EXCEEDED`, `LIMIT_REACHED`, `INVALID_ARGUMENT`, or the connection failed. With a body also
    /// what [`Self::upload_at`] says.
    pub async fn begin_upload(
        &self,
        token: &SecretString,
        new: &NewUpload,
        body: Option<Bytes>,
    ) -> Result<UploadAt, Refusal> {
        let request = self.0.transfer(Method::POST, "/v1/uploads", token.expose_secret())?;
        let request = request.header(TUS.0, TUS.1).header("Upload-Metadata", metadata(new));
        let request = match new.length {
            Some(length) => request.header("Upload-Length", length),
            None => request.header("Upload-Defer-Length", 1),
        };
        let body = body.unwrap_or_default();
        let response = send(request, body.len() as u64, whole(body), |_| ()).await?;
        answer::<UploadAnswer>(response).await?.read()
    }

    /// Sends some bytes; says where the upload goes on. `sent` hears how many of them are on their way.
    ///
    /// # Errors
    /// `UPLOAD_CONFLICT` when they do not belong there, `UPLOAD_BUSY`, `CHECKSUM_MISMATCH`, `FILE_UNKNOWN`,
    /// `FILE_TOO_LARGE`, `QUOTA_EXCEEDED`, `PICTURE_REFUSED`; or the connection failed, and some may have arrived.
    pub async fn append(
        &self,
        token: &SecretString,
        file: FileId,
        piece: Piece,
        bytes: PieceBytes,
        sent: impl FnMut(u64) + Send,
    ) -> Result<u64, Refusal> {
        let path = upload_path(file);
        let mut request = self
            .0
            .transfer(Method::PATCH, &path, token.expose_secret())?
            .header(TUS.0, TUS.1)
            .header("Upload-Offset", piece.offset);
        if piece.bytes == 0 {
            // The end of a source may be known only after its last byte was sent.
            request = request.header(CONTENT_TYPE, BYTES);
        } else if let Some(sha256) = piece.sha256 {
            let sum = format!("sha256 {}", STANDARD.encode(sha256.0));
            request = request.header("Upload-Checksum", sum);
        }
        if let Some(length) = piece.length {
            request = request.header("Upload-Length", length);
        }
        let response = send(request, piece.bytes, bytes, sent).await?;
        let offset = header(response.headers(), "Upload-Offset")?;
        offset.parse().map_err(|_| unreadable(format!("Upload-Offset: {offset}")))
    }

    /// How far an upload is, and the file it became.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`; when all bytes are there also `CHECKSUM_MISMATCH`, `PICTURE_REFUSED` and `QUOTA_EXCEEDED`, after
    /// which it is gone.
    pub async fn upload_at(&self, token: &SecretString, file: FileId) -> Result<UploadAt, Refusal> {
        let found: UploadAnswer = self.patiently(&upload_path(file), token, ANSWER_WAIT).await?;
        found.read()
    }

    /// Gives an upload up, or removes a file that no message holds.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`, `NOT_ALLOWED` if a message holds it, or the connection failed.
    pub async fn give_up_upload(&self, token: &SecretString, file: FileId) -> Result<(), Refusal> {
        let path = upload_path(file);
        let request = self.0.request(Method::DELETE, &path, Some(token.expose_secret()))?;
        succeeded(request.header(TUS.0, TUS.1)).await.map(drop)
    }

    /// Asks how to show that one has a file with this hash and length.
    ///
    /// # Errors
    /// `FILE_TOO_LARGE`, or the connection failed.
    pub async fn challenge(
        &self,
        token: &SecretString,
        sha256: Sha256,
        bytes: u64,
    ) -> Result<Challenge, Refusal> {
        let body = OwnedBytes { sha256: sha256.to_string(), bytes: bytes.to_string() };
        let token = Some(token.expose_secret());
        let found: ChallengeAnswer = self.0.call("/v1/files/challenge", token, &[], &body).await?;
        found.read()
    }

    /// Makes a file of bytes that the server has. `proof` is the SHA-256 of the nonce and the bytes at the places.
    ///
    /// # Errors
    /// `NOT_IN_POSSESSION`: upload it then. `QUOTA_EXCEEDED`, or the connection failed.
    pub async fn claim(
        &self,
        token: &SecretString,
        (sha256, bytes): (Sha256, u64),
        challenge: &Challenge,
        proof: Sha256,
        new: &NewUpload,
    ) -> Result<FileInfo, Refusal> {
        let body = ClaimBody {
            sha256: sha256.to_string(),
            bytes: bytes.to_string(),
            nonce_base64: &challenge.nonce_base64,
            expires_at_ms: &challenge.expires_at_ms,
            seal: &challenge.seal,
            proof: proof.to_string(),
            name: &new.name,
            original: new.original,
        };
        let token = Some(token.expose_secret());
        let file: FileAnswer = self.0.call("/v1/files/claim", token, &[], &body).await?;
        file.read()
    }
}

fn upload_path(file: FileId) -> String {
    format!("/v1/uploads/{file}")
}

fn metadata(new: &NewUpload) -> String {
    let mut pairs = Vec::new();
    if !new.name.is_empty() {
        pairs.push(format!("filename {}", STANDARD.encode(&new.name)));
    }
    if let Some(sha256) = new.sha256 {
        pairs.push(format!("sha256 {}", STANDARD.encode(sha256.to_string())));
    }
    if new.original {
        pairs.push("original".to_owned());
    }
    pairs.join(",")
}

/// Bytes that are all there.
pub(crate) fn whole(bytes: Bytes) -> PieceBytes {
    futures::stream::iter([Ok(bytes)]).boxed()
}

/// The same bytes in parts so small that each of them is progress.
fn in_slices(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> {
    let slices = (0..bytes.len().div_ceil(SLICE_BYTES)).map(move |n| {
        let end = bytes.len().min((n + 1) * SLICE_BYTES);
        Ok(bytes.slice(n * SLICE_BYTES..end))
    });
    futures::stream::iter(slices)
}

/// Sends a request with these bytes. It may take as long as it likes, but not without getting on.
async fn send(
    request: RequestBuilder,
    length: u64,
    bytes: PieceBytes,
    mut sent: impl FnMut(u64),
) -> Result<Response, Refusal> {
    let (handing, mut handed) = watch::channel(0_u64);
    let bytes = bytes.map_ok(in_slices).try_flatten().inspect_ok(move |bytes| {
        handing.send_modify(|so_far| *so_far += bytes.len() as u64);
    });
    let request = if length == 0 {
        request.header(CONTENT_LENGTH, 0)
    } else {
        let body = Body::wrap_stream(bytes);
        request.header(CONTENT_LENGTH, length).header(CONTENT_TYPE, BYTES).body(body)
    };
    let mut answered = std::pin::pin!(succeeded(request));
    let mut all_handed = length == 0;
    loop {
        let patience = if all_handed { ANSWER_WAIT } else { STALL };
        tokio::select! {
            biased;
            answer = &mut answered => return answer,
            changed = handed.changed(), if !all_handed => {
                let so_far = *handed.borrow_and_update();
                // The end of the body is also the end of what is told about it.
                all_handed = changed.is_err() || so_far == length;
                sent(so_far);
            }
            () = tokio::time::sleep(patience) => return Err(silent()),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| unreadable(format!("no {name}")))
}
