//! Changing a password: one's own, or by the app server.

use std::sync::Arc;

use anser_service::SecretString;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::accounts::password;
use super::app::App;
use super::body::{Bearer, Json};
use super::json::UserName;
use super::refusals::refusals;
use super::{Api, Problem};

refusals! {
    Change: TokenInvalid, TokenExpired, WrongCredentials, PasswordRefused, RateLimited;
    Reset: ApiKeyInvalid, UserUnknown, PasswordRefused;
}

/// The password that is, and the one that is to be.
// No `Debug`: it holds passwords.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"old": "correct horse", "new": "quiet green lamp"}))]
pub(super) struct PasswordChange {
    #[schema(schema_with = password)]
    old: String,
    #[schema(schema_with = password)]
    new: String,
}

/// Change the password
///
/// All other devices of the user are signed out.
#[utoipa::path(post, path = "/v1/password", tag = "accounts", security(("device_token" = [])),
    request_body = PasswordChange, responses((status = 204, description = "Changed."), Change))]
pub(super) async fn change_password(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
    Json { value: PasswordChange { old, new }, .. }: Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let (old, new) = (SecretString::from(old), SecretString::from(new));
    api.service.change_password(&token, old, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another password for a user.
// No `Debug`: it holds a password.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"user": "bob", "password": "three grey geese"}))]
pub(super) struct PasswordReset {
    user: UserName,
    #[schema(schema_with = password)]
    password: String,
}

/// Give a user another password
///
/// Or the first one. All devices of the user are signed out.
#[utoipa::path(post, path = "/v1/app/passwords", tag = "app", request_body = PasswordReset,
    responses((status = 204, description = "Changed."), Reset))]
pub(super) async fn reset_password(
    State(api): State<Arc<Api>>,
    App(app): App,
    Json { value: reset, .. }: Json<PasswordReset>,
) -> Result<StatusCode, Problem> {
    let user = reset.user.id("user")?;
    api.service.reset_password(&app, user, SecretString::from(reset.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}
