//! One run: people with devices, a server, a bad network, faults by the seed, healing, and the evidence.

use std::sync::Arc;
use std::time::Duration;

use anser_client::io::Identity;
use anser_client::queries::{Query, Reply};
use anser_client::records::RowUpdate;
use anser_types::{Command, Content, ConversationId, DeviceClass, Seq, Target, UserId};
use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use crate::checker::{Evidence, History, Stored, UnreadReading, dump_store};
use crate::entropy::Seeded;
use crate::host::{Device, is_refused};
use crate::network::{Network, Weather};
use crate::scribe::Scribe;
use crate::server::Server;

/// Half an hour: how wrong a clock may be (requirement B5).
const SKEW_MS: u64 = 30 * 60 * 1000;
/// How long after the faults have stopped everything must have come together.
const CONVERGENCE: Duration = Duration::from_secs(20 * 60);

/// How much happens in a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// Things that happen before the healing.
    pub steps: u64,
    /// How bad the network is meanwhile.
    pub weather: Weather,
    /// Chance in percent that a step is a fault of the server's or a device's process.
    pub faults: u64,
}

impl Plan {
    /// The usual run of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self { seed, steps: 250, weather: Weather::FOUL, faults: 12 }
    }
}

/// What happened in a run, so that a run which did nothing is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The server's process died, between commits or inside one.
    pub server_crashes: u64,
    /// Of those, inside a commit.
    pub inside_a_commit: u64,
    /// A device's process died.
    pub device_kills: u64,
    /// A clock jumped.
    pub clock_jumps: u64,
}

impl Faults {
    /// Whether the run (or the sum of several) had each of them.
    #[must_use]
    pub const fn every_kind_happened(&self) -> bool {
        self.server_crashes > self.inside_a_commit
            && self.inside_a_commit > 0
            && self.device_kills > 0
            && self.clock_jumps > 0
    }
}

/// See the module's head.
pub struct World {
    random: Arc<Seeded>,
    network: Network,
    server: Server,
    users: Vec<UserId>,
    devices: Vec<Device>,
    scribe: Arc<Scribe>,
    group: ConversationId,
    composed: u64,
    faults: Faults,
}

/// Runs a plan on a runtime of its own with paused time, to its evidence.
///
/// # Errors
/// The run did not converge, or the simulation itself failed.
pub fn run(plan: Plan) -> Result<(Evidence, Faults)> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let mut world = World::new(plan.seed).await?;
        world.network.set_weather(plan.weather);
        for _ in 0..plan.steps {
            world.step(plan.faults).await;
        }
        world.heal().await;
        world.converge().await?;
        Ok((world.evidence().await?, world.faults))
    })
}

impl World {
    /// Four users, the first with two devices, in one group. Nothing goes wrong yet.
    async fn new(seed: u64) -> Result<Self> {
        let random = Arc::new(Seeded::new(seed));
        let network = Network::new(Arc::clone(&random), Weather::FAIR);
        let server = Server::start(network.clone(), Arc::clone(&random), 15);
        let users = ["alice", "bob", "carol", "dave"].map(UserId::new);
        let users: Vec<UserId> = users.into_iter().collect::<Result<_, _>>()?;
        let scribe = Arc::new(Scribe::new(&users));
        let mut devices = Vec::new();
        for (user, class) in users
            .iter()
            .map(|user| (user, DeviceClass::Phone))
            .chain([(&users[0], DeviceClass::Desktop)])
        {
            let identity = server.sign_up(user, class).await?;
            let witness = Arc::clone(&scribe);
            let mut device = Device::new(identity, network.clone(), Arc::clone(&random), witness);
            device.switch_on();
            devices.push(device);
        }
        let mut world = Self {
            random,
            network,
            server,
            users,
            devices,
            scribe,
            group: ConversationId([0; 16]),
            composed: 0,
            faults: Faults::default(),
        };
        world.group = world.make_group().await?;
        Ok(world)
    }

    async fn make_group(&self) -> Result<ConversationId> {
        let command = Command::CreateGroup {
            title: "the flock".to_owned(),
            members: self.users[1..].to_vec(),
            history_for_new_members: false,
        };
        self.devices[0].compose(command).await.context("the first device is off")??;
        for _ in 0..600 {
            sleep(Duration::from_millis(100)).await;
            let query = Query::Conversations { after: None, limit: 10 };
            if let Some(Ok(Reply::Conversations { page, .. })) = self.devices[0].ask(query).await
                && let Some(row) = page.iter().find(|row| !row.conversation.is_direct())
            {
                return Ok(row.conversation);
            }
        }
        bail!("the group was not made within a minute")
    }

    /// Something happens, then some time passes.
    async fn step(&mut self, faults: u64) {
        if self.random.chance(faults) {
            self.fault().await;
        } else if self.random.chance(20) {
            self.read_something().await;
        } else if self.random.chance(5) {
            self.change_members().await;
        } else {
            self.say_something().await;
        }
        let pause = if self.random.chance(5) { 40_000 } else { 300 };
        sleep(Duration::from_millis(self.random.below(pause))).await;
    }

    async fn fault(&mut self) {
        match self.random.below(10) {
            0 | 1 => {
                self.server.crash_and_restart();
                self.faults.server_crashes += 1;
            }
            2 => {
                // Dies inside one of the next commits; somebody notices later and starts it again.
                self.server.disk.die_in(1 + self.random.below(3), self.random.chance(50));
                sleep(Duration::from_millis(self.random.below(20_000))).await;
                self.server.crash_and_restart();
                self.faults.server_crashes += 1;
                self.faults.inside_a_commit += 1;
            }
            3..=5 => {
                let index = self.any_device();
                self.devices[index].kill().await;
                self.faults.device_kills += 1;
            }
            6 => {
                let skew = self.skew();
                self.server.clock.set_skew(skew);
                self.faults.clock_jumps += 1;
            }
            7 => {
                let skew = self.skew();
                self.devices[self.any_device()].clock().set_skew(skew);
                self.faults.clock_jumps += 1;
            }
            _ => {
                let index = self.any_device();
                self.devices[index].switch_on();
            }
        }
    }

    fn skew(&self) -> i64 {
        let far = i64::try_from(self.random.below(2 * SKEW_MS)).unwrap_or_default();
        far - i64::try_from(SKEW_MS).unwrap_or_default()
    }

    fn any_device(&self) -> usize {
        usize::try_from(self.random.below(self.devices.len() as u64)).unwrap_or_default()
    }

    /// Somebody (whose device is on) writes to somebody, themselves included, or to the group.
    async fn say_something(&mut self) {
        let index = self.any_device();
        let to = match self.random.pick(&self.users) {
            Some(user) if self.random.chance(60) => Target::User(user.clone()),
            _ => Target::Conversation(self.group),
        };
        // Every text is said once, so that bodies tell messages apart.
        self.composed += 1;
        let content = Content::text(format!("message {} of this run", self.composed));
        self.devices[index].switch_on();
        // Whether it is refused or lost with its device is for the checker to judge.
        let _outcome = self.devices[index].compose(Command::SendMessage { to, content }).await;
    }

    /// Somebody leaves the group, is removed from it, or comes back. Who may not is refused, which is as good a test.
    async fn change_members(&mut self) {
        let device = &self.devices[self.any_device()];
        let Some(user) = self.random.pick(&self.users).cloned() else { return };
        let conversation = self.group;
        let command = match self.random.below(6) {
            0 => Command::Leave { conversation },
            1 => Command::Kick { conversation, users: vec![user] },
            _ => Command::Invite { conversation, users: vec![user] },
        };
        let _outcome = device.compose(command).await;
    }

    /// Somebody reads a conversation up to the newest message they hold.
    async fn read_something(&mut self) {
        let device = &self.devices[self.any_device()];
        let held: Vec<(ConversationId, Seq)> =
            device.store.lock().messages.keys().copied().collect();
        if let Some(&(conversation, up_to)) = self.random.pick(&held) {
            let at = Target::Conversation(conversation);
            let _outcome = device.compose(Command::MarkRead { at, up_to }).await;
        }
    }

    /// The faults stop: everybody is on, the network is fair, the server runs.
    async fn heal(&mut self) {
        self.network.set_weather(Weather::FAIR);
        self.server.disk.heal();
        self.server.crash_and_restart();
        for device in &mut self.devices {
            device.switch_on();
        }
    }

    /// Waits until every outbox is empty and every device holds its whole inbox.
    async fn converge(&self) -> Result<()> {
        let from = Instant::now();
        while from.elapsed() < CONVERGENCE {
            sleep(Duration::from_secs(1)).await;
            for device in &self.devices {
                device.retry_failed().await;
            }
            if self.has_converged().await? {
                return Ok(());
            }
        }
        let lagging: Vec<String> = self
            .devices
            .iter()
            .map(|device| {
                let store = device.store.lock();
                let outbox: Vec<_> = store.outbox().iter().map(|item| &item.state).collect();
                format!("{:?} at {} with {outbox:?}", store.identity(), store.cursor())
            })
            .collect();
        bail!("not converged {CONVERGENCE:?} after the faults stopped: {}", lagging.join("; "))
    }

    async fn has_converged(&self) -> Result<bool> {
        use anser_backend::{Accounts, Conversations};
        for device in &self.devices {
            let (user, cursor, is_settled) = {
                let store = device.store.lock();
                (
                    store.identity().user.clone(),
                    store.cursor(),
                    store.outbox().iter().all(is_refused),
                )
            };
            let user = self.server.backend.user(user).await?.context("a user is gone")?;
            let bounds = self.server.backend.inbox_bounds(user.no).await?;
            if !is_settled || cursor != bounds.head {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What every device saw, what history says, and what the store holds.
    async fn evidence(&self) -> Result<Evidence> {
        let mut evidence = Evidence {
            journals: self.scribe.journals(),
            store: dump_store(&self.server.backend, &self.server.backend).await?,
            ..Evidence::default()
        };
        for device in &self.devices[..self.users.len()] {
            let me = device.identity();
            let query = Query::Conversations { after: None, limit: 500 };
            let Reply::Conversations { page, .. } = ask(device, query).await? else {
                bail!("the list of conversations was answered by something else")
            };
            for row in page {
                if let RowUpdate::Full(state) = &row.update {
                    let (user, count) = (me.user.clone(), u64::from(state.unread));
                    evidence.unread.push(UnreadReading {
                        user,
                        conversation: row.conversation,
                        count,
                    });
                }
                evidence.histories.push(read_history(device, &me, row.conversation).await?);
            }
        }
        Ok(evidence)
    }
}

/// Asks as a patient app does: what can be tried again is, for a minute.
async fn ask(device: &Device, query: Query) -> Result<Reply> {
    for _ in 0..60 {
        match device.ask(query.clone()).await.context("the device is off")? {
            Err(refusal) if refusal.code.retryable() => sleep(Duration::from_secs(1)).await,
            other => return Ok(other?),
        }
    }
    bail!("no answer within a minute")
}

async fn read_history(
    device: &Device,
    me: &Identity,
    conversation: ConversationId,
) -> Result<History> {
    let mut history = History {
        reader: me.user.clone(),
        conversation,
        messages: Vec::new(),
        unavailable: Vec::new(),
    };
    let mut after = Seq::ZERO;
    loop {
        let of = Target::Conversation(conversation);
        let query = Query::History { of, after, before: Seq::ZERO, limit: 100, oldest_first: true };
        let Reply::History { messages, unavailable, more, .. } = ask(device, query).await? else {
            bail!("history was answered by something else")
        };
        history.messages.extend(messages.iter().map(Stored::from));
        history.unavailable.extend(unavailable.iter().map(|range| (range.from, range.to)));
        match messages.last() {
            Some(last) if more => after = last.seq,
            _ => return Ok(history),
        }
    }
}
