//! For those who watch: is the process alive, may it be sent work, what does it count.

use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::app::App;
use super::refusals::refusals;
use super::{Api, Problem};
use crate::metrics as counted;

refusals! {
    NotReady [only]: StoreFailed, Draining, TimedOut;
    NoKey [only]: ApiKeyInvalid, TimedOut;
}

/// Is the process alive?
///
/// It is as long as this answers.
#[utoipa::path(get, path = "/healthz", tag = "watching",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// May it be sent work?
///
/// Ready while the store takes writes and the server does not leave. A full disk is no reason to send people away:
/// reading goes on.
#[utoipa::path(get, path = "/readyz", tag = "watching",
    responses((status = 200, description = "It may.", body = String, content_type = "text/plain"), NotReady))]
pub(super) async fn readyz(State(api): State<Arc<Api>>) -> Result<&'static str, Problem> {
    let status = api.service.status();
    if let Some(why) = status.failed {
        return Err(Problem(Refusal::because(ErrorCode::StoreFailed, why)));
    }
    if status.draining {
        return Err(Problem(Refusal::new(ErrorCode::Draining)));
    }
    Ok("ready\n")
}

/// Read what the server counts
///
/// Prometheus' text, for holders of the API key: figures tell about people.
#[utoipa::path(get, path = "/metrics", tag = "watching", security(("api_key" = [])),
    responses((status = 200, description = "The figures.", body = String, content_type = "text/plain"), NoKey))]
pub(super) async fn metrics(
    State(api): State<Arc<Api>>,
    App(_): App,
) -> Result<impl IntoResponse, Problem> {
    let mut text = api.metrics.as_ref().map(|handle| handle.render()).unwrap_or_default();
    text.push_str(&counted::present(&api.service.status()));
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
