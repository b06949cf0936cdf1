//! One's own devices, by the token of one of them.

use std::sync::Arc;

use anser_service::{SignedInDevice, Which};
use anser_types::DeviceNo;
use axum::Json as JsonOut;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::class;
use super::body::{Bearer, Json, invalid};
use super::json::Number;
use super::refusals::refusals;
use super::{Api, Problem};

refusals! {
    Refused: TokenInvalid, TokenExpired;
}

/// A device that is signed in. Times are Unix milliseconds.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceBody {
    device_no: Number,
    #[schema(schema_with = class)]
    device_class: &'static str,
    device_name: String,
    signed_in_ms: Number,
    expires_at_ms: Number,
    /// It has a session now.
    online: bool,
    /// Absent if it was never noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ms: Option<Number>,
    /// It is the one that asks.
    current: bool,
}

impl From<SignedInDevice> for DeviceBody {
    fn from(device: SignedInDevice) -> Self {
        Self {
            device_no: device.device.0.into(),
            device_class: device.class.name(),
            device_name: device.name,
            signed_in_ms: device.signed_in_at.into(),
            expires_at_ms: device.expires_at.into(),
            online: device.online,
            last_seen_ms: Number::above_zero(device.last_seen.0),
            current: device.current,
        }
    }
}

/// The devices that are signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Devices {
    devices: Vec<DeviceBody>,
}

/// List one's devices
#[utoipa::path(get, path = "/v1/devices", tag = "accounts", security(("device_token" = [])),
    responses((status = 200, description = "Those that are signed in.", body = Devices), Refused))]
pub(super) async fn devices(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
) -> Result<JsonOut<Devices>, Problem> {
    let devices = api.service.devices(&token).await?;
    Ok(JsonOut(Devices { devices: devices.into_iter().map(Into::into).collect() }))
}

/// Exactly one of the two.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"device_no": "2"}))]
pub(super) struct Whom {
    device_no: Option<Number>,
    /// All but the one that asks.
    #[serde(default)]
    others: bool,
}

/// Who was signed out.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedOut {
    signed_out: Vec<Number>,
}

/// Sign devices out
///
/// Their tokens are void, their sessions have ended.
#[utoipa::path(post, path = "/v1/devices/sign-out", tag = "accounts", security(("device_token" = [])), request_body = Whom,
    responses((status = 200, description = "Which were concerned.", body = SignedOut), Refused))]
pub(super) async fn sign_out_devices(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
    Json { value: whom, .. }: Json<Whom>,
) -> Result<JsonOut<SignedOut>, Problem> {
    let which = match (&whom.device_no, whom.others) {
        (Some(one), false) => Which::One(DeviceNo(one.value("device_no")?)),
        (None, true) => Which::Others,
        _ => return Err(invalid("either device_no, or others: true").into()),
    };
    let ended = api.service.sign_out_devices(&token, which).await?;
    Ok(JsonOut(SignedOut { signed_out: ended.iter().map(|device| device.0.into()).collect() }))
}
