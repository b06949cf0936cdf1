//! The world of one run: people with devices, a server, a network. Tests script it; `chaos` lets chance do it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anser_backend::memory::Image;
use anser_backend::{Accounts, Conversations, MemoryBackend, StoreError, Whom};
use anser_client::io::Identity;
use anser_client::queries::{Query, Reply};
use anser_gateway::conn;
use anser_service::Settings;
use anser_types::{
    ChangeNo, Command, Content, ConversationId, DeviceClass, LocalNo, Seq, Target, UserId, UserNo,
};
use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use crate::audit::Audit;
use crate::checker::{ConversationDump, Restore, dump_store};
use crate::coverage::{Coverage, Rare};
use crate::disk::Disk;
use crate::entropy::Seeded;
use crate::hints::Hints;
use crate::host::{Device, Surroundings, Witness, is_refused};
use crate::network::{Network, Weather};
use crate::scribe::Scribe;
use crate::seams::{Seams, Unbent};
use crate::server::{Server, ServerSetup};
use crate::store::DeviceStore;
use crate::trace::Trace;

/// Who there is, and how everything is set up.
#[derive(Clone)]
pub struct Setup {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// Everybody; the first is the owner of the group.
    pub users: Vec<&'static str>,
    /// Devices: whose (place in `users`) and what.
    pub devices: Vec<(usize, DeviceClass)>,
    /// The service's settings.
    pub service: Settings,
    /// The connections' settings.
    pub connection: conn::Settings,
    /// How long a commit takes at the most.
    pub commit_ms: u64,
    /// Entries of a page that devices ask for.
    pub page_entries: u32,
    /// What a test bends.
    pub seams: Arc<dyn Seams>,
    /// Where everything is noted.
    pub trace: Trace,
}

impl Setup {
    /// Four users in one group, the first with two devices.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let phones = (0..4).map(|user| (user, DeviceClass::Phone));
        Self {
            seed,
            users: vec!["alice", "bob", "carol", "dave"],
            devices: phones.chain([(0, DeviceClass::Desktop)]).collect(),
            service: Settings::default(),
            connection: conn::Settings::default(),
            commit_ms: 15,
            page_entries: 50,
            seams: Arc::new(Unbent),
            trace: Trace::default(),
        }
    }
}

/// See the module's head.
pub struct World {
    /// Decides everything.
    pub random: Arc<Seeded>,
    /// Between devices and server.
    pub network: Network,
    /// The one server.
    pub server: Server,
    /// Everybody.
    pub users: Vec<UserId>,
    /// Their devices, in the order of the setup.
    pub devices: Vec<Device>,
    /// Devices that stay off, also in the end.
    pub away: BTreeSet<usize>,
    /// The group everybody is in at the beginning.
    pub group: ConversationId,
    /// Times the server was restored from a backup.
    pub restores: Vec<Restore>,
    /// Keeps the journals.
    pub scribe: Arc<Scribe>,
    /// What was written to the ledger, and when.
    pub audit: Arc<Audit>,
    /// When the faults stopped.
    pub healed_ns: u64,
    /// Counts rare paths.
    pub coverage: Coverage,
    /// Notes everything.
    pub trace: Trace,
}

/// Runs a script in a world of its own, on one thread with paused time.
///
/// # Errors
/// What the script says, or the world could not be made.
pub fn simulate<T>(setup: Setup, script: impl AsyncFnOnce(&mut World) -> Result<T>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let mut world = World::new(setup).await?;
        script(&mut world).await
    })
}

impl World {
    /// Everybody is signed up, on, and in the group. Nothing goes wrong yet.
    async fn new(setup: Setup) -> Result<Self> {
        let random = Arc::new(Seeded::new(setup.seed));
        let (coverage, trace) = (Coverage::default(), setup.trace);
        trace.begin();
        let network = Network::new(Arc::clone(&random), coverage.clone(), trace.clone());
        let disk = Arc::new(Disk::new(
            network.clone(),
            Arc::clone(&random),
            coverage.clone(),
            trace.clone(),
            Arc::clone(&setup.seams),
            setup.commit_ms,
        ));
        let users: Vec<UserId> =
            setup.users.iter().copied().map(UserId::new).collect::<Result<_, _>>()?;
        let audit = Arc::new(Audit::new(&users, coverage.clone()));
        let hints = Hints::new(Arc::clone(&random), coverage.clone(), Arc::clone(&audit));
        let hints = Arc::new(hints);
        let server = Server::start(
            network.clone(),
            Arc::clone(&random),
            disk,
            hints,
            ServerSetup {
                service: setup.service,
                connection: setup.connection,
                seams: Arc::clone(&setup.seams),
            },
        );
        let scribe = Arc::new(Scribe::new(&users, coverage.clone()));
        let around = Surroundings {
            network: network.clone(),
            reception: server.reception(),
            random: Arc::clone(&random),
            witness: Arc::clone(&scribe) as Arc<dyn Witness>,
            seams: setup.seams,
            coverage: coverage.clone(),
            trace: trace.clone(),
            page_entries: setup.page_entries,
        };
        let mut devices = Vec::new();
        for (user, class) in setup.devices {
            let identity = server.reception().sign_up(&users[user], class).await?;
            let mut device = Device::new(identity, around.clone());
            device.switch_on();
            devices.push(device);
        }
        let away = BTreeSet::new();
        let group = ConversationId([0; 16]);
        let restores = Vec::new();
        let mut world = Self {
            random,
            network,
            server,
            users,
            devices,
            away,
            group,
            restores,
            scribe,
            audit,
            healed_ns: 0,
            coverage,
            trace,
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
            self.rest(100).await;
            let query = Query::Conversations { after: None, limit: 10 };
            if let Some(Ok(Reply::Conversations { page, .. })) = self.devices[0].ask(query).await
                && let Some(row) = page.iter().find(|row| !row.conversation.is_direct())
            {
                return Ok(row.conversation);
            }
        }
        bail!("the group was not made within a minute")
    }

    /// Time passes.
    pub async fn rest(&self, ms: u64) {
        sleep(Duration::from_millis(ms)).await;
    }

    /// Somebody says something to a user.
    ///
    /// # Errors
    /// The device is off, or refuses to compose.
    pub async fn tell(&self, device: usize, user: usize, text: &str) -> Result<LocalNo> {
        self.say(device, Target::User(self.users[user].clone()), text).await
    }

    /// Somebody says something in the group.
    ///
    /// # Errors
    /// The device is off, or refuses to compose.
    pub async fn tell_all(&self, device: usize, text: &str) -> Result<LocalNo> {
        self.say(device, Target::Conversation(self.group), text).await
    }

    async fn say(&self, device: usize, to: Target, text: &str) -> Result<LocalNo> {
        let command = Command::SendMessage { to, content: Content::text(text.to_owned()) };
        Ok(self.devices[device].compose(command).await.context("the device is off")??)
    }

    /// Kills the server and restores it from a backup, under devices that may have seen more.
    ///
    /// # Errors
    /// One of the logs cannot be read.
    pub async fn restore_server(&mut self, backup: &Image) -> Result<()> {
        let lost = self.server.backend().image();
        self.server.disk.forget_mishap();
        self.audit.restored();
        self.server.restore(backup);
        self.coverage.note(Rare::ServerRestored);
        self.trace.note(format_args!("server restored from a backup"));
        let (lost, kept) = (dump_image(&lost).await?, dump_image(backup).await?);
        self.restores.push(Restore { lost, kept });
        Ok(())
    }

    /// Somebody loses a device and signs in on another one, which knows nothing yet. Nothing happens if the server
    /// cannot be reached now.
    pub async fn replace_device(&mut self, device: usize) {
        let lost = &mut self.devices[device];
        let Identity { user, class, .. } = lost.identity();
        if let Ok(identity) = self.server.reception().sign_up(&user, class).await {
            lost.kill().await;
            *lost.store.lock() = DeviceStore::new(identity);
            self.coverage.note(Rare::DeviceReplaced);
        }
    }

    /// The faults stop: everybody (but who is away) is on, the network is fair, the server runs.
    pub async fn heal(&mut self) {
        self.healed_ns = self.audit.now_ns();
        self.network.set_weather(Weather::FAIR);
        self.server.disk.heal();
        self.server.crash_and_restart();
        for (index, device) in self.devices.iter_mut().enumerate() {
            device.disk_full.store(false, Ordering::Relaxed);
            device.plug.set_pulled(false);
            if self.away.contains(&index) {
                device.kill().await;
            } else {
                device.switch_on();
            }
        }
    }

    /// Waits until every outbox is empty and every device that is on holds its whole inbox; says how long it took.
    ///
    /// # Errors
    /// It took longer than the bound.
    pub async fn converge(&self, within: Duration) -> Result<Duration> {
        let from = Instant::now();
        while from.elapsed() < within {
            self.rest(1_000).await;
            for device in &self.devices {
                device.retry_failed().await;
            }
            if self.lagging().await?.is_empty() {
                return Ok(from.elapsed());
            }
        }
        let lagging = self.lagging().await?.join("; ");
        bail!("not converged {within:?} after the faults stopped: {lagging}")
    }

    /// Devices that are on and do not have everything, or owe something.
    async fn lagging(&self) -> Result<Vec<String>> {
        let backend = self.server.backend();
        let epoch = self.server.log_epoch();
        let mut lagging = Vec::new();
        for device in self.devices.iter().filter(|device| device.is_on()) {
            let (me, cursor, knows, owed) = {
                let store = device.store.lock();
                let owed = store.outbox().iter().filter(|item| !is_refused(item));
                let owed: Vec<_> = owed.map(|item| (item.id, item.state.clone())).collect();
                (store.identity().clone(), store.cursor(), store.log_epoch(), owed)
            };
            let user = backend.user(me.user.clone()).await?.context("a user is gone")?;
            let head = backend.inbox_bounds(user.no).await?.head;
            if let Some(behind) = self.behind_in_channel(device, user.no).await? {
                lagging.push(format!("{me:?} in the channel: {behind}"));
            }
            if !owed.is_empty() || cursor != head || knows != epoch {
                lagging
                    .push(format!("{me:?} at {cursor}/{knows} of {head}/{epoch}, owes {owed:?}"));
            }
        }
        Ok(lagging)
    }
}

impl World {
    /// What a device lacks of the group if that is a channel; who is not in it follows nothing.
    async fn behind_in_channel(&self, device: &Device, user: UserNo) -> Result<Option<String>> {
        let backend = self.server.backend();
        let Some(roster) = backend.roster(self.group).await? else { return Ok(None) };
        if roster.conversation.channel().is_none() {
            return Ok(None);
        }
        let found = backend.members(self.group, Whom::These(vec![user])).await?;
        let member = found.first().filter(|member| member.is_present());
        let heads = backend.heads(self.group).await?;
        let has = device.store.lock().channel(self.group).map(|has| has.position);
        let level = match (member, has) {
            (None, None) => true,
            // Whatever it may see is here; what was said while one was away it may not.
            (Some(member), Some(at)) => {
                let mut messages = at.seq.next().0..=heads.seq.0;
                let mut changes = at.change_no.next().0..=heads.change_no.0;
                !messages.any(|seq| member.sees_message(Seq(seq)))
                    && !changes.any(|no| member.sees_change(ChangeNo(no)))
            }
            _ => false,
        };
        Ok((!level).then(|| format!("has {has:?} of {heads:?}, a member: {}", member.is_some())))
    }
}

/// The raw store as it was at one moment.
async fn dump_image(image: &Image) -> Result<Vec<ConversationDump>, StoreError> {
    let machine = MemoryBackend::new();
    machine.restore(image);
    let opened = machine.reopen();
    dump_store(&opened, &opened).await
}
