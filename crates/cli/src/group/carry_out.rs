//! What each command about groups asks of the client, and what is printed of the answer.

use anser_sdk::{Client, SystemClock};
use anser_types::{Clock, ConversationId, JoinState, UnixMs, UserId};
use serde_json::{Value, json};

use super::{GroupCommand, members, rows};
use crate::named::from_now;
use crate::people;

/// A line for people and an object for programs.
pub(super) type Printed = (String, Value);

/// What to print, as text and as JSON.
pub(super) async fn carry_out(
    client: &Client,
    command: GroupCommand,
) -> Result<Vec<Printed>, anser_sdk::Error> {
    Ok(match command {
        GroupCommand::Create { title, users, show_history, channel, .. } => {
            let id = client.create_group(title.clone(), users, show_history).await?;
            if channel {
                client.make_channel(id).await?;
            }
            let value =
                json!({ "conversation": id.to_string(), "title": title, "channel": channel });
            vec![(id.to_string(), value)]
        }
        GroupCommand::Update(options) => {
            client.update_group(options.one.group, options.change.asked()?).await?;
            done("changed", options.one.group)
        }
        GroupCommand::Invite(several) => {
            client.invite(several.one.group, several.users).await?;
            done("invited", several.one.group)
        }
        GroupCommand::Join { one, greeting } => join(client, one.group, greeting).await?,
        GroupCommand::Requests { one, all } => requests(client, one.group, all).await?,
        GroupCommand::Answer { one, whom, answer } => {
            let accept = answer == "accept";
            client.answer_join_request(one.group, whom, accept).await?;
            done(if accept { "let in" } else { "refused" }, one.group)
        }
        GroupCommand::Leave(one) => {
            client.leave_group(one.group).await?;
            done("left", one.group)
        }
        GroupCommand::Kick(several) => {
            client.kick(several.one.group, several.users).await?;
            done("removed", several.one.group)
        }
        GroupCommand::Dismiss(one) => {
            client.dismiss_group(one.group).await?;
            done("dissolved", one.group)
        }
        GroupCommand::List { .. } => rows::list(client).await?,
        GroupCommand::Show(one) => {
            let told = client.group(one.group).await?;
            let members = client.conversation(one.group).await?.and_then(|row| row.members);
            vec![rows::shown(one.group, &told, members)]
        }
        GroupCommand::Members(options) => members::list(client, options).await?,
        about_a_member => act_on_member(client, about_a_member).await?,
    })
}

async fn act_on_member(
    client: &Client,
    command: GroupCommand,
) -> Result<Vec<Printed>, anser_sdk::Error> {
    Ok(match command {
        GroupCommand::Role { one, whom, role } => {
            client.set_role(one.group, whom, role).await?;
            done("changed", one.group)
        }
        GroupCommand::Transfer { one, whom } => {
            client.transfer_group(one.group, whom).await?;
            done("handed over", one.group)
        }
        GroupCommand::MuteMember { one, whom, long, .. } => {
            let until = from_now(SystemClock.now(), long);
            client.mute_member(one.group, whom, until).await?;
            done("muted", one.group)
        }
        GroupCommand::UnmuteMember { one, whom } => {
            client.mute_member(one.group, whom, UnixMs(0)).await?;
            done("may speak again", one.group)
        }
        GroupCommand::Alias { one, alias, of } => {
            let whom: UserId = of.unwrap_or_else(|| client.user().clone());
            client.set_alias(one.group, whom, alias).await?;
            done("named", one.group)
        }
        _ => Vec::new(),
    })
}

fn done(what: &str, group: ConversationId) -> Vec<Printed> {
    vec![(what.to_owned(), json!({ "conversation": group.to_string(), "done": true }))]
}

/// One walks in, or waits to be let in, as the group has it: the answer tells which, by what it caused.
async fn join(
    client: &Client,
    group: ConversationId,
    greeting: String,
) -> Result<Vec<Printed>, anser_sdk::Error> {
    client.join_group(group, greeting).await?;
    // Who may ask what the group is, is in it.
    let inside = client.channel_members(group, None, 1).await.is_ok();
    let (text, state) =
        if inside { ("you are in", "member") } else { ("you asked; an admin answers", "waiting") };
    Ok(vec![(text.to_owned(), json!({ "conversation": group.to_string(), "state": state }))])
}

async fn requests(
    client: &Client,
    group: ConversationId,
    all: bool,
) -> Result<Vec<Printed>, anser_sdk::Error> {
    let requests = client.join_requests(group).await?;
    let shown = requests.iter().filter(|request| all || request.state == JoinState::Waiting);
    Ok(shown
        .map(|request| (people::request_line(request), people::request_json(request)))
        .collect())
}
