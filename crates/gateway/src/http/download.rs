//! The bytes of files on their way out: as one answer or a part of it, with headers that let no browser take them for a
//! page of this server.

use std::ops::Range;
use std::sync::Arc;

use anser_service::{Caller, FileReader, Service, Variant};
use anser_types::limits::FILE_LINK_LIFE_MS;
use anser_types::{ErrorCode, Refusal, StoredFile, may_be_shown};
use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::unfold;

use super::Problem;
use super::headers::set;
use super::ranges::{Wanted, wanted};

/// Nothing that a file says is done, even where somebody opens it as a page.
const POLICY: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

/// Answers with the file, or the part that is asked for.
pub(super) async fn answer(
    service: &Arc<Service>,
    (file, caller): (&StoredFile, Option<&Caller>),
    variant: Variant,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (media_type, tag) = match variant {
        Variant::Whole => (file.media_type.as_str(), format!("\"{}\"", file.sha256)),
        Variant::Thumbnail(size) => ("image/jpeg", format!("\"{}-{}\"", file.sha256, size.name())),
    };
    // Of a smaller picture it is not known beforehand how long it is.
    let (bytes, opened) = match variant {
        Variant::Whole => (file.bytes, None),
        Variant::Thumbnail(_) => {
            let reader = service.read_file(caller, file, variant, None).await?;
            (reader.bytes, Some(reader))
        }
    };
    let (status, range) = match wanted(headers, &tag, bytes) {
        Wanted::Nothing => return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response()),
        Wanted::Outside => return Ok(outside(bytes)),
        Wanted::Whole => (StatusCode::OK, 0..bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let reader = match opened {
        Some(reader) if status == StatusCode::OK => reader,
        _ => service.read_file(caller, file, variant, Some(range.clone())).await?,
    };
    let mut response = (status, body(reader)).into_response();
    let told = response.headers_mut();
    describe(told, media_type, &file.name);
    set(told, ETAG, &tag);
    told.insert(CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        set(told, CONTENT_RANGE, &content_range(&range, bytes));
    }
    Ok(response)
}

fn content_range(range: &Range<u64>, bytes: u64) -> String {
    format!("bytes {}-{}/{bytes}", range.start, range.end - 1)
}

fn outside(bytes: u64) -> Response {
    let detail = format!("the file has {bytes} bytes");
    let refusal = Refusal::because(ErrorCode::InvalidArgument, detail);
    let mut response = Problem(refusal).with_status(StatusCode::RANGE_NOT_SATISFIABLE);
    set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{bytes}"));
    response
}

fn describe(headers: &mut HeaderMap, media_type: &str, name: &str) {
    let how = if may_be_shown(media_type) { "inline" } else { "attachment" };
    // RFC 8187; what is no letter, digit or one of these is written by its bytes.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    let disposition =
        if name.is_empty() { how.to_owned() } else { format!("{how}; filename*=UTF-8''{encoded}") };
    set(headers, CONTENT_TYPE, media_type);
    set(headers, CONTENT_DISPOSITION, &disposition);
    set(headers, CACHE_CONTROL, &format!("private, max-age={}", FILE_LINK_LIFE_MS / 1_000));
    set(headers, CONTENT_SECURITY_POLICY, POLICY);
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, ACCEPT_RANGES, "bytes");
    set(headers, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
}

/// The bytes as they are read. Whose file cannot be read to its end is cut off: what it has is shorter than it was told.
fn body(reader: FileReader) -> Body {
    Body::from_stream(unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.read().await {
            Ok(Some(block)) => Some((Ok(block), Some(reader))),
            Ok(None) => None,
            Err(refusal) => Some((Err::<Bytes, _>(refusal), None)),
        }
    }))
}
