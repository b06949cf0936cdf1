//! `anser send`: one message, and its place once the server has stored it.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anser_sdk::{Client, SentMessage, ShowAs, UploadOptions};
use anser_types::{Content, ConversationId, ErrorCode, Refusal, Target, UserId};
use clap::Args;
use serde_json::json;

use crate::identity::Who;
use crate::named::{self, duration};
use crate::upload::Uploading;
use crate::{say, session};

/// Send one message and wait until the server has stored it.
#[derive(Args, Clone, Debug)]
pub struct SendOptions {
    #[command(flatten)]
    pub who: Who,
    /// To whom; with --group, what to say
    #[arg(value_name = "USER", required_unless_present_all = ["group", "file"])]
    first: Option<String>,
    /// What to say; "-" reads it from the standard input
    #[arg(
        value_name = "TEXT",
        required_unless_present_any = ["group", "file"],
        conflicts_with_all = ["group", "file"]
    )]
    second: Option<String>,
    /// Send this file: a picture or a video as such, anything else as a file
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// What to say with the file
    #[arg(long, value_name = "TEXT", requires = "file")]
    pub caption: Option<String>,
    /// Keep a picture as it is, with what it tells beside its pixels: camera, time, place
    #[arg(long, requires = "file")]
    pub original: bool,
    /// Show it as a plain file, whatever it is
    #[arg(long, requires = "file")]
    pub as_file: bool,
    /// To a group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// Everybody forgets it after this time: 90s, 10m, 2h, 7d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub expires: Option<Duration>,
    /// Everybody forgets it this long after the other one has read it
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "group")]
    pub burn: Option<Duration>,
    /// Seconds to wait for the connection, and then for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl SendOptions {
    /// To whom, and what; the text as it was given.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: nobody can have this name.
    pub fn said(&self) -> Result<(Target, &str), Refusal> {
        let first = self.first.as_deref().unwrap_or_default();
        match (self.group, &self.second) {
            (Some(_), _) if self.file.is_some() && !first.is_empty() => {
                let why = "with a file, what to say goes into --caption";
                Err(Refusal::because(ErrorCode::InvalidArgument, why))
            }
            (Some(group), _) => Ok((Target::Conversation(group), first)),
            (None, text) => {
                let user = UserId::new(first).map_err(|error| {
                    Refusal::because(ErrorCode::InvalidArgument, error.to_string())
                })?;
                Ok((Target::User(user), text.as_deref().unwrap_or_default()))
            }
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Why the message is not stored at the server.
pub async fn run(options: SendOptions) -> anyhow::Result<()> {
    let (to, text) = options.said()?;
    let text = if options.file.is_some() { String::new() } else { read_text(text)? };
    let sent = session::with_client(&options.who, async |client| {
        let content = match &options.file {
            Some(path) => with_file(&client, path.clone(), &options).await?,
            None => Content::text(text),
        };
        send(&client, to, content, &options).await
    })
    .await?;
    let state = if sent.stored_offline { "stored_offline" } else { "sent" };
    if options.json {
        say::object(&json!({
            "conversation": sent.conversation.to_string(),
            "seq": sent.seq.0,
            "state": state,
            "client_msg_id": sent.id.to_string(),
            "server_time_ms": sent.server_time.0,
        }))?;
    } else {
        let words = if sent.stored_offline { "sent, waits for them" } else { "sent" };
        say::line(&format!("#{} {words}", sent.seq))?;
    }
    Ok(())
}

/// Uploads the file; what is said with it is made of what the server found.
async fn with_file(
    client: &Client,
    path: PathBuf,
    options: &SendOptions,
) -> anyhow::Result<Content> {
    let patience = session::seconds(options.timeout);
    let who = &options.who.user;
    let uploading = Uploading { who, bar: !options.json, patience, within: true };
    let with = UploadOptions { original: options.original, name: None };
    let file = uploading.run(client, path, with).await?;
    let show = if options.as_file { ShowAs::File } else { ShowAs::WhatItIs };
    let caption = options.caption.clone().unwrap_or_default();
    Ok(Client::create_file_message_of(&file, show, caption)?)
}

async fn send(
    client: &Client,
    to: Target,
    mut content: Content,
    options: &SendOptions,
) -> anyhow::Result<SentMessage> {
    let patience = session::seconds(options.timeout);
    // Before anything is queued: a message given up here was never said.
    session::connected(client, patience).await?;
    if let Some(after) = options.expires {
        // Known now, to within a round trip: the connection has just been made.
        let now = client.server_time().await.map_err(Refusal::from)?;
        content.expires_at = Some(named::from_now(now, Some(after)));
    }
    content.burn_after_ms =
        options.burn.map(|after| u32::try_from(after.as_millis()).unwrap_or(u32::MAX));
    sent(client, to, content, patience).await
}

/// Sends and waits until the server has it; what is refused for good is forgotten.
pub(crate) async fn sent(
    client: &Client,
    to: Target,
    content: Content,
    patience: Duration,
) -> anyhow::Result<SentMessage> {
    let id = client.send_message(to, content).await.map_err(Refusal::from)?;
    match tokio::time::timeout(patience, client.wait_sent(id)).await {
        Ok(Ok(sent)) => Ok(sent),
        Ok(Err(error)) => {
            let refusal = Refusal::from(error);
            if !refusal.code.retryable() {
                // Refused for good: it would only stand in the way of what is sent next.
                forget(client, id).await;
            }
            Err(refusal.into())
        }
        Err(_) => {
            let why = format!(
                "message {id} is kept and goes out with the next command of this user on this machine"
            );
            Err(Refusal::because(ErrorCode::TimedOut, why).into())
        }
    }
}

async fn forget(client: &Client, id: anser_types::MessageId) {
    if let Err(error) = client.delete_unsent(id).await {
        tracing::debug!(%error, "a refused message is not in the outbox any more");
    }
}

/// What to say. Nothing at all is refused: in a script it means that what should have been said was not made.
fn read_text(given: &str) -> anyhow::Result<String> {
    let text = if given == "-" { read_stdin()? } else { given.to_owned() };
    if text.is_empty() {
        return Err(Refusal::because(ErrorCode::InvalidArgument, "there is nothing to say").into());
    }
    Ok(text)
}

fn read_stdin() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let why = format!("the standard input is not UTF-8 text: {}", error.utf8_error());
        Refusal::because(ErrorCode::InvalidArgument, why)
    })?;
    // The line end that ends every text file is no part of what is said.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// A user or a group, as given on the command line.
///
/// # Errors
/// `INVALID_ARGUMENT` when neither is given.
pub fn target(user: Option<&UserId>, group: Option<ConversationId>) -> Result<Target, Refusal> {
    match (group, user) {
        (Some(id), _) => Ok(Target::Conversation(id)),
        (None, Some(user)) => Ok(Target::User(user.clone())),
        (None, None) => Err(Refusal::because(
            ErrorCode::InvalidArgument,
            "name a user, or a group with --group",
        )),
    }
}
