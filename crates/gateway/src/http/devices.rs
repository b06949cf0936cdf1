//! One's own devices, by the token of one of them.

use std::sync::Arc;

use anser_service::{SignedInDevice, Which};
use anser_types::{DeviceNo, UnixMs};
use axum::Json as JsonOut;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::body::{Bearer, Json, device_no, invalid};
use super::{Api, Problem};

/// A device that is signed in. Times are Unix milliseconds.
#[derive(Serialize)]
pub(super) struct DeviceBody {
    device_no: String,
    device_class: &'static str,
    device_name: String,
    signed_in_ms: String,
    expires_at_ms: String,
    online: bool,
    /// Absent if it was never noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ms: Option<String>,
    current: bool,
}

impl From<SignedInDevice> for DeviceBody {
    fn from(device: SignedInDevice) -> Self {
        let seen = (device.last_seen > UnixMs(0)).then(|| device.last_seen.0.to_string());
        Self {
            device_no: device.device.to_string(),
            device_class: device.class.name(),
            device_name: device.name,
            signed_in_ms: device.signed_in_at.0.to_string(),
            expires_at_ms: device.expires_at.0.to_string(),
            online: device.online,
            last_seen_ms: seen,
            current: device.current,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Devices {
    devices: Vec<DeviceBody>,
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
) -> Result<JsonOut<Devices>, Problem> {
    let devices = api.service.devices(&token).await?;
    Ok(JsonOut(Devices { devices: devices.into_iter().map(Into::into).collect() }))
}

/// Exactly one of the two.
#[derive(Deserialize)]
pub(super) struct Whom {
    device_no: Option<String>,
    #[serde(default)]
    others: bool,
}

#[derive(Serialize)]
pub(super) struct SignedOut {
    signed_out: Vec<String>,
}

pub(super) async fn sign_out(
    State(api): State<Arc<Api>>,
    Bearer(token): Bearer,
    Json { value: whom, .. }: Json<Whom>,
) -> Result<JsonOut<SignedOut>, Problem> {
    let which = match (&whom.device_no, whom.others) {
        (Some(one), false) => Which::One(device_no(one)?),
        (None, true) => Which::Others,
        _ => return Err(invalid("either device_no, or others: true").into()),
    };
    let ended = api.service.sign_out_devices(&token, which).await?;
    Ok(JsonOut(SignedOut { signed_out: ended.iter().map(DeviceNo::to_string).collect() }))
}
