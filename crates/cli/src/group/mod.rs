//! `anser group`: make, list, change, join and leave groups.

mod carry_out;
mod change;
mod members;
mod rows;

use anser_types::{ConversationId, Refusal, Role, UserId};
use clap::{Args, Subcommand};

pub use change::UpdateOptions;
pub use members::MembersOptions;
pub use rows::{by_rank, is_channel};

use crate::identity::Common;
use crate::named::{among, duration};
use crate::{say, session};

/// The roles that are given; the owner's place is handed over.
const GIVEN_ROLES: &[(&str, Role)] = &[("member", Role::Member), ("admin", Role::Admin)];

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
        /// Make it a channel, which may grow to 100,000 members
        #[arg(long)]
        channel: bool,
    },
    /// Change what a group is: name, announcement, who comes in, who speaks
    Update(UpdateOptions),
    /// Bring users into a group
    Invite(Several),
    /// Come into a group, or ask to be let in
    Join {
        #[command(flatten)]
        one: One,
        /// What to say with it
        #[arg(default_value = "", hide_default_value = true)]
        greeting: String,
    },
    /// List who asks to come in
    Requests {
        #[command(flatten)]
        one: One,
        /// Answered ones too
        #[arg(long)]
        all: bool,
    },
    /// Let somebody in who asked, or refuse
    Answer {
        #[command(flatten)]
        one: One,
        /// Who asked
        #[arg(value_name = "USER")]
        whom: UserId,
        /// accept or refuse
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(["accept", "refuse"]))]
        answer: String,
    },
    /// Leave a group
    Leave(One),
    /// Remove users from a group
    Kick(Several),
    /// Make a member an admin, or an admin a member
    Role {
        #[command(flatten)]
        one: One,
        /// Whom
        #[arg(value_name = "USER")]
        whom: UserId,
        /// member or admin
        #[arg(value_parser = among::<Role>(GIVEN_ROLES))]
        role: Role,
    },
    /// Hand a group over: they are its owner, you an admin
    Transfer {
        #[command(flatten)]
        one: One,
        /// To whom
        #[arg(value_name = "USER")]
        whom: UserId,
    },
    /// Forbid a member to speak
    MuteMember {
        #[command(flatten)]
        one: One,
        /// Whom
        #[arg(value_name = "USER")]
        whom: UserId,
        /// For how long: 90s, 10m, 2h, 7d
        #[arg(long = "for", value_name = "TIME", value_parser = duration,
              required_unless_present = "until_unmuted", conflicts_with = "until_unmuted")]
        long: Option<std::time::Duration>,
        /// Until somebody ends it
        #[arg(long)]
        until_unmuted: bool,
    },
    /// Let a member speak again
    UnmuteMember {
        #[command(flatten)]
        one: One,
        /// Whom
        #[arg(value_name = "USER")]
        whom: UserId,
    },
    /// Name yourself or a member within a group; an empty name takes it away
    Alias {
        #[command(flatten)]
        one: One,
        /// The name
        alias: String,
        /// Whom (default: yourself)
        #[arg(long, value_name = "USER")]
        of: Option<UserId>,
    },
    /// Dissolve a group
    Dismiss(One),
    /// List your groups
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Print what a group is
    Show(One),
    /// List who is in a group
    Members(MembersOptions),
}

/// One group.
#[derive(Args, Clone, Debug)]
pub struct One {
    #[command(flatten)]
    pub common: Common,
    /// The group
    pub group: ConversationId,
}

/// Several users and a group.
#[derive(Args, Clone, Debug)]
pub struct Several {
    #[command(flatten)]
    pub one: One,
    /// Whom
    #[arg(required = true)]
    pub users: Vec<UserId>,
}

impl GroupCommand {
    const fn common(&self) -> &Common {
        match self {
            Self::Create { common, .. } | Self::List { common } => common,
            Self::Update(options) => &options.one.common,
            Self::Invite(several) | Self::Kick(several) => &several.one.common,
            Self::Leave(one) | Self::Dismiss(one) | Self::Show(one) => &one.common,
            Self::Members(options) => &options.one.common,
            Self::Join { one, .. }
            | Self::Requests { one, .. }
            | Self::Answer { one, .. }
            | Self::Role { one, .. }
            | Self::Transfer { one, .. }
            | Self::MuteMember { one, .. }
            | Self::UnmuteMember { one, .. }
            | Self::Alias { one, .. } => &one.common,
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
        Ok(carry_out::carry_out(&client, command).await.map_err(Refusal::from)?)
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
