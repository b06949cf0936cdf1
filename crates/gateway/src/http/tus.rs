//! What requests and answers of resumable uploads say in their headers (tus 1.0.0,
//! <https://tus.io/protocols/resumable-upload>): core, creation, creation with upload, deferred lengths, checksums,
//! expiration, termination, concatenation.

use std::time::{Duration, UNIX_EPOCH};

use anser_service::{NewUpload, UploadProgress};
use anser_types::{ErrorCode, FileId, Refusal, UnixMs};
use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Problem;
use super::body::{invalid, number};
use super::headers::set;

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation";
const CHECKSUMS: &str = "sha1,sha256";
/// What a body with bytes of an upload is.
pub(super) const BYTES: &str = "application/offset+octet-stream";

pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(super) const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");
pub(super) const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(super) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) const TUS_CHECKSUM_ALGORITHM: HeaderName =
    HeaderName::from_static("tus-checksum-algorithm");
pub(super) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");

/// Refuses other versions of the protocol, and says in every answer which one this is.
pub(super) async fn spoken(request: Request, next: Next) -> Response {
    let other = request.headers().get(TUS_RESUMABLE).is_some_and(|version| version != VERSION);
    let mut response = if other {
        let detail = format!("Tus-Resumable: only {VERSION} is spoken here");
        let refusal = Refusal::because(ErrorCode::UnsupportedVersion, detail);
        let mut refused = Problem(refusal).with_status(StatusCode::PRECONDITION_FAILED);
        refused.headers_mut().insert(TUS_VERSION, HeaderValue::from_static(VERSION));
        refused
    } else {
        next.run(request).await
    };
    let told = response.headers_mut();
    told.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What this server can do, for clients that ask before they begin.
pub(super) fn abilities(most_bytes: Option<u64>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let told = response.headers_mut();
    for (name, value) in [
        (TUS_VERSION, VERSION),
        (TUS_RESUMABLE, VERSION),
        (TUS_EXTENSION, EXTENSIONS),
        (TUS_CHECKSUM_ALGORITHM, CHECKSUMS),
    ] {
        told.insert(name, HeaderValue::from_static(value));
    }
    if let Some(most) = most_bytes {
        told.insert(TUS_MAX_SIZE, most.into());
    }
    response
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let value = headers.get(name).map(|value| value.to_str().map(|text| text.trim().to_owned()));
    value.transpose().map_err(|_| invalid(format!("{name}: not plain text")))
}

/// A number in a header.
pub(super) fn number_in(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Refusal> {
    text(headers, name)?.map(|said| number(name.as_str(), &said)).transpose()
}

/// What a creation asks for: an upload, or the whole of several parts.
pub(super) enum Creation {
    /// An upload.
    Upload(NewUpload),
    /// These parts, one behind the other.
    Whole(NewUpload, Vec<FileId>),
}

/// Reads what a creation asks for.
///
/// # Errors
/// `INVALID_ARGUMENT` names the header.
pub(super) fn creation(headers: &HeaderMap) -> Result<Creation, Refusal> {
    let mut new = metadata(headers)?;
    new.length = number_in(headers, &UPLOAD_LENGTH)?;
    let concat = text(headers, &UPLOAD_CONCAT)?;
    if let Some(parts) = concat.as_deref().and_then(|concat| concat.strip_prefix("final;")) {
        let parts = parts.split_ascii_whitespace().map(part).collect::<Result<_, _>>()?;
        return Ok(Creation::Whole(new, parts));
    }
    match concat.as_deref() {
        None => {}
        Some("partial") => new.part = true,
        Some(_) => return Err(invalid("Upload-Concat: partial, or final; and the parts")),
    }
    let deferred = text(headers, &UPLOAD_DEFER_LENGTH)?;
    match (new.length, deferred.as_deref()) {
        (Some(_), None) | (None, Some("1")) => Ok(Creation::Upload(new)),
        _ => Err(invalid("one of Upload-Length and Upload-Defer-Length: 1")),
    }
}

fn part(address: &str) -> Result<FileId, Refusal> {
    let name = address.rsplit('/').next().unwrap_or_default();
    name.parse().map_err(|error| invalid(format!("Upload-Concat: {error}")))
}

/// `filename`, `sha256` (64 hexadecimal digits) and `original`; what else stands there is kept and not looked at.
fn metadata(headers: &HeaderMap) -> Result<NewUpload, Refusal> {
    let said = text(headers, &UPLOAD_METADATA)?.unwrap_or_default();
    let mut new = NewUpload { metadata: said.clone(), ..NewUpload::default() };
    for pair in said.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let wrong = |what| invalid(format!("Upload-Metadata: {key}: {what}"));
        let value = STANDARD.decode(value.trim()).map_err(|_| wrong("no base64"))?;
        let value = String::from_utf8(value).map_err(|_| wrong("not UTF-8"))?;
        match key {
            "filename" | "name" => new.name = value,
            "original" => new.original = value != "false",
            "sha256" => {
                let hash = value.trim().parse();
                new.sha256 = Some(hash.map_err(|_| wrong("64 hexadecimal digits"))?);
            }
            _ => {}
        }
    }
    Ok(new)
}

/// The checksum of one request's bytes.
pub(super) struct Checksum {
    context: Context,
    expected: Vec<u8>,
}

impl Checksum {
    /// The checksum that a request announces, if it does.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for one that is not known.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(said) = text(headers, &UPLOAD_CHECKSUM)? else { return Ok(None) };
        let (name, value) = said.split_once(' ').unwrap_or((&said, ""));
        let algorithm: &'static Algorithm = match name {
            "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &SHA256,
            _ => return Err(invalid(format!("Upload-Checksum: one of {CHECKSUMS}"))),
        };
        let expected = STANDARD.decode(value.trim());
        let expected = expected.map_err(|_| invalid("Upload-Checksum: no base64"))?;
        Ok(Some(Self { context: Context::new(algorithm), expected }))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    pub(super) fn holds(&self) -> bool {
        self.context.clone().finish().as_ref() == self.expected
    }
}

/// Whether a request brings bytes of an upload.
pub(super) fn brings_bytes(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|said| said == BYTES)
}

/// Says how far an upload is.
pub(super) fn tell(headers: &mut HeaderMap, progress: &UploadProgress) {
    headers.insert(UPLOAD_OFFSET, progress.offset.into());
    match progress.length {
        Some(length) => headers.insert(UPLOAD_LENGTH, length.into()),
        None => headers.insert(UPLOAD_DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    if !progress.metadata.is_empty() {
        set(headers, UPLOAD_METADATA, &progress.metadata);
    }
    if progress.part {
        headers.insert(UPLOAD_CONCAT, HeaderValue::from_static("partial"));
    }
    if let Some(UnixMs(at)) = progress.expires_at {
        let at = UNIX_EPOCH + Duration::from_millis(at);
        set(headers, UPLOAD_EXPIRES, &httpdate::fmt_http_date(at));
    }
}
