//! `anser token`: a device token for a user, for trying things out with other programs.

use anser_sdk::http::DeviceDescription;
use anser_types::{DeviceClass, ErrorCode, Refusal, UserId};
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::identity::{self, Where};
use crate::say;

/// Print a device token for a user, for trying things out (needs the server's API key).
#[derive(Args, Clone, Debug)]
pub struct TokenOptions {
    /// Whose device; made if unknown
    #[arg(long, value_name = "USER")]
    pub user: UserId,
    #[command(flatten)]
    pub place: Where,
    /// What the device is: phone, pad, desktop, web, cli or bot
    #[arg(long, value_name = "CLASS", default_value = "bot", value_parser = class)]
    pub class: DeviceClass,
    /// What the user sees in a list of devices
    #[arg(long, value_name = "NAME", default_value = "anser token")]
    pub name: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn class(text: &str) -> Result<DeviceClass, String> {
    DeviceClass::from_name(text)
        .ok_or_else(|| "one of phone, pad, desktop, web, cli, bot".to_owned())
}

/// Runs the command.
///
/// # Errors
/// `API_KEY_INVALID` when the key cannot be read, or what the server says.
pub async fn run(options: TokenOptions) -> anyhow::Result<()> {
    let place = options.place.find()?;
    let key = place.api_key.clone().ok_or_else(|| {
        let why = "the key of this server cannot be read here: name its file with --api-key-file";
        Refusal::because(ErrorCode::ApiKeyInvalid, why)
    })?;
    let device = DeviceDescription { class: options.class, name: options.name };
    let signed_in =
        identity::app_server(&place, key)?.mint_token(&options.user, &device, true, None).await?;
    let token = signed_in.token.expose_secret();
    if options.json {
        say::object(&json!({
            "user": signed_in.user.as_str(),
            "device_no": signed_in.device.to_string(),
            "token": token,
            "expires_at_ms": signed_in.expires_at.0,
            "session": place.session.to_string(),
            "http": place.http,
        }))?;
    } else {
        // Lines a shell can take over: eval "$(anser token --user alice)".
        for (name, value) in [
            ("ANSER_USER", signed_in.user.as_str()),
            ("ANSER_TOKEN", token),
            ("ANSER_DEVICE", &signed_in.device.to_string()),
            ("ANSER_ENDPOINT", &place.session.to_string()),
            ("ANSER_HTTP", &place.http),
        ] {
            say::line(&format!("export {name}={}", quoted(value)))?;
        }
    }
    Ok(())
}

/// A value as a word of a shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
