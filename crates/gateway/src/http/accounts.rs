//! Registering, signing in, renewing a token, signing out.

use std::sync::Arc;

use anser_service::{SecretString, SignedIn};
use axum::Json as JsonOut;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::body::{Bearer, Json, device_class, user};
use super::{Api, Problem};

/// Who, and on which device. No `Debug`: it holds a password.
#[derive(Deserialize)]
pub(super) struct Credentials {
    user: String,
    password: String,
    device_class: String,
    #[serde(default)]
    device_name: String,
}

/// A device token: the only moment it exists in clear.
#[derive(Serialize)]
pub(super) struct SignedInBody {
    user: String,
    device_no: String,
    token: String,
    /// Unix milliseconds.
    expires_at_ms: String,
}

impl From<SignedIn> for SignedInBody {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: signed_in.user.to_string(),
            device_no: signed_in.device.to_string(),
            token: signed_in.token,
            expires_at_ms: signed_in.expires_at.0.to_string(),
        }
    }
}

type Answer = Result<(StatusCode, JsonOut<SignedInBody>), Problem>;

pub(super) async fn register(
    State(api): State<Arc<Api>>,
    Json { value: who, .. }: Json<Credentials>,
) -> Answer {
    let user = user("user", &who.user)?;
    let class = device_class(&who.device_class)?;
    let password = SecretString::from(who.password);
    let signed_in = api.service.register(user, password, class, who.device_name).await?;
    Ok((StatusCode::CREATED, JsonOut(signed_in.into())))
}

pub(super) async fn sign_in(
    State(api): State<Arc<Api>>,
    Json { value: who, .. }: Json<Credentials>,
) -> Answer {
    let user = user("user", &who.user)?;
    let class = device_class(&who.device_class)?;
    let password = SecretString::from(who.password);
    let signed_in = api.service.sign_in(user, password, class, who.device_name).await?;
    Ok((StatusCode::OK, JsonOut(signed_in.into())))
}

pub(super) async fn renew(State(api): State<Arc<Api>>, Bearer(token): Bearer) -> Answer {
    let signed_in = api.service.renew(&token).await?;
    Ok((StatusCode::OK, JsonOut(signed_in.into())))
}

pub(super) async fn sign_out(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
) -> Result<StatusCode, Problem> {
    api.service.sign_out(&token).await?;
    Ok(StatusCode::NO_CONTENT)
}
