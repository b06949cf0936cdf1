//! How soon a client is back when it is told that the network is good again, counted in round trips: the links of two
//! networks without their jitter and losses, over and over cut and mended. A friend says something during each cut.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anser_types::{ConversationId, Target, UserId};
use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::person::{Audience, Back, Person, Shared};
use crate::profile::Profile;
use crate::program::Server;
use crate::transport::Transport;
use crate::weather::{Mishap, Spell, Timetable};

/// The networks.
const NETWORKS: [&str; 2] = ["wifi", "3g"];
/// How often each client is cut off.
const CUTS: u32 = 30;
/// How long nothing passes: the goodbye of who goes offline is over by then.
const CUT: Duration = Duration::from_secs(1);
/// Until the next cut: nothing is on its way any more.
const PAUSE: Duration = Duration::from_millis(700);
/// Who is not back by then never is.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a cut is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The phone gets another address, and its app is told; by turns connections are reset and go silent.
    Move,
    /// The client goes offline and online, for what would survive a move.
    Leave,
}

/// A client that is cut off again and again.
#[derive(Clone, Copy, Debug)]
struct Course {
    profile: &'static Profile,
    transport: Transport,
    cut: Cut,
}

/// What came of it; times from the moment at which the client may try.
pub struct Returns {
    pub profile: &'static Profile,
    pub transport: Transport,
    pub cut: Cut,
    pub round_trip: Duration,
    /// To the first packet of the server.
    pub heard: Vec<Duration>,
    /// To connected, in sync and told of what was said meanwhile.
    pub complete: Vec<Duration>,
}

/// All of them, side by side; in the order of the table.
pub async fn measure() -> anyhow::Result<Vec<Returns>> {
    let server = Arc::new(Server::start().await?);
    let mut running = JoinSet::new();
    for name in NETWORKS {
        let profile = Profile::named(name).context("there is no such network")?;
        let moves = Transport::ALL.map(|transport| (transport, Cut::Move));
        for (transport, cut) in moves.into_iter().chain([(Transport::Quic, Cut::Leave)]) {
            let (n, course) = (running.len(), Course { profile, transport, cut });
            let server = Arc::clone(&server);
            running.spawn(async move { course.run(&server).await.map(|returns| (n, returns)) });
        }
    }
    let mut all = Vec::new();
    while let Some(done) = running.join_next().await {
        all.push(done??);
    }
    all.sort_by_key(|(n, _)| *n);
    Ok(all.into_iter().map(|(_, returns)| returns).collect())
}

impl Course {
    async fn run(self, server: &Server) -> anyhow::Result<Returns> {
        let stores = tempfile::tempdir()?;
        let (me, friend) = self.two_people(server, stores.path()).await?;
        let to_me = Audience {
            target: Target::User(me.client.user().clone()),
            conversation: ConversationId::direct(me.client.user(), friend.client.user()),
            people: vec![0],
        };
        let round_trip = self.profile.steady(Timetable::default()).round_trip();
        let (mut heard, mut complete) = (Vec::new(), Vec::new());
        for n in 0..CUTS {
            let from = me.link.now();
            me.link.set(
                self.profile
                    .steady(Timetable { spells: self.spells(n, from), forgets_after: None }),
            );
            if self.cut == Cut::Leave {
                me.client.go_offline().await?;
            }
            friend.say(&to_me, true).await?;
            me.link.wait_until(from + CUT).await;
            let tries = me.link.now();
            match self.cut {
                Cut::Move => me.client.network_changed(format!("mobile:{n}")).await?,
                Cut::Leave => me.client.go_online().await?,
            }
            let back: Back = timeout(PATIENCE, me.is_back(tries)).await.with_context(|| {
                format!("{} over {} is not back", self.profile.name, self.transport.name())
            })?;
            heard.push(back.heard - tries);
            complete.push(back.complete - tries);
            sleep(PAUSE).await;
        }
        me.leave().await?;
        friend.leave().await?;
        let Self { profile, transport, cut } = self;
        Ok(Returns { profile, transport, cut, round_trip, heard, complete })
    }

    /// One whose link is cut, and a friend who is near the server.
    async fn two_people(&self, server: &Server, stores: &Path) -> anyhow::Result<(Person, Person)> {
        let course = format!("{}-{}-{:?}", self.profile.name, self.transport.name(), self.cut);
        let names: Result<Vec<_>, _> =
            (0..2).map(|n| UserId::new(&format!("{}-{n}", course.to_lowercase()))).collect();
        let shared = Shared { names: names?.into(), record: Arc::default(), began: Instant::now() };
        let me = Person::come(0, server, self.transport, stores, 1, shared.clone()).await?;
        let friend = Person::come(1, server, Transport::Tcp, stores, 2, shared).await?;
        me.client.wait_synced().await?;
        friend.client.wait_synced().await?;
        Ok((me, friend))
    }

    fn spells(&self, n: u32, from: Duration) -> Vec<Spell> {
        let mishap = Mishap::Move { resets: n.is_multiple_of(2) };
        match self.cut {
            Cut::Move => vec![Spell { from, to: from + CUT, mishap }],
            Cut::Leave => Vec::new(),
        }
    }
}
