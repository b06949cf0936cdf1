//! `anser edit`, `revoke`, `react`, `pin`, `editions`: what can be done to a message that was said.

use anser_sdk::Client;
use anser_types::{Content, ConversationId, Done, Edition, Refusal, Seq, Target, UserId};
use clap::Args;
use serde_json::{Value, json};

use crate::identity::Who;
use crate::send::target;
use crate::{plain, say, session};

/// Which message, and as whom.
#[derive(Args, Clone, Debug)]
pub struct Which {
    #[command(flatten)]
    pub who: Who,
    /// In the conversation with this user
    #[arg(long, value_name = "USER", required_unless_present = "group", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// In a group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// The message's number, as `anser history` shows it behind "#"
    #[arg(value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub seq: u64,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Replace the text of a message of yours
#[derive(Args, Clone, Debug)]
pub struct EditOptions {
    #[command(flatten)]
    pub which: Which,
    /// What it says from now on
    pub text: String,
}

/// Add a reaction to a message, or take yours away
#[derive(Args, Clone, Debug)]
pub struct ReactOptions {
    #[command(flatten)]
    pub which: Which,
    /// An emoji or a short text without spaces
    pub emoji: String,
    /// Take it away
    #[arg(long)]
    pub off: bool,
}

/// Pin a message to its conversation, or unpin it
#[derive(Args, Clone, Debug)]
pub struct PinOptions {
    #[command(flatten)]
    pub which: Which,
    /// Unpin it
    #[arg(long)]
    pub off: bool,
}

/// Runs `anser edit`.
///
/// # Errors
/// What the server says.
pub async fn edit(options: EditOptions) -> anyhow::Result<()> {
    let text = options.text;
    alter(&options.which, "edited", async |client, at, seq| {
        // What else the message carries stays: only its text is new.
        let content = match client.message(at.clone(), seq).await?.and_then(|m| m.content) {
            Some(content) => Content { body: text.into(), ..content },
            None => Content::text(text),
        };
        client.edit_message(at, seq, content).await
    })
    .await
}

/// Runs `anser revoke`.
///
/// # Errors
/// What the server says.
pub async fn revoke(which: Which) -> anyhow::Result<()> {
    alter(&which, "taken back", async |client, at, seq| client.revoke_message(at, seq).await).await
}

/// Runs `anser react`.
///
/// # Errors
/// What the server says.
pub async fn react(options: ReactOptions) -> anyhow::Result<()> {
    let (emoji, on) = (options.emoji, !options.off);
    let what = if on { "reaction added" } else { "reaction taken away" };
    alter(&options.which, what, async |client, at, seq| {
        client.react_to_message(at, seq, emoji, on).await
    })
    .await
}

/// Runs `anser pin`.
///
/// # Errors
/// What the server says.
pub async fn pin(options: PinOptions) -> anyhow::Result<()> {
    let on = !options.off;
    let what = if on { "pinned" } else { "unpinned" };
    alter(&options.which, what, async |client, at, seq| client.pin_message(at, seq, on).await).await
}

/// Runs `anser editions`: what a message said before it was edited.
///
/// # Errors
/// What the server says.
pub async fn editions(which: Which) -> anyhow::Result<()> {
    let at = target(which.with.as_ref(), which.group)?;
    let seq = Seq(which.seq);
    let found = session::with_client(&which.who, async |client| {
        session::up_to_date(&client, session::seconds(which.timeout)).await?;
        Ok(client.editions(at, seq).await.map_err(Refusal::from)?)
    })
    .await?;
    for edition in found {
        if which.json {
            say::object(&edition_json(&edition))?;
        } else {
            let text = String::from_utf8_lossy(&edition.content.body);
            say::line(&plain::clean(&text))?;
        }
    }
    Ok(())
}

fn edition_json(edition: &Edition) -> Value {
    json!({
        "until_change_no": edition.until.0,
        "since_ms": edition.since.0,
        "text": String::from_utf8_lossy(&edition.content.body),
    })
}

async fn alter(
    which: &Which,
    what: &str,
    act: impl AsyncFnOnce(&Client, Target, Seq) -> Result<Done, anser_sdk::Error>,
) -> anyhow::Result<()> {
    let at = target(which.with.as_ref(), which.group)?;
    let seq = Seq(which.seq);
    let done = session::with_client(&which.who, async |client| {
        session::up_to_date(&client, session::seconds(which.timeout)).await?;
        Ok(act(&client, at, seq).await.map_err(Refusal::from)?)
    })
    .await?;
    if which.json {
        say::object(&json!({ "seq": seq.0, "done": what, "change_no": done.change_no.0 }))?;
    } else {
        say::line(&format!("#{seq} {what}"))?;
    }
    Ok(())
}
