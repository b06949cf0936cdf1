//! Registering, signing in, renewing a token, signing out.

use std::sync::Arc;

use anser_service::{SecretString, SignedIn};
use anser_types::DeviceClass;
use anser_types::limits::{DEVICE_NAME_MAX_BYTES, PASSWORD_CHARS};
use axum::Json as JsonOut;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::body::{Bearer, Json, device_class};
use super::json::{Number, UserName, text};
use super::refusals::refusals;
use super::{Api, Problem};

refusals! {
    Register: RateLimited, RegistrationClosed, UserExists, PasswordRefused, TooManyDevices;
    SignIn: RateLimited, WrongCredentials, TooManyDevices;
    Renew: TokenInvalid, TokenExpired;
}

/// Who, and on which device.
// No `Debug`: it holds a password.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user": "alice", "password": "correct horse", "device_class": "phone",
    "device_name": "my phone"}))]
pub(super) struct Credentials {
    user: UserName,
    #[schema(schema_with = password)]
    password: String,
    #[schema(schema_with = class)]
    device_class: String,
    /// What one sees in the list of one's devices.
    #[serde(default)]
    #[schema(schema_with = text::<DEVICE_NAME_MAX_BYTES>)]
    device_name: String,
}

/// A password, for `schema_with`.
pub(super) fn password() -> Object {
    let (least, most) = PASSWORD_CHARS;
    let about = format!("At least {least} characters, at most {most} bytes.");
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    text.min_length(Some(least)).max_length(Some(most)).build()
}

/// The classes a device may have, for `schema_with`.
pub(super) fn class() -> Object {
    let names = DeviceClass::ALL.map(DeviceClass::name);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What the device is, for ever."))
        .enum_values(Some(names))
        .build()
}

/// A device token: the only moment it exists in clear.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedInBody {
    user: UserName,
    device_no: Number,
    token: String,
    /// Unix milliseconds.
    expires_at_ms: Number,
}

impl From<SignedIn> for SignedInBody {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: (&signed_in.user).into(),
            device_no: signed_in.device.0.into(),
            token: signed_in.token,
            expires_at_ms: signed_in.expires_at.into(),
        }
    }
}

type Answer = Result<(StatusCode, JsonOut<SignedInBody>), Problem>;

/// Register
///
/// Makes a user and a device of theirs.
#[utoipa::path(post, path = "/v1/register", tag = "accounts", request_body = Credentials,
    responses((status = 201, description = "A token.", body = SignedInBody), Register))]
pub(super) async fn register(
    State(api): State<Arc<Api>>,
    Json { value: who, .. }: Json<Credentials>,
) -> Answer {
    let user = who.user.id("user")?;
    let class = device_class(&who.device_class)?;
    let password = SecretString::from(who.password);
    let signed_in = api.service.register(user, password, class, who.device_name).await?;
    Ok((StatusCode::CREATED, JsonOut(signed_in.into())))
}

/// Sign in
///
/// Gives a token of a *new* device; a user has at most 64. Keep the token, do not sign in for every start.
#[utoipa::path(post, path = "/v1/sign-in", tag = "accounts", request_body = Credentials,
    responses((status = 200, description = "A token.", body = SignedInBody), SignIn))]
pub(super) async fn sign_in(
    State(api): State<Arc<Api>>,
    Json { value: who, .. }: Json<Credentials>,
) -> Answer {
    let user = who.user.id("user")?;
    let class = device_class(&who.device_class)?;
    let password = SecretString::from(who.password);
    let signed_in = api.service.sign_in(user, password, class, who.device_name).await?;
    Ok((StatusCode::OK, JsonOut(signed_in.into())))
}

/// Renew the token
///
/// Gives another token of the *same* device; the one given goes on until the new one is first used to open a session or to
/// renew it. If the answer is lost, ask again.
#[utoipa::path(post, path = "/v1/renew", tag = "accounts", security(("device_token" = [])),
    responses((status = 200, description = "A token.", body = SignedInBody), Renew))]
pub(super) async fn renew(State(api): State<Arc<Api>>, Bearer(token): Bearer) -> Answer {
    let signed_in = api.service.renew(&token).await?;
    Ok((StatusCode::OK, JsonOut(signed_in.into())))
}

/// Sign out
///
/// All tokens of the device are void, its sessions end.
#[utoipa::path(post, path = "/v1/sign-out", tag = "accounts", security(("device_token" = [])),
    responses((status = 204, description = "Signed out."), Renew))]
pub(super) async fn sign_out(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
) -> Result<StatusCode, Problem> {
    api.service.sign_out(&token).await?;
    Ok(StatusCode::NO_CONTENT)
}
