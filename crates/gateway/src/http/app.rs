//! The app server's door: it makes users, mints tokens for their devices and sends in their name. Everything else that a
//! user may ask it asks by the routes of users, with `?as=`.

use std::sync::Arc;

use anser_service::AppCaller;
use anser_types::DeviceNo;
use anser_types::limits::DEVICE_NAME_MAX_BYTES;
use axum::Json as JsonOut;
use axum::extract::{FromRequestParts, State};
use axum::http::{HeaderMap, StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::{SignedInBody, class};
use super::asker::{DoneJson, hash_of, idempotency_key};
use super::body::{Bearer, Json, device_class};
use super::json::contents::NewContent;
use super::json::scalars::given;
use super::json::{Number, To, UserName, text};
use super::openapi::IdempotencyKey;
use super::refusals::refusals;
use super::{Api, Problem};

refusals! {
    Make: ApiKeyInvalid, UserExists;
    Mint: ApiKeyInvalid, UserUnknown, TooManyDevices;
    Say: ApiKeyInvalid, UserUnknown, ConversationUnknown, NotAllowed, SenderRefused, Muted, ContentRefused,
        TargetMissing, TooLate, Conflict;
}

/// A caller with an accepted API key; looked at before the body.
pub(super) struct App(pub(super) AppCaller);

impl FromRequestParts<Arc<Api>> for App {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Bearer(key) = Bearer::of(&parts.headers);
        Ok(Self(api.service.authenticate_app(&key)?))
    }
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user": "bob"}))]
pub(super) struct NewUser {
    user: UserName,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(super) struct UserBody {
    user: UserName,
}

/// Make a user
///
/// Without a password: such users sign in by the app server.
#[utoipa::path(post, path = "/v1/app/users", tag = "app", request_body = NewUser,
    responses((status = 201, description = "Made.", body = UserBody), Make))]
pub(super) async fn create_user(
    State(api): State<Arc<Api>>,
    App(app): App,
    Json { value: new, .. }: Json<NewUser>,
) -> Result<(StatusCode, JsonOut<UserBody>), Problem> {
    api.service.create_user(&app, new.user.id("user")?).await?;
    Ok((StatusCode::CREATED, JsonOut(UserBody { user: new.user })))
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user": "bob", "device_class": "bot", "create": true}))]
pub(super) struct NewToken {
    user: UserName,
    #[schema(schema_with = class)]
    device_class: String,
    #[serde(default)]
    #[schema(schema_with = text::<DEVICE_NAME_MAX_BYTES>)]
    device_name: String,
    /// Make the user if there is none.
    #[serde(default)]
    create: bool,
    /// For a device that exists; its other tokens end.
    device_no: Option<Number>,
}

/// Make a token for a user's device
#[utoipa::path(post, path = "/v1/app/tokens", tag = "app", request_body = NewToken,
    responses((status = 201, description = "A token.", body = SignedInBody), Mint))]
pub(super) async fn mint_token(
    State(api): State<Arc<Api>>,
    App(app): App,
    Json { value: new, .. }: Json<NewToken>,
) -> Result<(StatusCode, JsonOut<SignedInBody>), Problem> {
    let user = new.user.id("user")?;
    let class = device_class(&new.device_class)?;
    let device = given("device_no", new.device_no.as_ref())?.map(DeviceNo);
    let minted =
        api.service.mint_token(&app, user, device, class, new.device_name, new.create).await?;
    Ok((StatusCode::CREATED, JsonOut(minted.into())))
}

/// A message in the name of a user.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"from": "alice", "to": {"user": "bob"}, "text": "It is on its way."}))]
pub(super) struct AppMessage {
    /// In whose name; they must be allowed to speak there.
    from: UserName,
    to: To,
    #[serde(flatten)]
    content: NewContent,
}

/// Say something in the name of a user
///
/// The same as `POST /v1/messages?as=`, in a queue of its own.
#[utoipa::path(post, path = "/v1/app/messages", tag = "app", params(IdempotencyKey),
    request_body = AppMessage,
    responses((status = 200, description = "Said.", body = DoneJson), Say))]
pub(super) async fn send_for_user(
    State(api): State<Arc<Api>>,
    App(app): App,
    headers: HeaderMap,
    Json { value: new, bytes }: Json<AppMessage>,
) -> Result<JsonOut<DoneJson>, Problem> {
    let key = idempotency_key(&headers)?;
    let (from, to, content) = (new.from.id("from")?, new.to.target("to")?, new.content.read()?);
    let sent = api.service.send_as(&app, from, key, hash_of(&[&bytes]), to, content).await?;
    Ok(JsonOut(sent.into()))
}
