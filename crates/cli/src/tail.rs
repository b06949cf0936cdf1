//! `anser tail`: messages as they come, each exactly once per store, going on where it stopped.
//!
//! A message is confirmed after it was printed: whoever kills this in between sees it again rather than never. What is
//! told of contacts, settings and the like is how they are now, and may be told again or left out: the lists are the truth.

use std::collections::BTreeMap;

use anser_sdk::store::{ChatMessage, PageBounds};
use anser_sdk::{Client, Event, Events};
use anser_types::{ConversationId, Refusal, Seq, Target};
use clap::Args;

use crate::chat::times::LocalTimes;
use crate::identity::Who;
use crate::news::News;
use crate::say::Lines;
use crate::{plain, say, session, signals};

/// Messages read at a time.
const PAGE: u32 = 200;

/// Print messages as they come.
#[derive(Args, Clone, Debug)]
pub struct TailOptions {
    #[command(flatten)]
    pub who: Who,
    /// Wait for more at the end; this is what tail always does
    #[arg(short, long, hide = true)]
    pub follow: bool,
    /// Begin with everything that was ever said
    #[arg(long)]
    pub from_start: bool,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Seconds --from-start waits for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Why nothing more can come.
pub async fn run(options: TailOptions) -> anyhow::Result<()> {
    session::with_client(&options.who.clone(), async |client| {
        let events = client.events();
        let mut tail = Tail {
            client,
            options,
            lines: Lines::new(LocalTimes::system()),
            titles: BTreeMap::new(),
            printed_up_to: BTreeMap::new(),
            printed: 0,
            told_offline: false,
        };
        tokio::select! {
            biased;
            result = tail.run(events) => result,
            // Interrupting is how a tail usually ends.
            () = signals::asked_to_end() => Ok(()),
        }
    })
    .await
}

struct Tail {
    client: Client,
    options: TailOptions,
    lines: Lines,
    titles: BTreeMap<ConversationId, String>,
    /// Printed by `--from-start`, to be left out of the stream.
    printed_up_to: BTreeMap<ConversationId, Seq>,
    printed: u64,
    /// It was said that there is no connection.
    told_offline: bool,
}

impl Tail {
    async fn run(&mut self, mut events: Events) -> anyhow::Result<()> {
        let patience = session::seconds(self.options.timeout);
        if self.options.from_start {
            session::up_to_date(&self.client, patience).await?;
            self.print_everything().await?;
        }
        while !self.has_enough() {
            let Some(delivery) = events.try_next().await.map_err(Refusal::from)? else { break };
            self.print(delivery.event()).await?;
            delivery.done();
        }
        Ok(())
    }

    fn has_enough(&self) -> bool {
        self.options.count.is_some_and(|count| self.printed >= count)
    }

    /// What became of a message that was said.
    fn print_altered(&self, event: &str, message: &ChatMessage) -> std::io::Result<()> {
        if self.options.json {
            return say::object(&say::altered_json(event, message));
        }
        say::line(&format!("* {event}: {}", self.lines.message(message, None)))
    }

    fn tell(&self, news: &News) -> std::io::Result<()> {
        if self.options.json { say::object(&news.json) } else { say::line(&news.line) }
    }

    async fn print(&mut self, event: &Event) -> anyhow::Result<()> {
        match event {
            Event::NewMessage(message) => {
                let printed = self.printed_up_to.get(&message.conversation).copied();
                if message.seq > printed || message.seq.is_none() {
                    self.print_message(message).await?;
                }
            }
            Event::MessageEdited(message) => self.print_altered("edited", message)?,
            Event::MessageRevoked(message) => self.print_altered("revoked", message)?,
            Event::ReactionChanged(message) => self.print_altered("reaction", message)?,
            Event::MessagePinned { conversation, seq, on } if self.options.json => {
                say::object(&say::pinned_json(*conversation, *seq, *on))?;
            }
            Event::MessagePinned { conversation, seq, on } => {
                let (title, what) =
                    (self.title(*conversation).await?, if *on { "pinned" } else { "unpinned" });
                say::line(&format!("* #{seq} in {} {what}", plain::one_line(&title)))?;
            }
            Event::GroupChanged(change) if self.options.json => {
                say::object(&say::change_json(change))?;
            }
            Event::GroupChanged(change) => {
                let title = self.title(change.conversation).await?;
                say::line(&self.lines.change(change, &title))?;
            }
            Event::ContactApplied(contact) => self.tell(&News::applied(contact))?,
            Event::ContactChanged(contact) => self.tell(&News::contact(contact))?,
            Event::SettingsChanged(settings) => self.tell(&News::settings(settings))?,
            Event::ConversationOptionsChanged { conversation } => {
                let (of, name) = (*conversation, self.title(*conversation).await?);
                let options = self.client.conversation_options(Target::Conversation(of));
                self.tell(&News::options(of, &name, &options.await.map_err(Refusal::from)?))?;
            }
            Event::JoinRequestChanged { group, request } => {
                let name = self.title(*group).await?;
                self.tell(&News::join_request(*group, &name, request))?;
            }
            Event::Lagged { dropped } => {
                tracing::warn!(dropped, "some of what changed beside messages was not told");
            }
            Event::Unavailable(gap) if self.options.json => say::object(&say::gap_json(gap))?,
            Event::Unavailable(gap) => say::line(&Lines::gap(gap))?,
            // Nothing comes any more until somebody does something about it.
            Event::KickedOffline { reason } | Event::TokenExpired { reason } => {
                return Err(reason.clone().into());
            }
            Event::EndpointListRefused { reason } => {
                tracing::warn!(%reason, "a list of the server's addresses is not used");
            }
            Event::Disconnected { reason, .. } if !self.told_offline => {
                tracing::warn!(%reason, "not connected; it is tried again");
                self.told_offline = true;
            }
            Event::Connected { .. } => self.told_offline = false,
            _ => {}
        }
        Ok(())
    }

    async fn print_message(&mut self, message: &ChatMessage) -> anyhow::Result<()> {
        if self.options.json {
            say::object(&say::message_json(message))?;
        } else {
            let group = match &message.peer {
                Some(_) => None,
                None => Some(self.title(message.conversation).await?),
            };
            say::line(&self.lines.message(message, group.as_deref()))?;
        }
        self.printed += 1;
        Ok(())
    }

    /// The name of a conversation; looked up once it is known.
    async fn title(&mut self, id: ConversationId) -> anyhow::Result<String> {
        if let Some(title) = self.titles.get(&id) {
            return Ok(title.clone());
        }
        let row =
            self.client.conversation(Target::Conversation(id)).await.map_err(Refusal::from)?;
        let Some(row) = row else { return Ok(id.to_string()) };
        self.titles.insert(id, row.name());
        Ok(row.name())
    }

    async fn print_everything(&mut self) -> anyhow::Result<()> {
        let conversations = self.client.conversations().await.map_err(Refusal::from)?;
        for row in conversations {
            let target = row.peer.clone().map_or(Target::Conversation(row.id), Target::User);
            let mut after = Seq::ZERO;
            while !self.has_enough() {
                let bounds = PageBounds::after(after, PAGE);
                let page =
                    self.client.history(target.clone(), bounds).await.map_err(Refusal::from)?;
                for message in &page.messages {
                    if !self.has_enough() {
                        self.print_message(message).await?;
                    }
                }
                let Some((_, last)) = page.range else { break };
                after = last;
                self.printed_up_to.insert(row.id, last);
                if !page.more {
                    break;
                }
            }
        }
        Ok(())
    }
}
