//! `anser report`: tell the operators of a server about a message, a user or a group.

use anser_types::report::ReportReason;
use anser_types::{ConversationId, Done, Refusal, Seq, Target, UserId};
use clap::Args;
use serde_json::json;

use crate::identity::Who;
use crate::named::{Named, choice};
use crate::{say, session};

/// Report a message, a user or a group to the operators of the server
#[derive(Args, Clone, Debug)]
pub struct ReportOptions {
    #[command(flatten)]
    pub who: Who,
    /// This user, or a message of theirs
    #[arg(long, value_name = "USER", required_unless_present = "group", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// A group, by its id, or a message in it
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// The message's number, as `anser history` shows it behind "#"
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub message: Option<u64>,
    /// Why
    #[arg(long, value_parser = choice::<ReportReason>(), default_value = "other")]
    pub reason: ReportReason,
    /// In your words
    #[arg(default_value = "", hide_default_value = true)]
    pub text: String,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Named for ReportReason {
    const NAMES: &'static [(&'static str, Self)] = &[
        (Self::Other.name(), Self::Other),
        (Self::Spam.name(), Self::Spam),
        (Self::Abuse.name(), Self::Abuse),
        (Self::Sexual.name(), Self::Sexual),
        (Self::Violence.name(), Self::Violence),
        (Self::Illegal.name(), Self::Illegal),
        (Self::Impersonation.name(), Self::Impersonation),
    ];
}

/// Runs the command.
///
/// # Errors
/// What the server says.
pub async fn run(options: ReportOptions) -> anyhow::Result<()> {
    let of = crate::send::target(options.with.as_ref(), options.group)?;
    let (reason, text) = (options.reason, options.text);
    let done: Done = session::with_client(&options.who, async |client| {
        session::connected(&client, session::seconds(options.timeout)).await?;
        let done = match (options.message, of) {
            (Some(seq), of) => client.report_message(of, Seq(seq), reason, text).await,
            (None, Target::User(user)) => client.report_user(user, reason, text).await,
            (None, of) => client.report_conversation(of, reason, text).await,
        };
        Ok(done.map_err(Refusal::from)?)
    })
    .await?;
    if options.json {
        say::object(&json!({ "reported": true, "server_time_ms": done.at.0 }))?;
    } else {
        say::line("reported to the operators")?;
    }
    Ok(())
}
