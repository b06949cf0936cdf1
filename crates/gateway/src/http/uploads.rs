//! Uploads: files on their way here, resumable after every break (tus 1.0.0, `tus.rs`). What has arrived stays, however a
//! request ends; a complete upload is a file under the same name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_service::{UploadInto, UploadProgress};
use anser_types::limits::TRANSFER_STALL_MS;
use anser_types::{ErrorCode, FileId, Refusal};
use axum::Json as JsonOut;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::openapi::{self, RefOr};
use utoipa::{IntoParams, IntoResponses};

use super::asker::Asker;
use super::body::{Path, invalid};
use super::headers::set;
use super::json::files::UploadJson;
use super::json::scalars::{FileBytes, FileName};
use super::refusals::{described, refusals};
use super::tus::{self, Checksum, Creation, UPLOAD_LENGTH, UPLOAD_OFFSET};
use super::{Api, Problem};

refusals! {
    Create: FileTooLarge, QuotaExceeded, LimitReached, FileUnknown, FileIncomplete, ChecksumMismatch, PictureRefused,
        Silent, UploadConflict, UploadBusy, FilesUnreachable, UnsupportedVersion;
    Look: FileUnknown, ChecksumMismatch, PictureRefused, QuotaExceeded, UploadBusy, FilesUnreachable;
    Write: FileUnknown, UploadConflict, UploadBusy, FileTooLarge, QuotaExceeded, ChecksumMismatch, PictureRefused, Silent,
        FilesUnreachable;
    Remove: FileUnknown, NotAllowed, UploadBusy, FilesUnreachable;
}

/// A body of another kind than bytes of an upload.
struct NoBytes;

impl IntoResponses for NoBytes {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let mut described = described(&[ErrorCode::InvalidArgument]);
        let response = described.remove("400").into_iter();
        response.map(|response| ("415".to_owned(), response)).collect()
    }
}

/// An upload.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UploadPath {
    /// The upload's name: the end of its address.
    file: FileName,
}

impl UploadPath {
    fn id(&self) -> Result<FileId, Refusal> {
        self.file.id("the path")
    }
}

/// Begin an upload
///
/// By tus 1.0.0, so any client of it will do; a body is taken at once. `Upload-Metadata` may say `filename`, `sha256` (what
/// the whole must be, 64 hexadecimal digits) and `original` (keep what a picture tells beside its pixels; else it is
/// removed). The upload's address comes in `Location`; its last part is the file's name, good for messages once it is
/// complete.
#[utoipa::path(post, path = "/v1/uploads", tag = "files",
    params(
        ("Upload-Length" = Option<u64>, Header, description = "Bytes of the whole."),
        ("Upload-Defer-Length" = Option<u64>, Header, description = "1: that is not known yet."),
        ("Upload-Metadata" = Option<String>, Header, description = "Keys with values in base64, between commas."),
        ("Upload-Concat" = Option<String>, Header, description = "`partial`: a part. `final;` and addresses: these parts as one.")),
    request_body(content = Option<FileBytes>, content_type = "application/offset+octet-stream"),
    responses((status = 201, description = "It has begun, or is complete already.", body = UploadJson), Create))]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let caller = asker.caller();
    // All that it says is read before anything begins.
    let checksum = Checksum::of(&headers)?;
    let mut progress = match tus::creation(&headers)? {
        Creation::Upload(new) => api.service.begin_upload(caller, new).await?,
        Creation::Whole(new, parts) => api.service.join_uploads(caller, new, parts).await?,
    };
    if tus::brings_bytes(&headers) && progress.file.is_none() {
        let into = api.service.write_upload(caller, progress.id, 0, None).await?;
        progress = take(into, body, checksum).await?;
    }
    let address = format!("/v1/uploads/{}", progress.id);
    let mut response = told(StatusCode::CREATED, progress);
    set(response.headers_mut(), LOCATION, &address);
    Ok(response)
}

/// See how far an upload is
///
/// `HEAD` says the same in its headers alone. Whoever is sending to it is cut off, so that the answer is the last word.
#[utoipa::path(get, path = "/v1/uploads/{file}", tag = "files", params(UploadPath),
    responses((status = 200, description = "So far.", body = UploadJson), Look))]
pub(super) async fn progress(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Path(path): Path<UploadPath>,
) -> Result<Response, Problem> {
    let progress = api.service.upload(asker.caller(), path.id()?).await?;
    Ok(told(StatusCode::OK, progress))
}

/// Send the next bytes of an upload
///
/// However the request ends, what has arrived stays; with `Upload-Checksum` (`sha1` or `sha256` and the value in base64) it
/// stays only if that is right. The answer to the last bytes comes when the file is complete. Where `PATCH` cannot be sent,
/// `POST` does the same.
#[utoipa::path(patch, path = "/v1/uploads/{file}", tag = "files",
    params(UploadPath,
        ("Upload-Offset" = u64, Header, description = "Where these bytes begin: where the upload ends."),
        ("Upload-Length" = Option<u64>, Header, description = "Bytes of the whole, where that became known now."),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the bytes of this request.")),
    request_body(content = FileBytes, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Taken; `Upload-Offset` says how far it is."), Write, NoBytes))]
pub(super) async fn write(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Path(path): Path<UploadPath>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !tus::brings_bytes(&headers) {
        let refusal = invalid(format!("Content-Type: {}", tus::BYTES));
        return Ok(Problem(refusal).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let offset = tus::number_in(&headers, &UPLOAD_OFFSET)?
        .ok_or_else(|| invalid("the header Upload-Offset is missing"))?;
    let length = tus::number_in(&headers, &UPLOAD_LENGTH)?;
    let checksum = Checksum::of(&headers)?;
    let into = api.service.write_upload(asker.caller(), path.id()?, offset, length).await?;
    let progress = take(into, body, checksum).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    tus::tell(response.headers_mut(), &progress);
    Ok(response)
}

/// Send the next bytes where PATCH cannot be sent
///
/// With `X-HTTP-Method-Override: PATCH`.
#[utoipa::path(post, path = "/v1/uploads/{file}", tag = "files",
    params(UploadPath,
        ("X-HTTP-Method-Override" = String, Header, description = "`PATCH`."),
        ("Upload-Offset" = u64, Header, description = "Where these bytes begin: where the upload ends."),
        ("Upload-Length" = Option<u64>, Header, description = "Bytes of the whole, where that became known now."),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the bytes of this request.")),
    request_body(content = FileBytes, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Taken; `Upload-Offset` says how far it is."), Write, NoBytes))]
pub(super) async fn write_by_post(
    state: State<Arc<Api>>,
    asker: Asker,
    path: Path<UploadPath>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
    if headers.get(OVERRIDE).is_none_or(|method| method != "PATCH") {
        return Err(invalid("X-HTTP-Method-Override: PATCH").into());
    }
    write(state, asker, path, headers, body).await
}

/// Give an upload up
///
/// Also removes a complete file, as long as no message holds it.
#[utoipa::path(delete, path = "/v1/uploads/{file}", tag = "files", params(UploadPath),
    responses((status = 204, description = "It is gone."), Remove))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Path(path): Path<UploadPath>,
) -> Result<StatusCode, Problem> {
    api.service.give_up_upload(asker.caller(), path.id()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(status: StatusCode, progress: UploadProgress) -> Response {
    let mut headers = HeaderMap::new();
    tus::tell(&mut headers, &progress);
    (status, headers, JsonOut(UploadJson::from(progress))).into_response()
}

/// Takes a request's bytes into an upload until they end, break off, or nothing comes for `TRANSFER_STALL_MS`.
async fn take(
    mut into: UploadInto,
    body: Body,
    mut checksum: Option<Checksum>,
) -> Result<UploadProgress, Problem> {
    let mut bytes = body.into_data_stream();
    let stall = Duration::from_millis(TRANSFER_STALL_MS);
    let broken = loop {
        match timeout(stall, bytes.next()).await {
            Ok(Some(Ok(block))) => {
                if let Some(checksum) = &mut checksum {
                    checksum.update(&block);
                }
                into.write(block).await?;
            }
            Ok(None) => break None,
            Ok(Some(Err(error))) => break Some(invalid(format!("the body broke off: {error}"))),
            Err(_) => {
                let detail = format!("nothing came for {} seconds", stall.as_secs());
                break Some(Refusal::because(ErrorCode::Silent, detail));
            }
        }
    };
    match (broken, checksum) {
        (None, Some(checksum)) if !checksum.holds() => {
            into.undo().await?;
            Err(Refusal::new(ErrorCode::ChecksumMismatch).into())
        }
        // Half of what a checksum was announced for cannot be told from something else.
        (Some(refusal), Some(_)) => {
            into.undo().await?;
            Err(refusal.into())
        }
        (Some(refusal), None) => {
            into.finish().await?;
            Err(refusal.into())
        }
        (None, _) => Ok(into.finish().await?),
    }
}
