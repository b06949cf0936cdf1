//! `anser group`: make, list and change groups.

use anser_sdk::store::Conversation;
use anser_sdk::{Client, MemberState};
use anser_types::{ConversationId, Refusal, UserId};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::identity::Who;
use crate::{plain, say, session};

/// What can be done with groups.
#[derive(Clone, Debug, Subcommand)]
pub enum GroupCommand {
    /// Make a group with yourself as owner; prints its id
    Create {
        #[command(flatten)]
        common: Common,
        /// Its name
        title: String,
        /// Who else is in it
        users: Vec<UserId>,
        /// Later members see what was said before they came
        #[arg(long)]
        show_history: bool,
    },
    /// Bring users into a group
    Invite {
        #[command(flatten)]
        common: Common,
        /// The group
        group: ConversationId,
        /// Whom
        #[arg(required = true)]
        users: Vec<UserId>,
    },
    /// Leave a group
    Leave {
        #[command(flatten)]
        common: Common,
        /// The group
        group: ConversationId,
    },
    /// Remove users from a group
    Kick {
        #[command(flatten)]
        common: Common,
        /// The group
        group: ConversationId,
        /// Whom
        #[arg(required = true)]
        users: Vec<UserId>,
    },
    /// List your groups
    List {
        #[command(flatten)]
        common: Common,
    },
    /// List who is in a group
    Members {
        #[command(flatten)]
        common: Common,
        /// The group
        group: ConversationId,
    },
}

/// What every command about groups takes.
#[derive(Args, Clone, Debug)]
pub struct Common {
    #[command(flatten)]
    pub who: Who,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl GroupCommand {
    const fn common(&self) -> &Common {
        match self {
            Self::Create { common, .. }
            | Self::Invite { common, .. }
            | Self::Leave { common, .. }
            | Self::Kick { common, .. }
            | Self::List { common }
            | Self::Members { common, .. } => common,
        }
    }

    /// Whether the answer is JSON.
    #[must_use]
    pub const fn json(&self) -> bool {
        self.common().json
    }
}

/// Runs the command.
///
/// # Errors
/// What the server says.
pub async fn run(command: GroupCommand) -> anyhow::Result<()> {
    let common = command.common().clone();
    let answers = session::with_client(&common.who, async |client| {
        session::up_to_date(&client, session::seconds(common.timeout)).await?;
        Ok(carry_out(&client, command).await.map_err(Refusal::from)?)
    })
    .await?;
    for (text, value) in answers {
        if common.json {
            say::object(&value)?;
        } else {
            say::line(&text)?;
        }
    }
    Ok(())
}

/// What to print, as text and as JSON.
async fn carry_out(
    client: &Client,
    command: GroupCommand,
) -> Result<Vec<(String, Value)>, anser_sdk::Error> {
    let done = |what: &str, group: ConversationId| {
        vec![(what.to_owned(), json!({ "conversation": group.to_string(), "done": true }))]
    };
    Ok(match command {
        GroupCommand::Create { title, users, show_history, .. } => {
            let id = client.create_group(title.clone(), users, show_history).await?;
            vec![(id.to_string(), json!({ "conversation": id.to_string(), "title": title }))]
        }
        GroupCommand::Invite { group, users, .. } => {
            client.invite(group, users).await?;
            done("invited", group)
        }
        GroupCommand::Leave { group, .. } => {
            client.leave_group(group).await?;
            done("left", group)
        }
        GroupCommand::Kick { group, users, .. } => {
            client.kick(group, users).await?;
            done("removed", group)
        }
        GroupCommand::List { .. } => list(client).await?,
        GroupCommand::Members { group, .. } => by_rank(client.group_members(group).await?)
            .iter()
            .map(|member| {
                let role = say::role_name(member.role);
                let value = json!({
                    "user": member.user.as_str(),
                    "role": role,
                    "read_up_to": member.read_up_to.0,
                });
                (format!("{} ({role})", plain::one_line(member.user.as_str())), value)
            })
            .collect(),
    })
}

/// Those with more rights first, then by name.
#[must_use]
pub fn by_rank(mut members: Vec<MemberState>) -> Vec<MemberState> {
    members.sort_by(|a, b| b.role.cmp(&a.role).then_with(|| a.user.cmp(&b.user)));
    members
}

/// The groups one is in. Who is in them and one's own role are asked of the server, which knows best.
async fn list(client: &Client) -> Result<Vec<(String, Value)>, anser_sdk::Error> {
    let mut listed = Vec::new();
    for row in client.conversations().await? {
        if row.peer.is_none() && row.member {
            let members = client.group_members(row.id).await?;
            listed.push(describe(&row, &members, client.user()));
        }
    }
    Ok(listed)
}

fn describe(row: &Conversation, members: &[MemberState], me: &UserId) -> (String, Value) {
    let role =
        members.iter().find(|member| member.user == *me).map_or(row.role, |member| member.role);
    let text = format!(
        "{}  {} ({} members, {} unread)",
        row.id,
        plain::one_line(&row.name()),
        members.len(),
        row.unread
    );
    let value = json!({
        "conversation": row.id.to_string(),
        "title": row.title,
        "members": members.len(),
        "role": say::role_name(role),
        "unread": row.unread,
        "head": row.head.0,
        "read_up_to": row.read_up_to.0,
    });
    (text, value)
}
