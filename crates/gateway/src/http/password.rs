//! Changing a password: one's own, or by the app server.

use std::sync::Arc;

use anser_service::SecretString;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::app::App;
use super::body::{Bearer, Json, user};
use super::{Api, Problem};

/// No `Debug`: it holds passwords.
#[derive(Deserialize)]
pub(super) struct Change {
    old: String,
    new: String,
}

pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
    Json { value: Change { old, new }, .. }: Json<Change>,
) -> Result<StatusCode, Problem> {
    let (old, new) = (SecretString::from(old), SecretString::from(new));
    api.service.change_password(&token, old, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// No `Debug`: it holds a password.
#[derive(Deserialize)]
pub(super) struct Reset {
    user: String,
    password: String,
}

pub(super) async fn reset(
    State(api): State<Arc<Api>>,
    App(app): App,
    Json { value: reset, .. }: Json<Reset>,
) -> Result<StatusCode, Problem> {
    let user = user("user", &reset.user)?;
    api.service.reset_password(&app, user, SecretString::from(reset.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}
