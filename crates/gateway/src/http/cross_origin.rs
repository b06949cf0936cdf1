//! What pages of other servers may: cross-origin requests (CORS) and sessions over WebSocket, for the same origins.

use std::sync::Arc;
use std::time::Duration;

use anser_types::{ErrorCode, Refusal};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{Api, Guest, tus};
use crate::origins::Origins;

/// How long a browser may go on without asking again. A change of the list asks for a new start of the server anyhow.
const PREFLIGHT_LASTS: Duration = Duration::from_secs(3600);

/// Answers browsers that ask whether a page may call the API. Never with credentials of the browser: a page shows its
/// token itself.
pub(super) fn cors(origins: &Arc<Origins>) -> CorsLayer {
    let origins = Arc::clone(origins);
    let named = move |page: &HeaderValue, _: &_| page.to_str().is_ok_and(|page| origins.name(page));
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(named))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("x-http-method-override"),
            tus::TUS_RESUMABLE,
            tus::UPLOAD_LENGTH,
            tus::UPLOAD_OFFSET,
            tus::UPLOAD_METADATA,
            tus::UPLOAD_CHECKSUM,
            tus::UPLOAD_CONCAT,
            tus::UPLOAD_DEFER_LENGTH,
        ])
        .expose_headers([
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            header::ETAG,
            header::LOCATION,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
            tus::TUS_RESUMABLE,
            tus::UPLOAD_LENGTH,
            tus::UPLOAD_OFFSET,
            tus::UPLOAD_METADATA,
            tus::UPLOAD_CONCAT,
            tus::UPLOAD_DEFER_LENGTH,
            tus::UPLOAD_EXPIRES,
            tus::TUS_VERSION,
            tus::TUS_EXTENSION,
            tus::TUS_CHECKSUM_ALGORITHM,
            tus::TUS_MAX_SIZE,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
        ])
        .max_age(PREFLIGHT_LASTS)
}

/// Lets a session begin unless it is asked for by a page that may not.
///
/// # Errors
/// `ORIGIN_REFUSED` names the page.
pub(super) fn admit(api: &Api, guest: &Guest, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(page) = headers.get(header::ORIGIN) else { return Ok(()) };
    let page = page.to_str().unwrap_or_default();
    let asked = api.proxies.hosts(guest.peer, headers);
    if api.origins.admit(page, asked.iter().map(String::as_str)) {
        return Ok(());
    }
    let detail = format!("{page:?} is neither of this server nor in listen.origins");
    Err(Refusal::because(ErrorCode::OriginRefused, detail))
}
