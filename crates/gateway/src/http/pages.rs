//! The description of the routes, for programs and for people.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;

use super::manual::page;
use super::openapi::description;

/// Describe every route, for programs
///
/// OpenAPI 3.1; also by `anser openapi`.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "watching",
    responses((status = 200, description = "The description.", body = Object, content_type = "application/json")))]
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], description())
}

/// Describe every route, for people
///
/// One page without scripts and without anything from elsewhere.
#[utoipa::path(get, path = "/v1/docs", tag = "watching",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
pub(super) async fn docs() -> impl IntoResponse {
    let page = page();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, page.policy.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, page.text.as_str()).into_response()
}
