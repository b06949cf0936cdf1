//! `anser password`: another password for oneself.

use anser_types::Refusal;
use clap::Args;
use serde_json::json;

use crate::identity::{self, Common};
use crate::{say, session};

/// Change your password; your other devices are signed out.
#[derive(Args, Clone, Debug)]
pub struct PasswordOptions {
    /// As whom, and how. The old password is asked for, or taken from ANSER_PASSWORD; the new one from ANSER_NEW_PASSWORD.
    #[command(flatten)]
    pub common: Common,
}

/// Runs the command.
///
/// # Errors
/// `WRONG_CREDENTIALS`, `PASSWORD_REFUSED`, or what else the server says.
pub async fn run(options: PasswordOptions) -> anyhow::Result<()> {
    let Common { who, timeout, json } = options.common;
    let (old, new) = (identity::password(&who.user)?, identity::new_password(&who.user)?);
    session::with_client(&who, async |client| {
        session::connected(&client, session::seconds(timeout)).await?;
        Ok(client.change_password(old, new).await.map_err(Refusal::from)?)
    })
    .await?;
    if json {
        say::object(&json!({ "changed": true }))?;
    } else {
        say::line("the password is changed; other devices are signed out")?;
    }
    Ok(())
}
