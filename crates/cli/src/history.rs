//! `anser history`: what was said, oldest first.

use anser_sdk::Client;
use anser_sdk::store::{ChatMessage, PageBounds};
use anser_types::{ConversationId, ErrorCode, Refusal, Seq, Target, UserId};
use clap::Args;

use crate::chat::times::LocalTimes;
use crate::identity::Who;
use crate::say::Lines;
use crate::{say, send, session};

/// Messages read at a time.
const PAGE: u32 = 200;

/// Print what was said.
#[derive(Args, Clone, Debug)]
pub struct HistoryOptions {
    #[command(flatten)]
    pub who: Who,
    /// With whom
    #[arg(value_name = "USER", required_unless_present = "group", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// In a group, by its id
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// At most so many messages, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// Only messages before this number
    #[arg(long, value_name = "SEQ")]
    pub before: Option<u64>,
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
/// `USER_UNKNOWN` when there is nobody to have a history with; `UNREACHABLE` when some of it is only at the server: what
/// is here is printed all the same.
pub async fn run(options: HistoryOptions) -> anyhow::Result<()> {
    let of = send::target(options.with.as_ref(), options.group)?;
    let (messages, complete, gap) = session::with_client(&options.who, async |client| {
        // Without a connection the store still tells what it knows.
        let offline = session::up_to_date(&client, session::seconds(options.timeout)).await.err();
        let (messages, complete) = read(&client, of, &options).await?;
        Ok((messages, complete, offline))
    })
    .await?;
    let lines = Lines::new(LocalTimes::system());
    for message in &messages {
        if options.json {
            say::object(&say::message_json(message))?;
        } else {
            say::line(&lines.message(message, None))?;
        }
    }
    if messages.is_empty() && gap.is_none() && complete && !options.json {
        // On standard error: the output of an empty history is empty.
        say::aside("nothing was said there yet")?;
    }
    match gap {
        Some(refusal) => Err(refusal.into()),
        None if complete => Ok(()),
        None => {
            let why = "earlier messages are only at the server and could not be read";
            Err(Refusal::because(ErrorCode::Unreachable, why).into())
        }
    }
}

/// The newest messages within the bounds, in the order to be shown; and whether none is missing between them.
async fn read(
    client: &Client,
    of: Target,
    options: &HistoryOptions,
) -> anyhow::Result<(Vec<ChatMessage>, bool)> {
    let mut messages = Vec::new();
    let mut before = options.before.map(Seq);
    let mut complete = true;
    let mut wanted = options.limit;
    while wanted > 0 {
        let bounds =
            PageBounds { after: None, before, limit: wanted.min(PAGE), oldest_first: false };
        let page = client.history(of.clone(), bounds).await.map_err(Refusal::from)?;
        complete &= page.complete;
        if messages.is_empty() && options.before.is_none() {
            // What is not sent yet, or was refused, stands at the end and says so.
            messages = page.pending;
        }
        let (first, more) = (page.range.map(|(first, _)| first), page.more);
        let read = u32::try_from(page.messages.len()).unwrap_or(u32::MAX).max(1);
        messages.splice(0..0, page.messages);
        wanted = wanted.saturating_sub(read);
        before = first;
        if !more || first.is_none() {
            break;
        }
    }
    let most = usize::try_from(options.limit).unwrap_or(usize::MAX);
    messages.drain(..messages.len().saturating_sub(most));
    Ok((messages, complete))
}
