//! One's conversations: their list, how far one has read, what changed, how one wants them shown.

use anser_service::{Query as Ask, Reply};
use anser_types::{ChangeNo, Command, ConversationId, InboxSeq, ItemKey, ItemKind, LogEpoch, Seq};
use axum::Json as JsonOut;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use super::asker::{Asker, DoneJson, Once, unforeseen};
use super::body::{Json, Path, Query};
use super::items::items;
use super::json::changes::ChangeJson;
use super::json::conversations::{ConversationJson, ReceiptJson};
use super::json::lists::{HiddenJson, ItemJson, OptionsJson, SetOptionsJson};
use super::json::scalars::{Cursor, Place, given};
use super::json::{ConversationText, Number};
use super::paths::{AtPath, ListQuery, PageSize, known, page_size, several, tagged};
use super::refusals::refusals;

refusals! {
    Own: UserUnknown;
    Read: UserUnknown, ConversationUnknown;
    Mark: UserUnknown, ConversationUnknown, ReadAboveHead, Conflict;
    Set: UserUnknown, ConversationUnknown, LimitReached, Conflict;
}

/// Conversations by id.
#[derive(Serialize, ToSchema)]
pub(super) struct ConversationsPage {
    conversations: Vec<ConversationJson>,
    next: Option<Cursor>,
}

fn next(page: &[anser_service::ConversationState], more: bool) -> Option<Cursor> {
    page.last().filter(|_| more).map(|last| Cursor(last.conversation.to_string()))
}

/// List one's conversations
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", params(ListQuery),
    responses((status = 200, description = "A page, by id.", body = ConversationsPage), Own))]
pub(super) async fn conversations(
    asker: Asker,
    Query(page): Query<ListQuery>,
) -> Result<JsonOut<ConversationsPage>, Problem> {
    let ask = Ask::Conversations { after: page.after_conversation()?, limit: page.limit()? };
    let Reply::Conversations { page, more } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    let conversations = page.iter().map(ConversationJson::from).collect();
    Ok(JsonOut(ConversationsPage { conversations, next: next(&page, more) }))
}

/// What a device that rebuilds asks.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SyncQuery {
    /// The inbox position that the reset named.
    at: Number,
    /// The log the device followed until now, if it was another one.
    since_log_epoch: Option<Number>,
    /// Without the last messages.
    #[serde(default)]
    heads_only: bool,
    /// The `next` of the page before.
    after: Option<Cursor>,
    limit: Option<PageSize>,
}

/// A page of the rebuild after a reset.
#[derive(Serialize, ToSchema)]
pub(super) struct SyncedPage {
    conversations: Vec<ConversationJson>,
    next: Option<Cursor>,
    /// What was kept has moved past `at`: begin again with this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_at: Option<Number>,
}

/// Rebuild after a reset
///
/// For a device whose session was told to rebuild (SyncReset, see docs/protocol.md).
#[utoipa::path(get, path = "/v1/sync", tag = "conversations", params(SyncQuery),
    responses((status = 200, description = "A page, by id.", body = SyncedPage), Own))]
pub(super) async fn sync(
    asker: Asker,
    Query(wanted): Query<SyncQuery>,
) -> Result<JsonOut<SyncedPage>, Problem> {
    let page = ListQuery { after: wanted.after, limit: wanted.limit };
    let ask = Ask::SyncPage {
        at: InboxSeq(wanted.at.value("at")?),
        since: LogEpoch(given("since_log_epoch", wanted.since_log_epoch.as_ref())?.unwrap_or(0)),
        after: page.after_conversation()?,
        limit: page_size(page.limit)?,
        heads_only: wanted.heads_only,
    };
    let Reply::SyncPage { page, more, restart_at } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    Ok(JsonOut(SyncedPage {
        conversations: page.iter().map(ConversationJson::from).collect(),
        next: next(&page, more),
        restart_at: restart_at.map(|at| at.0.into()),
    }))
}

/// How far one has read.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"up_to": "17"}))]
pub(super) struct Marking {
    /// The last message read; a lower one than before changes nothing.
    up_to: Number,
}

/// Mark a conversation as read
#[utoipa::path(post, path = "/v1/conversations/{at}/read", tag = "conversations", params(AtPath),
    request_body = Marking, responses((status = 200, description = "Marked.", body = DoneJson), Mark))]
pub(super) async fn mark_read(
    asker: Asker,
    once: Once,
    Path(path): Path<AtPath>,
    Json { value: marking, bytes }: Json<Marking>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let up_to = Seq(marking.up_to.value("up_to")?);
    asker.execute(once, &bytes, Command::MarkRead { at: path.target()?, up_to }).await
}

/// Changes ascending.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangesPage {
    changes: Vec<ChangeJson>,
    /// More follow: give it as `after`.
    next: Option<Number>,
}

/// Behind which change.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// Only changes above this one.
    after: Option<Number>,
    limit: Option<PageSize>,
}

/// Read what changed in a conversation
#[utoipa::path(get, path = "/v1/conversations/{at}/changes", tag = "conversations", params(AtPath, ChangesQuery),
    responses((status = 200, description = "A page, ascending.", body = ChangesPage), Read))]
pub(super) async fn changes(
    asker: Asker,
    Path(path): Path<AtPath>,
    Query(wanted): Query<ChangesQuery>,
) -> Result<JsonOut<ChangesPage>, Problem> {
    let ask = Ask::Changes {
        conversation: path.conversation(asker.user())?,
        after: ChangeNo(given("after", wanted.after.as_ref())?.unwrap_or(0)),
        limit: page_size(wanted.limit)?,
    };
    let Reply::Changes { changes, more } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    let last = changes.last().filter(|_| more);
    Ok(JsonOut(ChangesPage {
        next: last.map(|change| change.change_no.0.into()),
        changes: changes.iter().map(|change| ChangeJson::from(&**change)).collect(),
    }))
}

/// How far the others of conversations are.
#[derive(Serialize, ToSchema)]
pub(super) struct Receipts {
    receipts: Vec<ReceiptJson>,
}

/// Read how far the others are
#[utoipa::path(get, path = "/v1/receipts", tag = "conversations",
    params(("at" = Vec<Place>, Query, description = "Which conversations; may be given several times.", explode)),
    responses((status = 200, description = "In the order asked.", body = Receipts), Read))]
pub(super) async fn receipts(
    asker: Asker,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<JsonOut<Receipts>, Problem> {
    let of = several("at", pairs).into_iter().map(|at| Place(at).target("at"));
    let ask = Ask::Receipts { of: of.collect::<Result<_, _>>()? };
    let Reply::Receipts(receipts) = asker.query(ask).await? else { return Err(unforeseen()) };
    Ok(JsonOut(Receipts { receipts: receipts.iter().map(ReceiptJson::from).collect() }))
}

/// How one wants conversations shown.
#[derive(Serialize, ToSchema)]
pub(super) struct OptionsPage {
    options: Vec<OptionsJson>,
    next: Option<Cursor>,
}

/// List how one wants conversations shown
///
/// Conversations about which nothing was said are not among them.
#[utoipa::path(get, path = "/v1/options", tag = "conversations", params(ListQuery),
    responses((status = 200, description = "A page.", body = OptionsPage),
        (status = 304, description = "The client has it (`If-None-Match`)."), Own))]
pub(super) async fn options(
    asker: Asker,
    headers: HeaderMap,
    Query(page): Query<ListQuery>,
) -> Result<Response, Problem> {
    let found = items(&asker, None, ItemKey::all(ItemKind::Options), &page).await?;
    let options = found.items.into_iter().filter_map(|item| match item {
        ItemJson::Options(options) => Some(options),
        _ => None,
    });
    let page = OptionsPage { options: options.collect(), next: found.next };
    Ok(tagged(found.change_head, known(&headers), page))
}

/// Change how one wants a conversation shown
///
/// On all one's devices: pinned above the others, when to make itself heard, left out of the list, cleared, with a draft.
#[utoipa::path(patch, path = "/v1/conversations/{at}/options", tag = "conversations", params(AtPath),
    request_body = SetOptionsJson, responses((status = 200, description = "Changed.", body = DoneJson), Set))]
pub(super) async fn set_options(
    asker: Asker,
    once: Once,
    Path(path): Path<AtPath>,
    Json { value: set, bytes }: Json<SetOptionsJson>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let command = Command::SetOptions { at: path.target()?, set: set.read()? };
    asker.execute(once, &bytes, command).await
}

/// Messages one has removed for oneself.
#[derive(Serialize, ToSchema)]
pub(super) struct HiddenPage {
    hidden: Vec<HiddenJson>,
    next: Option<Cursor>,
}

/// Where.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HiddenQuery {
    /// Only of this conversation.
    conversation: Option<ConversationText>,
    /// The `next` of the page before.
    after: Option<Cursor>,
    limit: Option<PageSize>,
}

/// List the messages one has removed for oneself
#[utoipa::path(get, path = "/v1/hidden", tag = "conversations", params(HiddenQuery),
    responses((status = 200, description = "A page.", body = HiddenPage),
        (status = 304, description = "The client has it (`If-None-Match`)."), Own))]
pub(super) async fn hidden(
    asker: Asker,
    headers: HeaderMap,
    Query(wanted): Query<HiddenQuery>,
) -> Result<Response, Problem> {
    let of: Option<ConversationId> =
        wanted.conversation.map(|id| id.id("conversation")).transpose()?;
    let prefix = of.map_or_else(|| ItemKey::all(ItemKind::Hidden), ItemKey::all_hidden);
    let page = ListQuery { after: wanted.after, limit: wanted.limit };
    let found = items(&asker, None, prefix, &page).await?;
    let hidden = found.items.into_iter().filter_map(|item| match item {
        ItemJson::Hidden(hidden) => Some(hidden),
        _ => None,
    });
    let page = HiddenPage { hidden: hidden.collect(), next: found.next };
    Ok(tagged(found.change_head, known(&headers), page))
}
