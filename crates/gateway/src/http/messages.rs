//! Saying something, reading what was said, and doing something to it.

use anser_service::{Query as Ask, Reply};
use anser_types::limits::HIDE_PER_COMMAND;
use anser_types::{Alteration, Command, Refusal, Seq, Unavailable};
use axum::Json as JsonOut;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{Array, ArrayBuilder, Ref};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use super::asker::{Asker, DoneJson, Once, unforeseen};
use super::body::{Json, Path, Query};
use super::json::contents::NewContent;
use super::json::messages::{EditionJson, MessageJson, UnavailableJson};
use super::json::scalars::{Cursor, Emoji, Place, SearchText, given, names};
use super::json::{Number, To, UserName};
use super::paths::{
    AtPath, ListQuery, Meant, MessagePath, PageSize, conversation_of, cursor, opaque, page_size,
};
use super::refusals::refusals;
use crate::translate::{search_place, search_place_bytes};

refusals! {
    Say: UserUnknown, ConversationUnknown, ContentTooLarge, NotAllowed, SenderRefused, Muted, ContentRefused,
        TargetMissing, TooLate, GroupFlooded, TooManyStrangers, Conflict;
    Change: UserUnknown, ConversationUnknown, TargetMissing, NotAllowed, SenderRefused, Muted, TooLate, LimitReached,
        ContentTooLarge, ContentRefused, Conflict;
    Read: UserUnknown, ConversationUnknown, TargetMissing;
    Search: UserUnknown, ConversationUnknown, Unsupported;
}

/// A message to be said.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"to": {"user": "bob"}, "text": "lunch?"}))]
pub(super) struct NewMessage {
    to: To,
    #[serde(flatten)]
    content: NewContent,
}

/// Say something
///
/// To a user (the direct conversation is made on first use) or in a conversation one is in.
#[utoipa::path(post, path = "/v1/messages", tag = "messages", request_body = NewMessage,
    responses((status = 200, description = "Said.", body = DoneJson), Say))]
pub(super) async fn send_message(
    asker: Asker,
    once: Once,
    Json { value: new, bytes }: Json<NewMessage>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let command = Command::SendMessage { to: new.to.target("to")?, content: new.content.read()? };
    asker.execute(once, &bytes, command).await
}

/// What part of a conversation.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Only messages above this one.
    after: Option<Number>,
    /// Only messages below this one.
    before: Option<Number>,
    /// The oldest within the bounds rather than the newest.
    #[serde(default)]
    oldest_first: bool,
    limit: Option<PageSize>,
}

/// Messages of a conversation, ascending, and what cannot be given.
#[derive(Serialize, ToSchema)]
pub(super) struct History {
    messages: Vec<MessageJson>,
    /// What lies within the page and cannot be given.
    unavailable: Vec<UnavailableJson>,
    /// The last message one may see.
    head: Number,
    /// More lies within the bounds: give this as `before`, or with `oldest_first` as `after`.
    next: Option<Number>,
}

/// Read what was said
#[utoipa::path(get, path = "/v1/conversations/{at}/messages", tag = "messages", params(AtPath, HistoryQuery),
    responses((status = 200, description = "A page, the newest messages first unless `oldest_first`; each page ascends.",
        body = History), Read))]
pub(super) async fn history(
    asker: Asker,
    Path(path): Path<AtPath>,
    Query(wanted): Query<HistoryQuery>,
) -> Result<JsonOut<History>, Problem> {
    let ask = Ask::History {
        of: path.target()?,
        after: Seq(given("after", wanted.after.as_ref())?.unwrap_or(0)),
        before: Seq(given("before", wanted.before.as_ref())?.unwrap_or(0)),
        limit: page_size(wanted.limit)?,
        oldest_first: wanted.oldest_first,
    };
    let Reply::History { peer, messages, unavailable, head, more, .. } = asker.query(ask).await?
    else {
        return Err(unforeseen());
    };
    let seqs = messages.iter().map(|message| (message.seq, message.seq));
    let covered = seqs.chain(unavailable.iter().map(|Unavailable { from, to, .. }| (*from, *to)));
    let end = if wanted.oldest_first {
        covered.map(|(_, to)| to).max()
    } else {
        covered.map(|(from, _)| from).min()
    };
    Ok(JsonOut(History {
        messages: messages.iter().map(|one| MessageJson::of(one, peer.as_ref())).collect(),
        unavailable: unavailable.iter().map(UnavailableJson::from).collect(),
        head: head.0.into(),
        next: end.filter(|_| more).map(|seq| seq.0.into()),
    }))
}

async fn alter(
    asker: Asker,
    once: Once,
    (path, meant): (MessagePath, Meant),
    body: &[u8],
    alteration: Alteration,
) -> Result<JsonOut<DoneJson>, Problem> {
    let (at, seq, of) = (path.target()?, path.seq()?, meant.id()?);
    asker.execute(once, body, Command::Alter { at, seq, of, alteration }).await
}

/// Edit a message
///
/// Replaces its content; only its sender may, for two days.
#[utoipa::path(patch, path = "/v1/conversations/{at}/messages/{seq}", tag = "messages",
    params(MessagePath, Meant), request_body = NewContent,
    responses((status = 200, description = "Edited.", body = DoneJson), Change))]
pub(super) async fn edit_message(
    asker: Asker,
    once: Once,
    Path(path): Path<MessagePath>,
    Query(meant): Query<Meant>,
    Json { value: new, bytes }: Json<NewContent>,
) -> Result<JsonOut<DoneJson>, Problem> {
    alter(asker, once, (path, meant), &bytes, Alteration::Edit(new.read()?)).await
}

/// Take a message back
///
/// For everybody: its content, and that of its edits, is gone. Its sender may for a day, owner and admins of a group at any
/// time.
#[utoipa::path(delete, path = "/v1/conversations/{at}/messages/{seq}", tag = "messages",
    params(MessagePath, Meant), responses((status = 200, description = "Taken back.", body = DoneJson), Change))]
pub(super) async fn revoke_message(
    asker: Asker,
    once: Once,
    Path(path): Path<MessagePath>,
    Query(meant): Query<Meant>,
) -> Result<JsonOut<DoneJson>, Problem> {
    alter(asker, once, (path, meant), &[], Alteration::Revoke).await
}

/// A reaction to a message.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ReactionPath {
    /// In which conversation.
    at: Place,
    /// The message's number there.
    seq: Number,
    /// An emoji or another short text.
    emoji: Emoji,
}

async fn reaction(
    asker: Asker,
    once: Once,
    (path, meant): (ReactionPath, Meant),
    on: bool,
) -> Result<JsonOut<DoneJson>, Problem> {
    let how = Alteration::React { emoji: path.emoji.0, on };
    alter(asker, once, (MessagePath { at: path.at, seq: path.seq }, meant), &[], how).await
}

/// React to a message
#[utoipa::path(put, path = "/v1/conversations/{at}/messages/{seq}/reactions/{emoji}", tag = "messages",
    params(ReactionPath, Meant),
    responses((status = 200, description = "The reaction is there.", body = DoneJson), Change))]
pub(super) async fn react(
    asker: Asker,
    once: Once,
    Path(path): Path<ReactionPath>,
    Query(meant): Query<Meant>,
) -> Result<JsonOut<DoneJson>, Problem> {
    reaction(asker, once, (path, meant), true).await
}

/// Take a reaction away
#[utoipa::path(delete, path = "/v1/conversations/{at}/messages/{seq}/reactions/{emoji}", tag = "messages",
    params(ReactionPath, Meant),
    responses((status = 200, description = "The reaction is not there.", body = DoneJson), Change))]
pub(super) async fn unreact(
    asker: Asker,
    once: Once,
    Path(path): Path<ReactionPath>,
    Query(meant): Query<Meant>,
) -> Result<JsonOut<DoneJson>, Problem> {
    reaction(asker, once, (path, meant), false).await
}

/// Pin a message to its conversation
#[utoipa::path(put, path = "/v1/conversations/{at}/pins/{seq}", tag = "messages", params(MessagePath, Meant),
    responses((status = 200, description = "Pinned.", body = DoneJson), Change))]
pub(super) async fn pin(
    asker: Asker,
    once: Once,
    Path(path): Path<MessagePath>,
    Query(meant): Query<Meant>,
) -> Result<JsonOut<DoneJson>, Problem> {
    alter(asker, once, (path, meant), &[], Alteration::Pin { on: true }).await
}

/// Unpin a message
#[utoipa::path(delete, path = "/v1/conversations/{at}/pins/{seq}", tag = "messages", params(MessagePath, Meant),
    responses((status = 200, description = "Not pinned.", body = DoneJson), Change))]
pub(super) async fn unpin(
    asker: Asker,
    once: Once,
    Path(path): Path<MessagePath>,
    Query(meant): Query<Meant>,
) -> Result<JsonOut<DoneJson>, Problem> {
    alter(asker, once, (path, meant), &[], Alteration::Pin { on: false }).await
}

/// Replaced contents of a message, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Editions {
    editions: Vec<EditionJson>,
}

/// Read what a message said before it was edited
#[utoipa::path(get, path = "/v1/conversations/{at}/messages/{seq}/editions", tag = "messages", params(MessagePath),
    responses((status = 200, description = "Its earlier contents.", body = Editions), Read))]
pub(super) async fn editions(
    asker: Asker,
    Path(path): Path<MessagePath>,
) -> Result<JsonOut<Editions>, Problem> {
    let ask = Ask::Editions { of: path.target()?, seq: path.seq()? };
    let Reply::Editions(editions) = asker.query(ask).await? else { return Err(unforeseen()) };
    Ok(JsonOut(Editions { editions: editions.iter().map(EditionJson::from).collect() }))
}

/// Which readers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadersQuery {
    /// Those who have not read it.
    #[serde(default)]
    unread: bool,
    /// The `next` of the page before.
    after: Option<Cursor>,
    limit: Option<PageSize>,
}

/// Who has read a message, or who has not.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadersPage {
    /// How many have.
    read: Number,
    /// How many have not.
    unread: Number,
    /// The page, by user id.
    users: Vec<UserName>,
    next: Option<Cursor>,
}

/// See who has read a message of a group
#[utoipa::path(get, path = "/v1/conversations/{at}/messages/{seq}/readers", tag = "messages",
    params(MessagePath, ReadersQuery),
    responses((status = 200, description = "Who has read it, or with `unread` who has not.", body = ReadersPage), Read))]
pub(super) async fn readers(
    asker: Asker,
    Path(path): Path<MessagePath>,
    Query(wanted): Query<ReadersQuery>,
) -> Result<JsonOut<ReadersPage>, Problem> {
    let page = ListQuery { after: wanted.after, limit: wanted.limit };
    let ask = Ask::Readers {
        conversation: conversation_of(&path.target()?, asker.user()),
        seq: path.seq()?,
        unread: wanted.unread,
        after: page.after_user()?,
        limit: page.limit()?,
    };
    let Reply::Readers { read, unread, users, next } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    Ok(JsonOut(ReadersPage {
        read: (read as u64).into(),
        unread: (unread as u64).into(),
        users: names(&users),
        next: next.map(|user| Cursor(user.to_string())),
    }))
}

/// Messages to be removed for oneself.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"seqs": ["17", "18"]}))]
pub(super) struct Hiding {
    #[schema(schema_with = hidden_at_once)]
    seqs: Vec<Number>,
}

fn hidden_at_once() -> Array {
    let numbers = ArrayBuilder::new().items(Ref::from_schema_name("Number"));
    numbers.min_items(Some(1)).max_items(Some(HIDE_PER_COMMAND)).build()
}

/// Remove messages for oneself
///
/// On all one's devices; others keep them.
#[utoipa::path(post, path = "/v1/conversations/{at}/messages/hide", tag = "messages", params(AtPath),
    request_body = Hiding, responses((status = 200, description = "Removed.", body = DoneJson), Change))]
pub(super) async fn hide_messages(
    asker: Asker,
    once: Once,
    Path(path): Path<AtPath>,
    Json { value: hiding, bytes }: Json<Hiding>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let seqs = hiding.seqs.iter().map(|seq| seq.value("seqs").map(Seq));
    let seqs = seqs.collect::<Result<_, Refusal>>()?;
    asker.execute(once, &bytes, Command::Hide { at: path.target()?, seqs }).await
}

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// What somebody typed.
    text: SearchText,
    /// Only in this conversation.
    r#in: Option<Place>,
    /// The `next` of the page before.
    before: Option<Cursor>,
    limit: Option<PageSize>,
}

/// Messages that hold a text, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct FoundPage {
    messages: Vec<MessageJson>,
    /// Give it as `before`.
    next: Option<Cursor>,
    /// Everything that was accepted before the query was searched.
    complete: bool,
}

/// Search what was said
#[utoipa::path(get, path = "/v1/search", tag = "messages", params(SearchQuery),
    responses((status = 200, description = "What was found.", body = FoundPage), Search))]
pub(super) async fn search(
    asker: Asker,
    Query(wanted): Query<SearchQuery>,
) -> Result<JsonOut<FoundPage>, Problem> {
    let before = wanted.before.map(|place| opaque("before", &place)).transpose()?;
    let ask = Ask::Search {
        text: wanted.text.0,
        of: wanted.r#in.map(|place| place.target("in")).transpose()?,
        before: search_place("before", &before.unwrap_or_default().into())?,
        limit: page_size(wanted.limit)?,
    };
    let Reply::Search { found, next, complete } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    let messages = found.iter().map(|one| MessageJson::of(&one.message, one.peer.as_ref()));
    Ok(JsonOut(FoundPage {
        messages: messages.collect(),
        next: next.map(|place| cursor(&search_place_bytes(place))),
        complete,
    }))
}
