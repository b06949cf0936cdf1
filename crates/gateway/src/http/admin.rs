//! The operator's door, by the API key: a backup of the running server, and how many are online.

use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use axum::Json as JsonOut;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use futures::stream::unfold;
use serde::Serialize;

use super::body::Bearer;
use super::{Api, Problem};

/// Streams an archive of everything that is durable now. A connection that breaks, or an archive without its end, is
/// no backup.
pub(super) async fn backup(
    State(api): State<Arc<Api>>,
    Bearer(key): Bearer,
) -> Result<impl IntoResponse, Problem> {
    api.service.authenticate_app(&key)?;
    let source = api.backups.as_ref().ok_or_else(|| {
        Refusal::because(ErrorCode::Unsupported, "this server has no store to back up")
    })?;
    let pieces = source.begin().await?;
    let body = Body::from_stream(unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    }));
    Ok(([(CONTENT_TYPE, "application/vnd.anser.archive")], body))
}

#[derive(Serialize)]
pub(super) struct Online {
    users_online: usize,
    sessions: usize,
}

/// Users with at least one session, and sessions, at this moment.
pub(super) async fn online(
    State(api): State<Arc<Api>>,
    Bearer(key): Bearer,
) -> Result<JsonOut<Online>, Problem> {
    api.service.authenticate_app(&key)?;
    let status = api.service.status();
    Ok(JsonOut(Online { users_online: status.users_online, sessions: status.sessions }))
}
