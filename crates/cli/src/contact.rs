//! `anser contact`: who is one's contact, who asks to be, and from whom one wants to hear nothing.

use anser_types::{Contact, ContactAct, Refusal, Relation, UserId};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::identity::Common;
use crate::{people, say, session};

/// What can be done about other users.
#[derive(Clone, Debug, Subcommand)]
pub enum ContactCommand {
    /// List your contacts, and whom you named or blocked
    List(Common),
    /// List who asks to be your contact
    Applications(Common),
    /// Ask a user to be your contact
    Apply {
        #[command(flatten)]
        one: One,
        /// What to say with it
        #[arg(default_value = "", hide_default_value = true)]
        greeting: String,
    },
    /// Say yes to somebody who asked
    Accept(One),
    /// Say no to somebody who asked
    Refuse(One),
    /// Give a user a name that only you see; an empty one takes it away
    Remark {
        #[command(flatten)]
        one: One,
        /// The name
        name: String,
    },
    /// End it for both, or take your application back
    Remove(One),
    /// Hear nothing more from a user; they are not told
    Block(One),
    /// Hear from a user again
    Unblock(One),
}

/// One user.
#[derive(Args, Clone, Debug)]
pub struct One {
    #[command(flatten)]
    pub common: Common,
    /// Whom
    #[arg(value_name = "USER")]
    pub whom: UserId,
}

impl ContactCommand {
    /// Whether the answer is JSON.
    #[must_use]
    pub const fn json(&self) -> bool {
        match self {
            Self::List(common) | Self::Applications(common) => common.json,
            Self::Accept(one)
            | Self::Refuse(one)
            | Self::Remove(one)
            | Self::Block(one)
            | Self::Unblock(one)
            | Self::Apply { one, .. }
            | Self::Remark { one, .. } => one.common.json,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What the server says.
pub async fn run(command: ContactCommand) -> anyhow::Result<()> {
    match command {
        ContactCommand::List(common) => list(common, false).await,
        ContactCommand::Applications(common) => list(common, true).await,
        ContactCommand::Apply { one, greeting } => {
            act(one, ContactAct::Apply { greeting }, "asked").await
        }
        ContactCommand::Accept(one) => act(one, ContactAct::Accept, "accepted").await,
        ContactCommand::Refuse(one) => act(one, ContactAct::Refuse, "refused").await,
        ContactCommand::Remark { one, name } => act(one, ContactAct::Remark(name), "named").await,
        ContactCommand::Remove(one) => act(one, ContactAct::Remove, "removed").await,
        ContactCommand::Block(one) => act(one, ContactAct::Block, "blocked").await,
        ContactCommand::Unblock(one) => act(one, ContactAct::Unblock, "unblocked").await,
    }
}

async fn list(common: Common, applications: bool) -> anyhow::Result<()> {
    let found = session::with_client(&common.who, async |client| {
        session::up_to_date(&client, session::seconds(common.timeout)).await?;
        Ok(if applications {
            client.contact_applications().await.map_err(Refusal::from)?
        } else {
            client.contacts().await.map_err(Refusal::from)?
        })
    })
    .await?;
    for contact in found.iter().filter(|contact| says_something(contact)) {
        if common.json {
            say::object(&people::contact_json(contact))?;
        } else {
            say::line(&people::contact_line(contact))?;
        }
    }
    Ok(())
}

/// Who was removed stays known without being anything to one.
fn says_something(contact: &Contact) -> bool {
    contact.relation != Relation::None || contact.blocked || !contact.remark.is_empty()
}

async fn act(one: One, act: ContactAct, what: &str) -> anyhow::Result<()> {
    let user = one.whom.clone();
    session::with_client(&one.common.who, async |client| {
        session::up_to_date(&client, session::seconds(one.common.timeout)).await?;
        Ok(client.act_on_contact(user, act).await.map_err(Refusal::from)?)
    })
    .await?;
    if one.common.json {
        say::object(&json!({ "user": one.whom.as_str(), "done": what }))?;
    } else {
        say::line(what)?;
    }
    Ok(())
}
