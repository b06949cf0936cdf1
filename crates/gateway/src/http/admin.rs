//! The operator's door, by the API key: a backup of the running server.

use std::sync::Arc;

use anser_types::{ErrorCode, Refusal};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use futures::stream::unfold;

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
