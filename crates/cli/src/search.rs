//! `anser search`: messages by their words, newest first.

use std::collections::BTreeMap;

use anser_sdk::store::ChatMessage;
use anser_sdk::{Client, ServerSearch};
use anser_types::{ConversationId, Refusal, Target, UserId};
use clap::Args;

use crate::chat::times::LocalTimes;
use crate::identity::Who;
use crate::say::Lines;
use crate::{say, send, session};

/// Find messages by their words.
#[derive(Args, Clone, Debug)]
pub struct SearchOptions {
    #[command(flatten)]
    pub who: Who,
    /// What to find: all of these words; in Chinese and other scripts without spaces any part of a text
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Only what was said between this user and you
    #[arg(long, value_name = "USER", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// Only in a group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// Look only at what is stored on this device, without asking the server
    #[arg(long)]
    pub local: bool,
    /// At most so many messages, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// `INVALID_ARGUMENT` for a text without words, `UNSUPPORTED` when the server does not search, `UNREACHABLE`.
pub async fn run(options: SearchOptions) -> anyhow::Result<()> {
    let of = match (&options.with, options.group) {
        (None, None) => None,
        (with, group) => Some(send::target(with.as_ref(), group)?),
    };
    session::with_client(&options.who, async |client| {
        let (messages, complete) = if options.local {
            (here(&client, of, &options).await?, true)
        } else {
            session::connected(&client, session::seconds(options.timeout)).await?;
            at_the_server(&client, of, &options).await?
        };
        print(&client, &messages, &options).await?;
        if !complete {
            say::aside("the server has not searched everything yet; try again later for more")?;
        } else if messages.is_empty() && !options.json {
            say::aside("nothing was found")?;
        }
        Ok(())
    })
    .await
}

async fn here(
    client: &Client,
    of: Option<Target>,
    options: &SearchOptions,
) -> anyhow::Result<Vec<ChatMessage>> {
    let within = of.map(|of| match of {
        Target::User(peer) => client.direct_conversation(&peer),
        Target::Conversation(id) => id,
    });
    let found = client.search(&options.text, within, options.limit).await;
    Ok(found.map_err(Refusal::from)?)
}

/// Page after page, until there are enough; and whether everything was searched.
async fn at_the_server(
    client: &Client,
    of: Option<Target>,
    options: &SearchOptions,
) -> anyhow::Result<(Vec<ChatMessage>, bool)> {
    let search = ServerSearch::new(options.text.as_str());
    let mut next = Some(match of {
        Some(of) => search.within(of),
        None => search,
    });
    let (mut found, mut complete) = (Vec::new(), true);
    let wanted = usize::try_from(options.limit).unwrap_or(usize::MAX);
    while let Some(search) = next.take().filter(|_| found.len() < wanted) {
        let missing = u32::try_from(wanted - found.len()).unwrap_or(u32::MAX);
        let page = client.search_server(search.limit(missing)).await.map_err(Refusal::from)?;
        found.extend(page.messages);
        complete &= page.complete;
        next = page.next;
    }
    found.truncate(wanted);
    Ok((found, complete))
}

async fn print(
    client: &Client,
    messages: &[ChatMessage],
    options: &SearchOptions,
) -> anyhow::Result<()> {
    let lines = Lines::new(LocalTimes::system());
    let mut titles = BTreeMap::new();
    for message in messages {
        if options.json {
            say::object(&say::message_json(message))?;
            continue;
        }
        let id = message.conversation;
        if message.peer.is_none() && !titles.contains_key(&id) {
            let known = client.conversation(id).await.map_err(Refusal::from)?;
            titles.insert(id, known.map_or_else(|| id.to_string(), |group| group.title));
        }
        say::line(&lines.message(message, titles.get(&id).map(String::as_str)))?;
    }
    Ok(())
}
