//! `anser settings`: what one lets others do and see.

use anser_types::{Audience, Refusal, SetSettings};
use clap::Args;

use crate::identity::Who;
use crate::named::{Switch, choice};
use crate::{people, say, session};

/// Print or change what you let others do and see
#[derive(Args, Clone, Debug)]
pub struct SettingsOptions {
    #[command(flatten)]
    pub who: Who,
    /// Who may begin a conversation with you
    #[arg(long, value_name = "WHOM", value_parser = choice::<Audience>())]
    pub write_first: Option<Audience>,
    /// Who sees whether you are here, and when you last were
    #[arg(long, value_name = "WHOM", value_parser = choice::<Audience>())]
    pub last_seen: Option<Audience>,
    /// Whether others are told how far you have read
    #[arg(long, value_name = "ON|OFF", value_parser = choice::<Switch>())]
    pub show_read: Option<Switch>,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command: changes what was named, then prints all of it.
///
/// # Errors
/// What the server says.
pub async fn run(options: SettingsOptions) -> anyhow::Result<()> {
    let set = SetSettings {
        write_first: options.write_first,
        last_seen: options.last_seen,
        show_read: options.show_read.map(|Switch(on)| on),
    };
    let settings = session::with_client(&options.who, async |client| {
        session::up_to_date(&client, session::seconds(options.timeout)).await?;
        let before = client.settings().await.map_err(Refusal::from)?;
        if set != SetSettings::default() {
            client.set_settings(set).await.map_err(Refusal::from)?;
        }
        // What was changed just now comes to this device as to all others, a moment later.
        Ok(before.with(set))
    })
    .await?;
    if options.json {
        say::object(&people::settings_json(&settings))?;
    } else {
        say::line(&people::settings_lines(&settings))?;
    }
    Ok(())
}
