//! `anser forward`: messages passed on, one by one or as one.

use anser_sdk::{ChatMessage, Client, SentMessage};
use anser_types::{Content, ConversationId, ErrorCode, Refusal, Seq, Target, UserId};
use clap::Args;
use serde_json::json;

use crate::identity::Who;
use crate::send::{sent, target};
use crate::{say, session};

/// Forward messages to somebody, one by one or as one
#[derive(Args, Clone, Debug)]
pub struct ForwardOptions {
    #[command(flatten)]
    pub who: Who,
    /// From the conversation with this user
    #[arg(long, value_name = "USER", required_unless_present = "group", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// From a group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// The messages' numbers, as `anser history` shows them behind "#"
    #[arg(value_name = "NUMBER", required = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub seqs: Vec<u64>,
    /// To this user
    #[arg(
        long,
        value_name = "USER",
        required_unless_present = "to_group",
        conflicts_with = "to_group"
    )]
    pub to: Option<UserId>,
    /// To a group, by its id
    #[arg(long, value_name = "ID")]
    pub to_group: Option<ConversationId>,
    /// All of them as one message
    #[arg(long)]
    pub merged: bool,
    /// The title of the one message
    #[arg(long, requires = "merged", default_value = "", hide_default_value = true)]
    pub title: String,
    /// Seconds to wait for the connection, and then for each answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print one JSON object per message sent
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Why a message is not there, cannot be forwarded, or is not stored at the server; those before it are.
pub async fn run(options: ForwardOptions) -> anyhow::Result<()> {
    let from = target(options.with.as_ref(), options.group)?;
    let to = target(options.to.as_ref(), options.to_group)?;
    session::with_client(&options.who, async |client| {
        let patience = session::seconds(options.timeout);
        session::connected(&client, patience).await?;
        let messages = messages(&client, &from, &options.seqs).await?;
        for content in contents(&options, &messages)? {
            let done = sent(&client, to.clone(), content, patience).await?;
            tell(&done, options.json)?;
        }
        Ok(())
    })
    .await
}

async fn messages(
    client: &Client,
    from: &Target,
    seqs: &[u64],
) -> anyhow::Result<Vec<ChatMessage>> {
    let mut messages = Vec::with_capacity(seqs.len());
    for seq in seqs {
        let found = client.message(from.clone(), Seq(*seq)).await.map_err(Refusal::from)?;
        messages.push(found.ok_or_else(|| {
            Refusal::because(ErrorCode::TargetMissing, format!("there is no message {seq}"))
        })?);
    }
    Ok(messages)
}

/// What is sent; nothing is, unless all of it can be.
fn contents(options: &ForwardOptions, messages: &[ChatMessage]) -> Result<Vec<Content>, Refusal> {
    if options.merged {
        return Ok(vec![Client::create_merged_message(options.title.clone(), messages)?]);
    }
    messages.iter().map(Client::create_forward_message).collect()
}

fn tell(sent: &SentMessage, json: bool) -> anyhow::Result<()> {
    if json {
        say::object(&json!({
            "conversation": sent.conversation.to_string(),
            "seq": sent.seq.0,
            "client_msg_id": sent.id.to_string(),
        }))?;
    } else {
        say::line(&format!("#{} forwarded", sent.seq))?;
    }
    Ok(())
}
