//! The operator's door, by the API key: a backup of the running server, what users have reported, and how many are
//! online.

use std::sync::Arc;

use anser_types::limits::REPORT_TEXT_MAX_BYTES;
use anser_types::report::{About, Report, ReportId};
use anser_types::{ErrorCode, Refusal};
use axum::Json as JsonOut;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use futures::stream::unfold;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::app::App;
use super::body::{Json, Query, invalid};
use super::json::contents::ContentJson;
use super::json::scalars::Archive;
use super::json::{Base64, ConversationText, Number, UserName, text};
use super::refusals::refusals;
use super::{Api, Problem};

refusals! {
    Refused: ApiKeyInvalid, Unsupported;
    Missing: ApiKeyInvalid, TargetMissing;
}

/// Back the server up
///
/// Streams an archive of everything that is durable now; `anser backup` uses it. A connection that breaks, or an archive
/// without its end, is no backup.
#[utoipa::path(get, path = "/v1/admin/backup", tag = "admin",
    responses((status = 200, description = "The archive.", body = Archive,
        content_type = "application/vnd.anser.archive"), Refused))]
pub(super) async fn backup(
    State(api): State<Arc<Api>>,
    App(_): App,
) -> Result<impl IntoResponse, Problem> {
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

/// Which reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The report to go on after: the `next` of the page before.
    after: Option<String>,
    /// Closed ones too.
    #[serde(default)]
    all: bool,
}

/// What users have reported.
#[derive(Serialize, ToSchema)]
pub(super) struct ReportsPage {
    reports: Vec<ReportJson>,
    next: Option<String>,
}

/// Read what users have reported
#[utoipa::path(get, path = "/v1/admin/reports", tag = "admin", params(Wanted),
    responses((status = 200, description = "A page, the oldest first.", body = ReportsPage), Refused))]
pub(super) async fn reports(
    State(api): State<Arc<Api>>,
    App(operator): App,
    Query(wanted): Query<Wanted>,
) -> Result<JsonOut<ReportsPage>, Problem> {
    let after = wanted.after.as_deref().map(|text| report_id("after", text)).transpose()?;
    let page = api.service.reports(&operator, after, wanted.all).await?;
    let reports = page.reports.iter().map(ReportJson::from).collect();
    Ok(JsonOut(ReportsPage { reports, next: page.next.map(|id| id.to_string()) }))
}

/// A report that was dealt with.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"report": "1795891884506-2-7", "note": "warned"}))]
pub(super) struct Closing {
    report: String,
    /// What to remember of how it was dealt with.
    #[serde(default)]
    #[schema(schema_with = text::<REPORT_TEXT_MAX_BYTES>)]
    note: String,
}

/// Close a report
///
/// Notes that it was dealt with.
#[utoipa::path(post, path = "/v1/admin/reports/close", tag = "admin", request_body = Closing,
    responses((status = 200, description = "The report as it is now.", body = ReportJson), Missing))]
pub(super) async fn close_report(
    State(api): State<Arc<Api>>,
    App(operator): App,
    Json { value: closing, .. }: Json<Closing>,
) -> Result<JsonOut<ReportJson>, Problem> {
    let id = report_id("report", &closing.report)?;
    let closed = api.service.close_report(&operator, id, closing.note).await?;
    Ok(JsonOut((&closed).into()))
}

fn report_id(field: &str, text: &str) -> Result<ReportId, Refusal> {
    text.parse().map_err(|error| invalid(format!("{field}: {error}")))
}

/// A report.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
pub(super) struct ReportJson {
    report: String,
    /// Unix milliseconds.
    at_ms: Number,
    by: UserName,
    about: AboutJson,
    reason: &'static str,
    text: String,
    open: bool,
    closed_at_ms: Option<Number>,
    note: String,
}

/// What was reported, as it was then: a user, a conversation, or a message with a copy of what the reporter saw.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportedAbout)]
#[serde(untagged)]
enum AboutJson {
    User { user: UserName },
    Message(Box<ReportedMessage>),
    Conversation { conversation: ConversationText },
}

/// A message that was reported.
#[derive(Serialize, ToSchema)]
struct ReportedMessage {
    conversation: ConversationText,
    seq: Number,
    sender: UserName,
    /// Unix milliseconds.
    said_at_ms: Number,
    /// The kind's number.
    kind: u32,
    /// Its content, where that is text.
    text: Option<String>,
    content_base64: Base64,
    content: ContentJson,
}

impl From<&About> for AboutJson {
    fn from(about: &About) -> Self {
        match about {
            About::User(user) => Self::User { user: user.into() },
            About::Conversation(id) => Self::Conversation { conversation: (*id).into() },
            About::Message { conversation, seq, sender, said_at, content } => {
                Self::Message(Box::new(ReportedMessage {
                    conversation: (*conversation).into(),
                    seq: seq.0.into(),
                    sender: sender.into(),
                    said_at_ms: (*said_at).into(),
                    kind: content.kind.code(),
                    text: std::str::from_utf8(&content.body).ok().map(str::to_owned),
                    content_base64: Base64::of(&content.body),
                    content: content.into(),
                }))
            }
        }
    }
}

impl From<&Report> for ReportJson {
    fn from(report: &Report) -> Self {
        Self {
            report: report.id.to_string(),
            at_ms: report.id.at.into(),
            by: (&report.by).into(),
            about: (&report.about).into(),
            reason: report.reason.name(),
            text: report.text.clone(),
            open: report.closed_at.is_none(),
            closed_at_ms: report.closed_at.map(Number::from),
            note: report.note.clone(),
        }
    }
}

/// How many are online.
#[derive(Serialize, ToSchema)]
pub(super) struct Online {
    users_online: usize,
    sessions: usize,
}

/// See how many are online
///
/// Users with at least one session, and sessions, at this moment.
#[utoipa::path(get, path = "/v1/admin/online", tag = "admin",
    responses((status = 200, description = "So many.", body = Online), Refused))]
pub(super) async fn online(
    State(api): State<Arc<Api>>,
    App(_): App,
) -> Result<JsonOut<Online>, Problem> {
    let status = api.service.status();
    Ok(JsonOut(Online { users_online: status.users_online, sessions: status.sessions }))
}
