//! A fleet: users and tokens made through the app-server door, one light client each, all on this thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anser_client::core::Core;
use anser_client::io::{Config, Endpoint, Identity, TransportKind};
use anser_client::records::Snapshot;
use anser_sdk::Trust;
use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection};
use anser_types::{ConversationId, DeviceClass, UserId};
use anyhow::{Context, Result, bail};
use futures::stream::{self, StreamExt, TryStreamExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};

use super::client::{LightClient, Outcome, Phase, Plan};
use super::measure::{Counts, Shared, Tally};
use super::server::Server;
use super::way::Way;

/// Requests under way at once while users are made.
const SETUP_CONCURRENCY: usize = 32;
/// How long a fleet may take to do what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module's head.
pub struct Fleet {
    /// What it counts.
    pub tally: Shared,
    way: Way,
    body_bytes: usize,
    phase: watch::Sender<Phase>,
    clients: Vec<JoinHandle<Outcome>>,
    first_index: usize,
}

impl Fleet {
    /// An empty fleet for a server.
    pub fn new(server: &Server, body_bytes: usize) -> Self {
        Self {
            tally: Tally::new(),
            way: server.way.clone(),
            body_bytes,
            phase: watch::channel(Phase::Ready).0,
            clients: Vec::new(),
            first_index: 0,
        }
    }

    /// An empty fleet that counts together with this one and is told what to do by itself.
    pub fn beside(&self) -> Self {
        Self {
            tally: Rc::clone(&self.tally),
            way: self.way.clone(),
            body_bytes: self.body_bytes,
            phase: watch::channel(Phase::Ready).0,
            clients: Vec::new(),
            first_index: self.first_index + self.clients.len(),
        }
    }

    /// Starts a client; it connects at once. The cell receives the group's id if the plan makes one.
    pub fn launch(
        &mut self,
        identity: Identity,
        plan: Plan,
    ) -> Result<Rc<RefCell<Option<ConversationId>>>> {
        let index = u32::try_from(self.first_index + self.clients.len())?;
        let address = self.way.address();
        // The core only names it back; the way knows how to get there.
        let endpoint = Endpoint {
            transport: TransportKind::Tcp,
            host: address.ip().to_string(),
            port: address.port(),
            network: String::new(),
        };
        let core = Core::new(Config::new(endpoint, rand::random()), Snapshot::new(identity));
        let client = LightClient::new(
            index,
            core,
            self.way.clone(),
            Rc::clone(&self.tally),
            plan,
            self.body_bytes,
        );
        let group = client.made_group();
        self.clients.push(spawn_local(client.run(self.phase.subscribe())));
        Ok(group)
    }

    /// Tells every client what to do now.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits until the counts say so; an error names what was waited for.
    pub async fn wait_for(&self, what: &str, reached: impl Fn(Counts) -> bool) -> Result<Duration> {
        let from = tokio::time::Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        while !reached(self.tally.total()) {
            if from.elapsed() > PATIENCE {
                bail!(
                    "waited {} s for {what}; counted {:?}",
                    PATIENCE.as_secs(),
                    self.tally.total()
                );
            }
            tick.tick().await;
        }
        Ok(from.elapsed())
    }

    /// Waits until every client has a session.
    pub async fn connected(&self) -> Result<Duration> {
        let all = self.clients.len() as u64;
        self.wait_for("all clients to connect", |counts| {
            counts.connected >= all + counts.disconnected
        })
        .await
    }

    /// How many clients there are.
    pub const fn len(&self) -> usize {
        self.clients.len()
    }

    /// Ends every client and collects what they found.
    pub async fn stop(self) -> Result<Vec<Outcome>> {
        self.enter(Phase::Stop);
        let mut outcomes = Vec::with_capacity(self.clients.len());
        for client in self.clients {
            outcomes.push(client.await.context("a client of the fleet ended early")?);
        }
        Ok(outcomes)
    }
}

/// Makes users with a device each. Names carry a random part, so that a server can be measured again and again.
pub async fn make_identities(server: &Server, count: usize) -> Result<Vec<Identity>> {
    let app = app_door(server)?;
    let run: u32 = rand::random();
    stream::iter(0..count)
        .map(|index| {
            let app = app.clone();
            async move { identity(&app, UserId::new(&format!("bench-{run:08x}-{index}"))?).await }
        })
        .buffered(SETUP_CONCURRENCY)
        .try_collect()
        .await
        .context("cannot make the users to measure with")
}

/// Another device of the same user: a light client keeps no store, so it cannot come back as the device it was.
pub async fn new_device(server: &Server, of: &Identity) -> Result<Identity> {
    identity(&app_door(server)?, of.user.clone()).await
}

fn app_door(server: &Server) -> Result<AppServerClient> {
    let connection = HttpConnection::new(&server.http, &Trust::default(), false)?;
    Ok(AppServerClient::new(connection, SecretString::from(server.api_key.clone())))
}

/// Users without a device, who are never online.
pub async fn make_users(server: &Server, count: usize) -> Result<Vec<UserId>> {
    let app = app_door(server)?;
    let run: u32 = rand::random();
    stream::iter(0..count)
        .map(|index| {
            let app = app.clone();
            async move {
                let user = UserId::new(&format!("bench-{run:08x}-away-{index}"))?;
                app.create_user(&user).await?;
                anyhow::Ok(user)
            }
        })
        .buffered(SETUP_CONCURRENCY)
        .try_collect()
        .await
        .context("cannot make the members who are not online")
}

async fn identity(app: &AppServerClient, user: UserId) -> Result<Identity> {
    let device = DeviceDescription { class: DeviceClass::Bot, name: "bench".to_owned() };
    let signed_in = app.mint_token(&user, &device, true, None).await?;
    Ok(Identity {
        user,
        device: signed_in.device,
        class: DeviceClass::Bot,
        token: signed_in.token.expose_secret().to_owned(),
    })
}
