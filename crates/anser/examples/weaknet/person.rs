//! A person with a phone: a client of the SDK with a store of its own behind a link of its own, and what it writes down.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anser_sdk::{Client, ConnectionState, Event, Events, Status};
use anser_types::{Content, ConversationId, Seq, Target, UserId};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::link::Link;
use crate::program::Server;
use crate::record::{Heard, Key, Record, Said};
use crate::script::Act;
use crate::transport::Transport;
use crate::weather::{Mishap, Weather};

/// Between two looks at the record.
const LOOK: Duration = Duration::from_millis(2);

/// One person of a profile.
pub struct Person {
    pub client: Client,
    pub link: Link,
    number: usize,
    shared: Shared,
    offline_since: Mutex<Option<Duration>>,
    listening: JoinHandle<()>,
}

/// When a phone was back, on its link's clock.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    /// The first packet of the server has come.
    pub heard: Duration,
    /// The client is connected and in sync, and its app was told of everything that the server had accepted for it.
    pub complete: Duration,
}

/// Whom something is said to.
#[derive(Clone)]
pub struct Audience {
    pub target: Target,
    pub conversation: ConversationId,
    pub people: Vec<usize>,
}

/// What all people of a profile share.
#[derive(Clone)]
pub struct Shared {
    /// Everybody, by number.
    pub names: Arc<[UserId]>,
    pub record: Arc<Mutex<Record>>,
    pub began: Instant,
}

impl Person {
    /// Signs up and comes online through a link that is calm.
    pub async fn come(
        number: usize,
        server: &Server,
        transport: Transport,
        stores: &Path,
        seed: u64,
        shared: Shared,
    ) -> anyhow::Result<Self> {
        let name = shared.names[number].as_str();
        let upstream = server.address(transport.listener())?;
        let link = Link::start(transport.carries(), upstream, transport.beat_bytes(), seed).await?;
        let client = Client::builder()
            .endpoint(transport.endpoint(link.address())?)
            .trust(server.trust()?)
            .network("mobile:first")
            .store_directory(stores.join(name))
            .login_as(server.sign_up(name).await?)
            .await?;
        let listening = tokio::spawn(listen(client.events(), number, shared.clone()));
        Ok(Self { client, link, number, shared, offline_since: Mutex::new(None), listening })
    }

    /// Says something. It is on record with the moment at which the app called "send".
    pub async fn say(&self, to: &Audience, counts: bool) -> anyhow::Result<()> {
        let at = self.shared.began.elapsed();
        let text = format!("{} says at {} ms: how is it going?", self.number, at.as_millis());
        let id = self.client.send_message(to.target.clone(), Content::text(text)).await?;
        self.shared.record.lock().said.push(Said {
            key: Key { by: self.number, id },
            to: to.people.clone(),
            conversation: to.conversation,
            at,
            counts,
        });
        Ok(())
    }

    /// Does what the script says.
    pub async fn act(&self, act: Act, friend: &Audience, group: &Audience) -> anyhow::Result<()> {
        match act {
            Act::SayToFriend => self.say(friend, true).await?,
            Act::SayToGroup => self.say(group, true).await?,
            Act::GoOffline => {
                *self.offline_since.lock() = Some(self.shared.began.elapsed());
                self.client.go_offline().await?;
            }
            Act::GoOnline => {
                self.client.go_online().await?;
                let since = self.offline_since.lock().take();
                let until = self.shared.began.elapsed();
                self.shared
                    .record
                    .lock()
                    .away
                    .extend(since.map(|since| (self.number, since, until)));
            }
            Act::GoToBackground => self.client.set_app_background(true).await?,
            Act::ComeBack => self.client.set_app_background(false).await?,
        }
        Ok(())
    }

    /// Goes through the trouble of one's link and measures how long each takes to be over, from the moment at which the
    /// network is good again (see [`Self::is_back`]). `None` where it took until the next trouble, or more than a minute.
    /// Where one is offline by one's own will nothing is measured.
    pub async fn recoveries(&self, weather: &Weather) -> Vec<Option<Duration>> {
        let mut measured = Vec::new();
        let spells = &weather.timetable.spells;
        for (n, spell) in spells.iter().enumerate() {
            self.link.wait_until(spell.to).await;
            if spell.mishap != Mishap::Tunnel {
                // It fails only for a client that is closed, and then nothing is measured.
                let _closed = self.client.network_changed(format!("mobile:{n}")).await;
            }
            let patience =
                spells.get(n + 1).map_or(Duration::from_secs(60), |next| next.from - spell.to);
            let willed = || self.client.state() == ConnectionState::Offline;
            let was_offline = willed();
            let back = async { self.is_back(spell.to).await.complete - spell.to };
            let took = tokio::time::timeout(patience, back).await.ok();
            let cut_short = took.is_none() && willed();
            if !was_offline && !cut_short {
                measured.push(took);
            }
        }
        measured
    }

    /// Waits until the network, which is good again from this moment on, is of use again.
    pub async fn is_back(&self, from: Duration) -> Back {
        let missed = self.shared.record.lock().missed_by(self.number);
        self.link.heard_after(from).await;
        let heard = self.link.now();
        // A refusal may come of what a portal said; the next attempt is soon.
        while self.client.wait_synced().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        // A connection that moved was never out of sync for its client.
        while !self.shared.record.lock().has_heard_all(self.number, &missed) {
            sleep(LOOK).await;
        }
        Back { heard, complete: self.link.now() }
    }

    /// What was shown as failed is sent again, as its user would do.
    pub async fn send_failed_again(&self) -> anyhow::Result<()> {
        let unsent: Vec<Key> = {
            let record = self.shared.record.lock();
            let own = record.said.iter().map(|said| said.key).filter(|key| key.by == self.number);
            own.filter(|key| !record.accepted.contains_key(key)).collect()
        };
        for key in unsent {
            let message = self.client.own_message(key.id).await?;
            if matches!(message.map(|message| message.status), Some(Status::Failed { .. })) {
                self.shared.record.lock().sent_again.insert(key);
                // An error says that it was sent after all.
                let _sent_meanwhile = self.client.retry_message(key.id).await;
            }
        }
        Ok(())
    }

    /// Closes the client.
    pub async fn leave(self) -> anyhow::Result<()> {
        self.client.close().await;
        Ok(self.listening.await?)
    }
}

/// Writes down what the app is told.
async fn listen(mut events: Events, number: usize, shared: Shared) {
    while let Some(delivery) = events.next().await {
        let at = shared.began.elapsed();
        match delivery.event() {
            Event::MessageStateChanged { id, seq: Some(seq), .. } => {
                let key = Key { by: number, id: *id };
                shared.record.lock().accepted.insert(key, *seq);
            }
            Event::NewMessage(message) => {
                // Whatever has no place, or comes from nobody here, is found out by the judge.
                let by = shared.names.iter().position(|name| *name == message.sender);
                let key = Key { by: by.unwrap_or(usize::MAX), id: message.id };
                let (conversation, seq) = (message.conversation, message.seq.unwrap_or(Seq::ZERO));
                let heard = Heard { key, receiver: number, conversation, seq, at };
                shared.record.lock().heard.push(heard);
            }
            _ => {}
        }
    }
}
