//! Carries out what the model wants, by the client. Reads run side by side; what is said goes one after the other, so
//! that it stays in its order.

use anser_sdk::store::{HistoryPage, PageBounds};
use anser_sdk::{Client, Error, MemberState};
use anser_types::{Alteration, Content, ConversationId, ErrorCode, Refusal, Target, UserId};
use tokio::sync::mpsc;

use super::carrying::Carrier;
use super::step::{Effect, Input};
use super::texts::Text;
use super::timeline::{Beside, OLDER_PAGE, Window};
use crate::group::{by_rank, is_channel};

/// Results waiting for the model; a full queue makes the workers wait.
pub const RESULTS: usize = 64;
/// Things to say that wait for the client's store. Only a store that cannot write fills it.
const SAYING: usize = 256;
/// Most messages read for the loaded part of a conversation.
const WINDOW_MAX: u32 = 10_000;
/// Pages fetched to complete one window.
const FETCHES_MAX: usize = 20;

/// The hands of the chat.
#[derive(Debug)]
pub struct Worker {
    client: Client,
    results: mpsc::Sender<Input>,
    saying: mpsc::Sender<Effect>,
    carrier: Carrier,
}

impl Worker {
    /// Starts to work for this client; results go to `results`.
    #[must_use]
    pub fn start(client: Client, results: mpsc::Sender<Input>) -> Self {
        let (saying, queue) = mpsc::channel(SAYING);
        tokio::spawn(say_in_order(client.clone(), queue, results.clone()));
        Self { client, results, saying, carrier: Carrier::default() }
    }

    /// Begins to carry out an effect. Gives back what there is no room for, as an input.
    pub fn begin(&self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Send(..)
            | Effect::Forward(..)
            | Effect::Retry(_)
            | Effect::Delete(_)
            | Effect::MarkRead(..)
            | Effect::Typing(..)
            | Effect::Follow(..)
            | Effect::KeepDraft(..)
            | Effect::ConnectNow => self.say(effect),
            Effect::Quit => None,
            Effect::StopMoving(no) => {
                self.carrier.stop(no);
                None
            }
            Effect::Attach(..) | Effect::Fetch(..) => {
                self.carry(effect);
                None
            }
            read_or_group => {
                let (client, results) = (self.client.clone(), self.results.clone());
                tokio::spawn(async move {
                    if let Some(input) = carry_out(&client, read_or_group).await {
                        // An error means that the chat ends.
                        drop(results.send(input).await);
                    }
                });
                None
            }
        }
    }

    fn carry(&self, effect: Effect) {
        let (client, results) = (self.client.clone(), self.results.clone());
        let carrier = self.carrier.clone();
        tokio::spawn(async move {
            let input = match effect {
                Effect::Attach(no, what) => carrier.attach(&client, no, what, &results).await,
                Effect::Fetch(no, wish) => carrier.fetch(&client, no, wish, &results).await,
                _ => return,
            };
            // An error means that the chat ends.
            drop(results.send(input).await);
        });
    }

    fn say(&self, effect: Effect) -> Option<Input> {
        let refused = self.saying.try_send(effect).err()?;
        let (mpsc::error::TrySendError::Full(effect) | mpsc::error::TrySendError::Closed(effect)) =
            refused;
        let refusal =
            Refusal::because(ErrorCode::LocalDiskFull, "the local store does not take anything");
        match effect {
            Effect::Send(to, text) => Some(Input::NotQueued(to, text, refusal)),
            Effect::Forward(..) => Some(Input::Refused("/forward", refusal)),
            Effect::Retry(_) => Some(Input::Refused("/retry", refusal)),
            Effect::Delete(_) => Some(Input::Refused("/delete", refusal)),
            // Typing and read positions are said again with the next occasion.
            _ => None,
        }
    }
}

async fn say_in_order(
    client: Client,
    mut queue: mpsc::Receiver<Effect>,
    results: mpsc::Sender<Input>,
) {
    while let Some(effect) = queue.recv().await {
        if let Some(input) = say(&client, effect).await
            && results.send(input).await.is_err()
        {
            return;
        }
    }
}

async fn say(client: &Client, effect: Effect) -> Option<Input> {
    match effect {
        Effect::Send(to, text) => {
            let conversation = conversation_of(client, &to);
            let result = client.send_message(to.clone(), Content::text(text.clone())).await;
            Some(match result {
                Ok(_) => Input::Queued(conversation),
                Err(error) => Input::NotQueued(to, text, error.into()),
            })
        }
        Effect::Forward(to, content) => {
            let conversation = conversation_of(client, &to);
            Some(match client.send_message(to, *content).await {
                Ok(_) => Input::Queued(conversation),
                Err(error) => Input::Refused("/forward", error.into()),
            })
        }
        Effect::Retry(ids) => {
            for id in ids {
                if let Err(error) = client.retry_message(id).await {
                    return Some(Input::Refused("/retry", error.into()));
                }
            }
            None
        }
        Effect::Delete(ids) => {
            for id in ids {
                if let Err(error) = client.delete_unsent(id).await {
                    return Some(Input::Refused("/delete", error.into()));
                }
            }
            Some(Input::Stale)
        }
        Effect::MarkRead(at, up_to) => told(client.mark_as_read(at, up_to).await),
        Effect::Typing(at, typing) => told(client.set_typing(at, typing).await),
        Effect::Follow(user, true) => told(client.subscribe_presence(&[user]).await),
        Effect::Follow(user, false) => told(client.unsubscribe_presence(&[user]).await),
        Effect::KeepDraft(at, text) => told(keep_draft(client, at, text).await),
        Effect::ConnectNow => told(client.go_online().await),
        _ => None,
    }
}

/// Keeps a draft here and sends it to the user's other devices.
pub(super) async fn keep_draft(client: &Client, at: Target, text: String) -> Result<(), Error> {
    client.save_draft(at.clone(), text).await?;
    client.leave_conversation(at).await
}

/// Hints that fail are said again with the next occasion; they are only noted.
fn told(result: Result<(), Error>) -> Option<Input> {
    if let Err(error) = result {
        tracing::debug!(%error, "the client did not take a hint");
    }
    None
}

async fn carry_out(client: &Client, effect: Effect) -> Option<Input> {
    Some(match effect {
        Effect::LoadConversations => match client.conversations().await {
            Ok(rows) => Input::Conversations(rows),
            Err(error) => Input::ListFailed(error.into()),
        },
        Effect::LoadTimeline { of, id, window } => match load(client, &of, window).await {
            Ok((page, beside)) => Input::Timeline { of: id, window, page, beside },
            Err(error) => Input::TimelineFailed(id, error.into()),
        },
        Effect::LoadOlder { of, id, before } => {
            let page = client.history(of, PageBounds::before(before, OLDER_PAGE)).await;
            Input::Older(id, page.ok().filter(|page| page.complete || !page.messages.is_empty()))
        }
        Effect::CreateGroup(title, members) => {
            match client.create_group(title.clone(), members, false).await {
                Ok(id) => Input::GroupMade(id, title),
                Err(error) => Input::Refused("/group create", error.into()),
            }
        }
        Effect::Invite(group, users) => done(
            "/group invite",
            client.invite(group, users.clone()).await,
            Text::DoneInvite,
            users,
        ),
        Effect::Alter(at, seq, alteration) => {
            let what = match alteration {
                Alteration::Edit(_) => "/edit",
                Alteration::Revoke
                | Alteration::Burn(_)
                | Alteration::Expire
                | Alteration::Gone => "/revoke",
                Alteration::React { .. } => "/react",
                Alteration::Pin { .. } => "/pin",
            };
            // Done: the conversation shows it.
            let refused = client.alter_message(at, seq, alteration).await.err()?;
            Input::Refused(what, refused.into())
        }
        Effect::Kick(group, users) => {
            done("/group kick", client.kick(group, users.clone()).await, Text::DoneKick, users)
        }
        Effect::Leave(group) => {
            done("/group leave", client.leave_group(group).await, Text::DoneLeave, Vec::new())
        }
        Effect::LoadMembers(group) => match some_members(client, group).await {
            Ok(members) => Input::Members(group, by_rank(members)),
            Err(error) => Input::Refused("/group members", error.into()),
        },
        Effect::Ask(asked) => asked.carry_out(client).await,
        Effect::Look(look) => look.carry_out(client).await,
        // Without an answer the number is not shown.
        Effect::CountMembers(group) => Input::Counted(group, count_members(client, group).await),
        _ => return None,
    })
}

/// Everybody in a group; of a channel as many as the server gives at a time.
async fn some_members(client: &Client, group: ConversationId) -> Result<Vec<MemberState>, Error> {
    if is_channel(client, group).await? {
        return Ok(client.channel_members(group, None, 0).await?.members);
    }
    client.group_members(group).await
}

/// How many are in a group. Of a channel the server is asked only if that is not known here: what comes says it.
async fn count_members(client: &Client, group: ConversationId) -> Option<usize> {
    let row = client.conversation(group).await.ok().flatten();
    if !row.as_ref().is_some_and(|row| row.channel) {
        return client.group_members(group).await.ok().map(|members| members.len());
    }
    let known = row.and_then(|row| row.members);
    let count = match known {
        Some(count) => Some(count),
        None => {
            client.group(group).await.ok()?;
            client.conversation(group).await.ok().flatten()?.members
        }
    };
    count.and_then(|count| usize::try_from(count).ok())
}

fn done(what: &'static str, result: Result<(), Error>, text: Text, users: Vec<UserId>) -> Input {
    match result {
        Ok(()) => Input::Done(text, users),
        Err(error) => Input::Refused(what, error.into()),
    }
}

/// Reads the loaded part of a conversation, fetching what is missing page by page.
async fn load(
    client: &Client,
    of: &Target,
    window: Window,
) -> Result<(HistoryPage, Beside), Error> {
    let bounds = match window {
        Window::Newest(limit) => PageBounds::newest(limit),
        Window::From(first) => PageBounds::after(first.previous(), WINDOW_MAX),
    };
    let mut page = client.history(of.clone(), bounds).await?;
    for _ in 0..FETCHES_MAX {
        let had = page.messages.len();
        if page.complete {
            break;
        }
        page = client.history(of.clone(), bounds).await?;
        if page.messages.len() == had {
            break;
        }
    }
    let Target::Conversation(group) = of else { return Ok((page, Beside::default())) };
    let own =
        page.messages.iter().rev().find(|message| message.own).and_then(|message| message.seq);
    let readers = match own {
        Some(seq) => client.readers(*group, seq).await?,
        None => Vec::new(),
    };
    let changes = client.changes(*group).await?;
    Ok((page, Beside { readers, changes }))
}

fn conversation_of(client: &Client, target: &Target) -> ConversationId {
    match target {
        Target::User(peer) => client.direct_conversation(peer),
        Target::Conversation(id) => *id,
    }
}
