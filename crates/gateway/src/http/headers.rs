//! Headers whose value is a text: set, and read as the list of tags that it is.

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Sets a header; a text with characters that no header may have is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// The tags of what a client has (`If-None-Match`, RFC 9110, section 13.1.2), without the marks of weak ones.
pub(super) fn known_tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let said = headers.get(IF_NONE_MATCH).and_then(|said| said.to_str().ok());
    said.into_iter().flat_map(|tags| tags.split(',')).map(|tag| {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag)
    })
}
