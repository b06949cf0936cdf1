//! Groups and channels: making and changing them, who is in them, who may do what.

use anser_service::{Query as Ask, Reply};
use anser_types::limits::{
    ALIAS_MAX_BYTES, GREETING_MAX_BYTES, MEMBERS_PER_COMMAND, TITLE_MAX_BYTES,
};
use anser_types::{Command, ItemKey, ItemKind, MemberAct, Refusal, UnixMs, Version};
use axum::Json as JsonOut;
use axum::http::{HeaderMap, StatusCode, header::ETAG};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder, Ref};

use super::Problem;
use super::asker::{Asker, DoneJson, Once, unforeseen};
use super::body::{Json, Path, Query, invalid};
use super::items::items;
use super::json::conversations::{MemberJson, RoleName, SetGroupJson};
use super::json::lists::{ItemJson, JoinRequestJson};
use super::json::scalars::{Cursor, ids};
use super::json::{Number, UserName, text};
use super::paths::{GroupPath, ListQuery, MemberPath, known, tag, tagged};
use super::refusals::refusals;

refusals! {
    Make: UserUnknown, SenderRefused, GroupFull, ContentRefused, Conflict;
    Change: UserUnknown, ConversationUnknown, NotAllowed, SenderRefused, GroupFull, LimitReached, TargetMissing,
        ContentRefused, Conflict;
    Read: UserUnknown, ConversationUnknown, NotAllowed;
}

/// A group to be made.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"title": "lunch", "members": ["bob", "carol"]}))]
pub(super) struct NewGroup {
    #[schema(schema_with = text::<TITLE_MAX_BYTES>)]
    title: String,
    /// Who else is in it from the start.
    #[schema(schema_with = members)]
    members: Vec<UserName>,
    /// Whether later members see what was said before.
    #[serde(default)]
    history_for_new_members: bool,
}

fn members() -> Array {
    let users = ArrayBuilder::new().items(Ref::from_schema_name("UserName"));
    users.max_items(Some(MEMBERS_PER_COMMAND)).build()
}

/// Make a group
///
/// With oneself as owner. The answer names its conversation.
#[utoipa::path(post, path = "/v1/groups", tag = "groups", request_body = NewGroup,
    responses((status = 200, description = "Made.", body = DoneJson), Make))]
pub(super) async fn create_group(
    asker: Asker,
    once: Once,
    Json { value: new, bytes }: Json<NewGroup>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let command = Command::CreateGroup {
        members: ids("members", &new.members)?,
        title: new.title,
        history_for_new_members: new.history_for_new_members,
    };
    asker.execute(once, &bytes, command).await
}

/// Change what a group is
///
/// Title, avatar, announcement, who comes in and who may speak, or make it a channel.
#[utoipa::path(patch, path = "/v1/groups/{conversation}", tag = "groups", params(GroupPath),
    request_body = SetGroupJson, responses((status = 200, description = "Changed.", body = DoneJson), Change))]
pub(super) async fn update_group(
    asker: Asker,
    once: Once,
    Path(path): Path<GroupPath>,
    Json { value: set, bytes }: Json<SetGroupJson>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let command = Command::UpdateGroup { conversation: path.id()?, set: set.into() };
    asker.execute(once, &bytes, command).await
}

/// Dissolve a group
///
/// Everybody's membership ends; only the owner may.
#[utoipa::path(delete, path = "/v1/groups/{conversation}", tag = "groups", params(GroupPath),
    responses((status = 200, description = "Dissolved.", body = DoneJson), Change))]
pub(super) async fn dismiss_group(
    asker: Asker,
    once: Once,
    Path(path): Path<GroupPath>,
) -> Result<JsonOut<DoneJson>, Problem> {
    asker.execute(once, &[], Command::Dismiss { conversation: path.id()? }).await
}

/// Members of a group.
#[derive(Serialize, ToSchema)]
pub(super) struct MembersPage {
    /// The group's version; also in the `ETag`.
    version: Number,
    members: Vec<MemberJson>,
    /// In a channel: more follow.
    next: Option<Cursor>,
}

/// List who is in a group
///
/// A group's members come at once, a channel's in pages by no order that means anything. Read positions move without the
/// version.
#[utoipa::path(get, path = "/v1/groups/{conversation}/members", tag = "groups", params(GroupPath, ListQuery),
    responses((status = 200, description = "The present members.", body = MembersPage),
        (status = 304, description = "The client has this version (`If-None-Match`)."), Read))]
pub(super) async fn members_of(
    asker: Asker,
    headers: HeaderMap,
    Path(path): Path<GroupPath>,
    Query(page): Query<ListQuery>,
) -> Result<Response, Problem> {
    let ask = Ask::Members {
        conversation: path.id()?,
        known: Version(known(&headers).unwrap_or(0)),
        after: page.after_user()?,
        limit: page.limit()?,
    };
    let Reply::Members { version, members, more } = asker.query(ask).await? else {
        return Err(unforeseen());
    };
    let Some(members) = members else {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag(version.0))]).into_response());
    };
    let last = members.last().filter(|_| more);
    let page = MembersPage {
        version: version.0.into(),
        next: last.map(|member| Cursor(member.user.to_string())),
        members: members.iter().map(MemberJson::from).collect(),
    };
    Ok(tagged(version.0, None, page))
}

/// Users.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"users": ["dave"]}))]
pub(super) struct Users {
    #[schema(schema_with = members)]
    users: Vec<UserName>,
}

/// Add users to a group
///
/// Who is in it already stays as they are.
#[utoipa::path(post, path = "/v1/groups/{conversation}/members", tag = "groups", params(GroupPath),
    request_body = Users, responses((status = 200, description = "They are in it.", body = DoneJson), Change))]
pub(super) async fn invite(
    asker: Asker,
    once: Once,
    Path(path): Path<GroupPath>,
    Json { value: users, bytes }: Json<Users>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let users = ids("users", &users.users)?;
    asker.execute(once, &bytes, Command::Invite { conversation: path.id()?, users }).await
}

/// Remove users from a group
#[utoipa::path(post, path = "/v1/groups/{conversation}/members/remove", tag = "groups", params(GroupPath),
    request_body = Users, responses((status = 200, description = "They are not in it.", body = DoneJson), Change))]
pub(super) async fn kick(
    asker: Asker,
    once: Once,
    Path(path): Path<GroupPath>,
    Json { value: users, bytes }: Json<Users>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let users = ids("users", &users.users)?;
    asker.execute(once, &bytes, Command::Kick { conversation: path.id()?, users }).await
}

/// What to change about a member: exactly one of these.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"role": "admin"}))]
#[schema(as = MemberAct)]
pub(super) struct MemberActJson {
    /// To make somebody the owner is to hand the group over.
    role: Option<RoleName>,
    /// They may not speak until then, in Unix milliseconds; the past lets them speak again.
    muted_until_ms: Option<Number>,
    /// How they are called in this group; empty for their own name.
    #[schema(schema_with = text::<ALIAS_MAX_BYTES>)]
    alias: Option<String>,
}

impl MemberActJson {
    fn read(self) -> Result<MemberAct, Refusal> {
        match (self.role, self.muted_until_ms, self.alias) {
            (Some(role), None, None) => Ok(MemberAct::Role(role.into())),
            (None, Some(until), None) => {
                until.value("muted_until_ms").map(|ms| MemberAct::MuteUntil(UnixMs(ms)))
            }
            (None, None, Some(alias)) => Ok(MemberAct::Alias(alias)),
            _ => Err(invalid("one of role, muted_until_ms or alias")),
        }
    }
}

/// Change something about a member
///
/// Their role, a time until which they may not speak, or how they are called here.
#[utoipa::path(patch, path = "/v1/groups/{conversation}/members/{user}", tag = "groups", params(MemberPath),
    request_body = MemberActJson, responses((status = 200, description = "Changed.", body = DoneJson), Change))]
pub(super) async fn alter_member(
    asker: Asker,
    once: Once,
    Path(path): Path<MemberPath>,
    Json { value: act, bytes }: Json<MemberActJson>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let (conversation, user, act) = (path.group()?, path.user()?, act.read()?);
    asker.execute(once, &bytes, Command::AlterMember { conversation, user, act }).await
}

/// Leave a group
///
/// The owner's place goes to the longest-serving admin, else member.
#[utoipa::path(post, path = "/v1/groups/{conversation}/leave", tag = "groups", params(GroupPath),
    responses((status = 200, description = "Left.", body = DoneJson), Change))]
pub(super) async fn leave(
    asker: Asker,
    once: Once,
    Path(path): Path<GroupPath>,
) -> Result<JsonOut<DoneJson>, Problem> {
    asker.execute(once, &[], Command::Leave { conversation: path.id()? }).await
}

/// What to say with a request to join.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"greeting": "may I?"}))]
pub(super) struct Joining {
    #[serde(default)]
    #[schema(schema_with = text::<GREETING_MAX_BYTES>)]
    greeting: String,
}

/// Come into a group, or ask to be let in
///
/// As the group has it.
#[utoipa::path(post, path = "/v1/groups/{conversation}/join", tag = "groups", params(GroupPath),
    request_body = Joining, responses((status = 200, description = "In it, or asked.", body = DoneJson), Change))]
pub(super) async fn join(
    asker: Asker,
    once: Once,
    Path(path): Path<GroupPath>,
    Json { value: Joining { greeting }, bytes }: Json<Joining>,
) -> Result<JsonOut<DoneJson>, Problem> {
    asker.execute(once, &bytes, Command::Join { conversation: path.id()?, greeting }).await
}

/// Requests to join a group.
#[derive(Serialize, ToSchema)]
pub(super) struct JoinRequestsPage {
    join_requests: Vec<JoinRequestJson>,
    next: Option<Cursor>,
}

/// List who asks to come into a group
#[utoipa::path(get, path = "/v1/groups/{conversation}/join-requests", tag = "groups", params(GroupPath, ListQuery),
    responses((status = 200, description = "A page, answered ones too.", body = JoinRequestsPage),
        (status = 304, description = "The client has it (`If-None-Match`)."), Read))]
pub(super) async fn join_requests(
    asker: Asker,
    headers: HeaderMap,
    Path(path): Path<GroupPath>,
    Query(page): Query<ListQuery>,
) -> Result<Response, Problem> {
    let prefix = ItemKey::all(ItemKind::JoinRequest);
    let found = items(&asker, Some(path.id()?), prefix, &page).await?;
    let requests = found.items.into_iter().filter_map(|item| match item {
        ItemJson::JoinRequest(request) => Some(request),
        _ => None,
    });
    let page = JoinRequestsPage { join_requests: requests.collect(), next: found.next };
    Ok(tagged(found.change_head, known(&headers), page))
}

/// The answer to a request to join.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"accept": true}))]
pub(super) struct JoinAnswer {
    accept: bool,
}

/// Answer a request to join
#[utoipa::path(put, path = "/v1/groups/{conversation}/join-requests/{user}", tag = "groups", params(MemberPath),
    request_body = JoinAnswer, responses((status = 200, description = "Answered.", body = DoneJson), Change))]
pub(super) async fn answer_join(
    asker: Asker,
    once: Once,
    Path(path): Path<MemberPath>,
    Json { value: JoinAnswer { accept }, bytes }: Json<JoinAnswer>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let (conversation, user) = (path.group()?, path.user()?);
    asker.execute(once, &bytes, Command::AnswerJoin { conversation, user, accept }).await
}
