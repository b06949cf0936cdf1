//! The operator's door, by the API key: a backup of the running server, what users have reported, and how many are
//! online.

use std::sync::Arc;

use anser_types::report::{About, Report, ReportId};
use anser_types::{ErrorCode, Refusal};
use axum::Json as JsonOut;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::unfold;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body::{Bearer, Json, invalid};
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

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// The report to go on after.
    after: Option<String>,
    /// Closed ones too.
    #[serde(default)]
    all: bool,
}

/// A page of what users have reported, the oldest first.
pub(super) async fn reports(
    State(api): State<Arc<Api>>,
    Bearer(key): Bearer,
    Query(wanted): Query<Wanted>,
) -> Result<JsonOut<Value>, Problem> {
    let operator = api.service.authenticate_app(&key)?;
    let after = wanted.after.as_deref().map(|text| report_id("after", text)).transpose()?;
    let page = api.service.reports(&operator, after, wanted.all).await?;
    let reports: Vec<Value> = page.reports.iter().map(as_json).collect();
    Ok(JsonOut(json!({ "reports": reports, "next": page.next.map(|id| id.to_string()) })))
}

#[derive(Deserialize)]
pub(super) struct Closing {
    report: String,
    #[serde(default)]
    note: String,
}

/// Notes that a report was dealt with.
pub(super) async fn close_report(
    State(api): State<Arc<Api>>,
    Bearer(key): Bearer,
    Json { value: closing, .. }: Json<Closing>,
) -> Result<JsonOut<Value>, Problem> {
    let operator = api.service.authenticate_app(&key)?;
    let id = report_id("report", &closing.report)?;
    let closed = api.service.close_report(&operator, id, closing.note).await?;
    Ok(JsonOut(as_json(&closed)))
}

fn report_id(field: &str, text: &str) -> Result<ReportId, Refusal> {
    text.parse().map_err(|error| invalid(format!("{field}: {error}")))
}

fn as_json(report: &Report) -> Value {
    let about = match &report.about {
        About::User(user) => json!({ "user": user.as_str() }),
        About::Conversation(id) => json!({ "conversation": id.to_string() }),
        About::Message { conversation, seq, sender, said_at, content } => json!({
            "conversation": conversation.to_string(),
            "seq": seq.to_string(),
            "sender": sender.as_str(),
            "said_at_ms": said_at.0.to_string(),
            "kind": content.kind.code(),
            "text": std::str::from_utf8(&content.body).ok(),
            "content_base64": STANDARD.encode(&content.body),
        }),
    };
    json!({
        "report": report.id.to_string(),
        "at_ms": report.id.at.0.to_string(),
        "by": report.by.as_str(),
        "about": about,
        "reason": report.reason.name(),
        "text": report.text,
        "open": report.closed_at.is_none(),
        "closed_at_ms": report.closed_at.map(|at| at.0.to_string()),
        "note": report.note,
    })
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
