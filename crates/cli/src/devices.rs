//! `anser devices`: your devices that are signed in, and signing them out.

use anser_sdk::http::OwnDevice;
use anser_types::{DeviceNo, Refusal, UnixMs};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::chat::times::LocalTimes;
use crate::identity::Common;
use crate::{plain, say, session};

/// What can be done about one's own devices.
#[derive(Clone, Debug, Subcommand)]
pub enum DevicesCommand {
    /// List your devices that are signed in
    List(Common),
    /// Sign one of your devices out, or all others
    SignOut(SignOut),
}

/// Which devices.
#[derive(Args, Clone, Debug)]
pub struct SignOut {
    /// As whom, and how.
    #[command(flatten)]
    pub common: Common,
    /// Its number, as 'anser devices list' prints it
    #[arg(value_name = "DEVICE", required_unless_present = "others")]
    pub device: Option<u64>,
    /// All but this one
    #[arg(long, conflicts_with = "device")]
    pub others: bool,
}

impl DevicesCommand {
    /// Whether the answer is JSON.
    #[must_use]
    pub const fn json(&self) -> bool {
        match self {
            Self::List(common) => common.json,
            Self::SignOut(options) => options.common.json,
        }
    }
}

/// A device as JSON.
#[must_use]
pub fn device_json(device: &OwnDevice) -> Value {
    json!({
        "device_no": device.device.0,
        "class": device.class.name(),
        "name": device.name,
        "signed_in_ms": device.signed_in_at.0,
        "expires_at_ms": device.expires_at.0,
        "online": device.online,
        "last_seen_ms": device.last_seen.map(|at| at.0),
        "current": device.current,
    })
}

/// A device on a line.
#[must_use]
pub fn device_line(device: &OwnDevice, times: &LocalTimes) -> String {
    let seen = match (device.online, device.last_seen) {
        (true, _) => "online".to_owned(),
        (false, Some(at)) if at > UnixMs(0) => format!("last seen {}", times.stamp(at)),
        (false, _) => format!("signed in {}", times.stamp(device.signed_in_at)),
    };
    let this = if device.current { ", this one" } else { "" };
    let line =
        format!("{}  {} \"{}\" ({seen}{this})", device.device, device.class.name(), device.name);
    plain::one_line(&line)
}

/// Runs the command.
///
/// # Errors
/// What the server says.
pub async fn run(command: DevicesCommand) -> anyhow::Result<()> {
    match command {
        DevicesCommand::List(Common { who, timeout, json }) => {
            let devices = session::with_client(&who, async |client| {
                session::connected(&client, session::seconds(timeout)).await?;
                Ok(client.devices().await.map_err(Refusal::from)?)
            })
            .await?;
            for device in &devices {
                if json {
                    say::object(&device_json(device))?;
                } else {
                    say::line(&device_line(device, &LocalTimes::system()))?;
                }
            }
            Ok(())
        }
        DevicesCommand::SignOut(SignOut {
            common: Common { who, timeout, json }, device, ..
        }) => {
            let ended = session::with_client(&who, async |client| {
                session::connected(&client, session::seconds(timeout)).await?;
                let ended = match device.map(DeviceNo) {
                    Some(device) => client.sign_out_device(device).await.map(|()| vec![device]),
                    None => client.sign_out_other_devices().await,
                };
                Ok(ended.map_err(Refusal::from)?)
            })
            .await?;
            if json {
                let numbers: Vec<u64> = ended.iter().map(|device| device.0).collect();
                say::object(&json!({ "signed_out": numbers }))?;
            } else {
                let numbers: Vec<String> = ended.iter().map(DeviceNo::to_string).collect();
                let what = if numbers.is_empty() { "no device".into() } else { numbers.join(", ") };
                say::line(&format!("signed out: {what}"))?;
            }
            Ok(())
        }
    }
}
