//! `anser options`, `clear`, `forget`: a conversation as one wants it shown to oneself. Nobody else hears of it.

use anser_sdk::Client;
use anser_sdk::store::ConversationOptions;
use anser_types::{ConversationId, Notify, Refusal, Seq, SetOptions, Target, UserId};
use clap::Args;
use serde_json::json;

use crate::identity::Who;
use crate::named::{Switch, choice};
use crate::send::target;
use crate::{people, say, session};

/// Which conversation, and as whom.
#[derive(Args, Clone, Debug)]
pub struct Of {
    #[command(flatten)]
    pub who: Who,
    /// The conversation with this user
    #[arg(value_name = "USER", required_unless_present = "group", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// A group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Print or change how a conversation is shown to you, on all your devices
#[derive(Args, Clone, Debug)]
pub struct OptionsOptions {
    #[command(flatten)]
    pub of: Of,
    /// Let it stand above the others
    #[arg(long, value_name = "ON|OFF", value_parser = choice::<Switch>())]
    pub pinned: Option<Switch>,
    /// For which messages devices make themselves heard
    #[arg(long, value_name = "MESSAGES", value_parser = choice::<Notify>())]
    pub notify: Option<Notify>,
    /// Leave it out of the list until its next message
    #[arg(long, conflicts_with = "show")]
    pub hide: bool,
    /// List it again
    #[arg(long)]
    pub show: bool,
    /// What was begun and not yet sent; "" ends it
    #[arg(long, value_name = "TEXT")]
    pub draft: Option<String>,
}

/// Remove messages for yourself; others keep them
#[derive(Args, Clone, Debug)]
pub struct ForgetOptions {
    #[command(flatten)]
    pub who: Who,
    /// In the conversation with this user
    #[arg(long, value_name = "USER", required_unless_present = "group", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// In a group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// The messages' numbers, as `anser history` shows them behind "#"
    #[arg(value_name = "NUMBER", required = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub seqs: Vec<u64>,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl OptionsOptions {
    /// What is to be changed, hiding left out: that depends on the last message.
    #[must_use]
    pub fn asked(&self) -> SetOptions {
        SetOptions {
            pinned: self.pinned.map(|Switch(on)| on),
            notify: self.notify,
            hidden_up_to: self.show.then_some(Seq::ZERO),
            draft: self.draft.clone(),
            ..SetOptions::default()
        }
    }
}

/// Runs `anser options`: changes what was named, then prints all of it.
///
/// # Errors
/// What the server says.
pub async fn options(options: OptionsOptions) -> anyhow::Result<()> {
    let at = target(options.of.with.as_ref(), options.of.group)?;
    let shown = session::with_client(&options.of.who, async |client| {
        session::up_to_date(&client, session::seconds(options.of.timeout)).await?;
        Ok(change(&client, at, &options).await.map_err(Refusal::from)?)
    })
    .await?;
    if options.of.json {
        say::object(&people::options_json(&shown))?;
    } else {
        say::line(&people::options_lines(&shown))?;
    }
    Ok(())
}

/// Changes the options; gives them as they are then: what was changed comes to this device a moment later.
async fn change(
    client: &Client,
    at: Target,
    options: &OptionsOptions,
) -> Result<ConversationOptions, anser_sdk::Error> {
    let before = client.conversation_options(at.clone()).await?;
    let set = options.asked();
    if set != SetOptions::default() {
        client.set_conversation_options(at.clone(), set.clone()).await?;
    }
    if options.hide {
        client.hide_conversation(at).await?;
    }
    Ok(ConversationOptions {
        pinned: set.pinned.unwrap_or(before.pinned),
        notify: set.notify.unwrap_or(before.notify),
        hidden: options.hide || (before.hidden && !options.show),
        cleared_up_to: before.cleared_up_to,
        draft: set.draft.unwrap_or(before.draft),
    })
}

/// Runs `anser clear`.
///
/// # Errors
/// What the server says.
pub async fn clear(of: Of) -> anyhow::Result<()> {
    let at = target(of.with.as_ref(), of.group)?;
    let up_to = session::with_client(&of.who, async |client| {
        session::up_to_date(&client, session::seconds(of.timeout)).await?;
        let row = client.conversation(at.clone()).await.map_err(Refusal::from)?;
        client.clear_history(at).await.map_err(Refusal::from)?;
        Ok(row.map(|row| row.head).unwrap_or_default())
    })
    .await?;
    if of.json {
        say::object(&json!({ "cleared_up_to": up_to.0, "done": "cleared" }))?;
    } else {
        say::line(&format!("cleared up to #{up_to}"))?;
    }
    Ok(())
}

/// Runs `anser forget`.
///
/// # Errors
/// What the server says.
pub async fn forget(options: ForgetOptions) -> anyhow::Result<()> {
    let at = target(options.with.as_ref(), options.group)?;
    let seqs: Vec<Seq> = options.seqs.iter().copied().map(Seq).collect();
    session::with_client(&options.who, async |client| {
        session::up_to_date(&client, session::seconds(options.timeout)).await?;
        Ok(client.delete_messages_for_me(at, seqs).await.map_err(Refusal::from)?)
    })
    .await?;
    if options.json {
        say::object(&json!({ "seqs": options.seqs, "done": "removed for you" }))?;
    } else {
        say::line("removed for you")?;
    }
    Ok(())
}
