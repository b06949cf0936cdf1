//! What the paths and queries of several routes have in common, and pages of lists.

use anser_types::limits::{PAGE_DEFAULT, PAGE_MAX};
use anser_types::{ConversationId, ErrorCode, ItemKey, MessageId, Refusal, Seq, Target, UserId};
use axum::Json as JsonOut;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::body::{invalid, number};
use super::headers::known_tags;
use super::json::scalars::{ClientMsgId, Cursor, Place};
use super::json::{ConversationText, Number, UserName};

/// How many entries of a list.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct PageSize(u32);

impl PartialSchema for PageSize {
    fn schema() -> RefOr<Schema> {
        let about = format!(
            "Entries of a page; {PAGE_DEFAULT} unless said. A page may be shorter: read `next`."
        );
        let size = ObjectBuilder::new().schema_type(Type::Integer).description(Some(about));
        size.minimum(Some(1)).maximum(Some(PAGE_MAX)).default(Some(PAGE_DEFAULT.into())).into()
    }
}

impl ToSchema for PageSize {}

/// The page's size that was asked for.
///
/// # Errors
/// `INVALID_ARGUMENT` outside 1 to `PAGE_MAX`.
pub(super) fn page_size(size: Option<PageSize>) -> Result<usize, Refusal> {
    let Some(PageSize(size)) = size else { return Ok(PAGE_DEFAULT) };
    let size = usize::try_from(size).ok().filter(|size| (1..=PAGE_MAX).contains(size));
    size.ok_or_else(|| invalid(format!("limit: 1 to {PAGE_MAX}")))
}

/// A conversation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct AtPath {
    /// Which conversation.
    at: Place,
}

impl AtPath {
    pub(super) fn target(&self) -> Result<Target, Refusal> {
        self.at.target("the path")
    }

    /// Its id, for a caller.
    pub(super) fn conversation(&self, caller: &UserId) -> Result<ConversationId, Refusal> {
        Ok(conversation_of(&self.target()?, caller))
    }
}

/// The id of a target as a user sees it.
pub(super) fn conversation_of(target: &Target, caller: &UserId) -> ConversationId {
    match target {
        Target::User(peer) => ConversationId::direct(caller, peer),
        Target::Conversation(id) => *id,
    }
}

/// A message of a conversation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MessagePath {
    /// In which conversation.
    pub(super) at: Place,
    /// The message's number there.
    pub(super) seq: Number,
}

impl MessagePath {
    pub(super) fn target(&self) -> Result<Target, Refusal> {
        self.at.target("the path")
    }

    pub(super) fn seq(&self) -> Result<Seq, Refusal> {
        self.seq.value("the path").map(Seq)
    }
}

/// The message that is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Meant {
    /// The message's identity, if it is known: another one that stands in this place is left alone.
    client_msg_id: Option<ClientMsgId>,
}

impl Meant {
    pub(super) fn id(&self) -> Result<Option<MessageId>, Refusal> {
        let Some(ClientMsgId(text)) = &self.client_msg_id else { return Ok(None) };
        let (device, local_no) = text
            .split_once('-')
            .ok_or_else(|| invalid("client_msg_id: two numbers with a - between them"))?;
        Ok(Some(MessageId {
            device: anser_types::DeviceNo(number("client_msg_id", device)?),
            local_no: anser_types::LocalNo(number("client_msg_id", local_no)?),
        }))
    }
}

/// A group.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct GroupPath {
    /// Which group.
    conversation: ConversationText,
}

impl GroupPath {
    pub(super) fn id(&self) -> Result<ConversationId, Refusal> {
        self.conversation.id("the path")
    }
}

/// Somebody and a group.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MemberPath {
    /// Which group.
    conversation: ConversationText,
    /// Whom.
    user: UserName,
}

impl MemberPath {
    pub(super) fn group(&self) -> Result<ConversationId, Refusal> {
        self.conversation.id("the path")
    }

    pub(super) fn user(&self) -> Result<UserId, Refusal> {
        self.user.id("the path")
    }
}

/// A page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The `next` of the page before.
    pub(super) after: Option<Cursor>,
    pub(super) limit: Option<PageSize>,
}

impl ListQuery {
    pub(super) fn limit(&self) -> Result<usize, Refusal> {
        page_size(self.limit)
    }

    /// The user behind whom to go on.
    pub(super) fn after_user(&self) -> Result<Option<UserId>, Refusal> {
        self.after.as_ref().map(|Cursor(text)| super::body::user("after", text)).transpose()
    }

    /// The conversation behind which to go on.
    pub(super) fn after_conversation(&self) -> Result<Option<ConversationId>, Refusal> {
        let after = self.after.as_ref().map(|Cursor(text)| text.parse());
        after.transpose().map_err(|_| not_ours("after"))
    }

    /// The item behind which to go on.
    pub(super) fn after_item(&self) -> Result<ItemKey, Refusal> {
        let key = self.after.as_ref().map(|after| opaque("after", after)).transpose()?;
        Ok(ItemKey(key.unwrap_or_default()))
    }
}

/// Bytes that mean nothing to a client, as a cursor.
pub(super) fn cursor(bytes: &[u8]) -> Cursor {
    Cursor(URL_SAFE_NO_PAD.encode(bytes))
}

/// The same as they came back.
pub(super) fn opaque(field: &str, Cursor(text): &Cursor) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| not_ours(field))
}

fn not_ours(field: &str) -> Refusal {
    Refusal::because(
        ErrorCode::InvalidArgument,
        format!("{field}: this is no 'next' of such a page"),
    )
}

/// The tag of a list's version.
pub(super) fn tag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// The version of the list that a client has, if it says so.
pub(super) fn known(headers: &HeaderMap) -> Option<u64> {
    known_tags(headers).find_map(|tag| tag.trim_matches('"').parse().ok())
}

/// A list with the tag of its version; 304 where the client has it.
pub(super) fn tagged(version: u64, unless: Option<u64>, list: impl Serialize) -> Response {
    let tag = [(ETAG, tag(version))];
    if unless == Some(version) {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    (tag, JsonOut(list)).into_response()
}

/// The values of a query's parameter that may be given several times.
pub(super) fn several(name: &str, pairs: Vec<(String, String)>) -> Vec<String> {
    pairs.into_iter().filter(|(of, _)| of == name).map(|(_, value)| value).collect()
}
