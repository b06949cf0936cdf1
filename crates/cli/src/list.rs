//! `anser list`: one's conversations, and how much is unread in all of them.

use anser_sdk::TotalUnread;
use anser_types::Refusal;
use clap::Args;

use crate::identity::Who;
use crate::{people, say, session};

/// List your conversations, pinned ones first, then the newest
#[derive(Args, Clone, Debug)]
pub struct ListOptions {
    #[command(flatten)]
    pub who: Who,
    /// Print only how much is unread in all of them
    #[arg(long)]
    pub total: bool,
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
/// Why the list is not up to date: what is here is printed all the same.
pub async fn run(options: ListOptions) -> anyhow::Result<()> {
    let (rows, offline) = session::with_client(&options.who, async |client| {
        let offline = session::up_to_date(&client, session::seconds(options.timeout)).await.err();
        Ok((client.conversations().await.map_err(Refusal::from)?, offline))
    })
    .await?;
    let total = TotalUnread::of(&rows);
    for row in rows.iter().filter(|_| !options.total) {
        if options.json {
            say::object(&people::conversation_json(row))?;
        } else {
            say::line(&people::conversation_line(row))?;
        }
    }
    if options.total && options.json {
        say::object(&people::total_json(total))?;
    } else if options.total {
        say::line(&people::total_line(total))?;
    } else if !options.json {
        // On standard error: every line of the output is a conversation.
        say::aside(&people::total_line(total))?;
    }
    offline.map_or(Ok(()), |refusal| Err(refusal.into()))
}
