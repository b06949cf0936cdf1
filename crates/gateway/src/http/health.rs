//! For those who watch: is the process alive, may it be sent work, what does it count.

use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::body::Bearer;
use super::{Api, Problem};
use crate::metrics as counted;

/// Alive as long as it answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready while the store takes writes and the server does not leave. A full disk is no reason to send people away:
/// reading goes on.
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

/// Prometheus' text, for holders of the API key: figures tell about people.
pub(super) async fn metrics(
    State(api): State<Arc<Api>>,
    Bearer(key): Bearer,
) -> Result<impl IntoResponse, Problem> {
    api.service.authenticate_app(&key)?;
    let mut text = api.metrics.as_ref().map(|handle| handle.render()).unwrap_or_default();
    text.push_str(&counted::present(&api.service.status()));
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
