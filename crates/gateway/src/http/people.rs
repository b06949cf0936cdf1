//! Other people: contacts, who is online, what one lets them see, and reports to the operators.

use anser_service::{Query as Ask, Reply};
use anser_types::limits::REPORT_TEXT_MAX_BYTES;
use anser_types::report::{ReportReason, Reported};
use anser_types::{Command, ItemKey, ItemKind, Refusal, Seq, Settings};
use axum::Json as JsonOut;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use super::asker::{Asker, DoneJson, Once, unforeseen};
use super::body::{Json, Path, Query};
use super::items::items;
use super::json::conversations::PresenceJson;
use super::json::lists::{ContactActJson, ContactJson, ItemJson, SetSettingsJson, SettingsJson};
use super::json::scalars::{Cursor, named};
use super::json::{Number, To, UserName, text};
use super::paths::{ListQuery, known, several, tagged};
use super::refusals::refusals;

refusals! {
    Own: UserUnknown;
    Set: UserUnknown, Conflict;
    About: UserUnknown, TargetMissing, SenderRefused, NotAllowed, LimitReached, TooManyStrangers, Conflict;
    Tell: UserUnknown, ConversationUnknown, TargetMissing, TooManyReports, Conflict;
}

/// One's contacts.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactsPage {
    contacts: Vec<ContactJson>,
    next: Option<Cursor>,
}

/// List one's contacts
///
/// With applications either way, and those who are blocked.
#[utoipa::path(get, path = "/v1/contacts", tag = "people", params(ListQuery),
    responses((status = 200, description = "A page, by user id.", body = ContactsPage),
        (status = 304, description = "The client has it (`If-None-Match`)."), Own))]
pub(super) async fn contacts(
    asker: Asker,
    headers: HeaderMap,
    Query(page): Query<ListQuery>,
) -> Result<Response, Problem> {
    let found = items(&asker, None, ItemKey::all(ItemKind::Contact), &page).await?;
    let contacts = found.items.into_iter().filter_map(|item| match item {
        ItemJson::Contact(contact) => Some(contact),
        _ => None,
    });
    let page = ContactsPage { contacts: contacts.collect(), next: found.next };
    Ok(tagged(found.change_head, known(&headers), page))
}

/// Somebody.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UserPath {
    /// Whom.
    user: UserName,
}

/// Do something about another user
///
/// Ask to be contacts, answer, name them, end it, block, unblock.
#[utoipa::path(post, path = "/v1/contacts/{user}", tag = "people", params(UserPath), request_body = ContactActJson,
    responses((status = 200, description = "Done.", body = DoneJson), About))]
pub(super) async fn contact(
    asker: Asker,
    once: Once,
    Path(path): Path<UserPath>,
    Json { value: act, bytes }: Json<ContactActJson>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let command = Command::Contact { user: path.user.id("the path")?, act: act.into() };
    asker.execute(once, &bytes, command).await
}

/// Read what one lets others do and see
#[utoipa::path(get, path = "/v1/settings", tag = "people",
    responses((status = 200, description = "The settings.", body = SettingsJson),
        (status = 304, description = "The client has them (`If-None-Match`)."), Own))]
pub(super) async fn settings(asker: Asker, headers: HeaderMap) -> Result<Response, Problem> {
    let found = items(&asker, None, ItemKey::settings(), &ListQuery::default()).await?;
    let set = found.items.into_iter().find_map(|item| match item {
        ItemJson::Settings(settings) => Some(settings),
        _ => None,
    });
    let settings = set.unwrap_or_else(|| Settings::default().into());
    Ok(tagged(found.change_head, known(&headers), settings))
}

/// Change what one lets others do and see
#[utoipa::path(patch, path = "/v1/settings", tag = "people", request_body = SetSettingsJson,
    responses((status = 200, description = "Changed.", body = DoneJson), Set))]
pub(super) async fn set_settings(
    asker: Asker,
    once: Once,
    Json { value: set, bytes }: Json<SetSettingsJson>,
) -> Result<JsonOut<DoneJson>, Problem> {
    asker.execute(once, &bytes, Command::SetSettings(set.into())).await
}

/// How users are now.
#[derive(Serialize, ToSchema)]
pub(super) struct Presences {
    users: Vec<PresenceJson>,
}

/// See who is online
///
/// As far as they show it.
#[utoipa::path(get, path = "/v1/presence", tag = "people",
    params(("user" = Vec<UserName>, Query, description = "Whom; may be given several times.", explode)),
    responses((status = 200, description = "In the order asked.", body = Presences), Own))]
pub(super) async fn presence(
    asker: Asker,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<JsonOut<Presences>, Problem> {
    let of = several("user", pairs).into_iter().map(|user| UserName(user).id("user"));
    let ask = Ask::Presence { of: of.collect::<Result<_, _>>()? };
    let Reply::Presence(users) = asker.query(ask).await? else { return Err(unforeseen()) };
    Ok(JsonOut(Presences { users: users.iter().map(PresenceJson::from).collect() }))
}

named! {
    /// Why somebody reports something.
    ReportReasonName of ReportReason {
        /// What the text says.
        Other,
        /// Unasked advertising, fraud.
        Spam,
        /// Insults, threats, bullying.
        Abuse,
        /// Sexual content.
        Sexual,
        /// Violence.
        Violence,
        /// Something against the law.
        Illegal,
        /// Somebody who is not who they say.
        Impersonation,
    }
}

/// What is reported.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = About)]
enum AboutJson {
    /// A user.
    User(UserName),
    /// A conversation one is or was in.
    Conversation(To),
    /// A message one can see.
    Message { at: To, seq: Number },
}

impl AboutJson {
    fn read(&self) -> Result<Reported, Refusal> {
        Ok(match self {
            Self::User(user) => Reported::User(user.id("about.user")?),
            Self::Conversation(at) => Reported::Conversation(at.target("about.conversation")?),
            Self::Message { at, seq } => Reported::Message {
                at: at.target("about.message.at")?,
                seq: Seq(seq.value("about.message.seq")?),
            },
        })
    }
}

/// A report to the operators.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"about": {"user": "mallory"}, "reason": "spam", "text": "every day"}))]
pub(super) struct NewReport {
    about: AboutJson,
    reason: ReportReasonName,
    /// In one's own words.
    #[serde(default)]
    #[schema(schema_with = text::<REPORT_TEXT_MAX_BYTES>)]
    text: String,
}

/// Report something to the operators
///
/// Nobody else hears of it.
#[utoipa::path(post, path = "/v1/reports", tag = "people", request_body = NewReport,
    responses((status = 200, description = "Reported.", body = DoneJson), Tell))]
pub(super) async fn report(
    asker: Asker,
    once: Once,
    Json { value: new, bytes }: Json<NewReport>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let (about, reason) = (new.about.read()?, new.reason.into());
    asker.execute(once, &bytes, Command::Report { about, reason, text: new.text }).await
}
