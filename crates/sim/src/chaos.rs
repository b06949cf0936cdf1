//! A run by chance: people talk, read, come and go while everything that can fail fails; then it heals, and everything
//! must come together within a bound.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anser_types::{Command, Content, ConversationId, Seq, Target};
use anyhow::{Result, ensure};

use crate::checker::Evidence;
use crate::coverage::{Coverage, Rare};
use crate::disk::Mishap;
use crate::network::Weather;
use crate::store::DeviceStore;
use crate::trace::Trace;
use crate::world::{Setup, World, simulate};

/// Half an hour: how wrong a clock may be (requirement B5).
const SKEW_MS: u64 = 30 * 60 * 1000;
/// How long after the faults have stopped everything must have come together. The longest stall, the longest pause
/// between two attempts to connect, and the longest pause between two tries of a message fit in it.
pub const CONVERGENCE: Duration = Duration::from_secs(3 * 60);

/// How much happens in a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// Things that happen before the healing.
    pub steps: u64,
    /// The usual pause between two of them, at the most; a few are a hundred times as long.
    pub pause_ms: u64,
    /// How bad the network is meanwhile.
    pub weather: Weather,
    /// Chance in percent that a step is a fault.
    pub faults: u64,
    /// Whether the trace's text is kept.
    pub with_text: bool,
}

impl Plan {
    /// The usual run of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        let usual = Self {
            seed,
            steps: 250,
            pause_ms: 300,
            weather: Weather::FOUL,
            faults: 15,
            with_text: false,
        };
        // Some are lively: many commands are under way at any time.
        if seed % 5 == 2 { Self { steps: 1_000, pause_ms: 25, faults: 5, ..usual } } else { usual }
    }

    /// Seeds differ in what is scarce.
    fn setup(&self) -> Setup {
        let mut setup = Setup::of(self.seed);
        if self.seed.is_multiple_of(3) {
            // Absence for a few dozen messages is too long for the inbox, and a rebuild takes several pages.
            setup.service.inbox_keep = 12;
            setup.service.trim_every_ms = 2_000;
            setup.page_entries = 2;
        }
        if self.seed % 4 == 1 {
            // Whoever does not read at once falls behind.
            setup.service.mailbox_events = 4;
            setup.connection.outbound_max_bytes = 2_048;
        }
        setup
    }
}

/// What a run showed.
pub struct Run {
    /// For the checker.
    pub evidence: Evidence,
    /// Rare paths it took.
    pub coverage: Coverage,
    /// What happened.
    pub trace: Trace,
    /// How long everything took to come together when the faults had stopped.
    pub converged_in: Duration,
}

/// A run that came to no end, with what happened until then.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub error: anyhow::Error,
    /// What happened.
    pub trace: Trace,
}

/// Runs a plan to its evidence.
///
/// # Errors
/// The run did not converge, or the simulation itself failed.
pub fn run(plan: Plan) -> Result<Run, Stopped> {
    let trace = Trace::new(plan.with_text);
    let setup = Setup { trace: trace.clone(), ..plan.setup() };
    simulate(setup, async |world: &mut World| {
        let copies = world.devices.iter().map(|_| None).collect();
        let mut chaos = Chaos { world, step: 0, said: 0, ends: BTreeMap::new(), copies };
        chaos.world.network.set_weather(plan.weather);
        // Hints go on being lost to the very end: nobody may need them.
        chaos.world.server.hints.lose(if plan.seed.is_multiple_of(2) { 10 } else { 0 });
        while chaos.step < plan.steps {
            chaos.step(&plan).await;
        }
        world.heal().await;
        let converged_in = world.converge(CONVERGENCE).await?;
        let evidence = world.evidence().await?;
        let untrue = world.scribe.untrue_events();
        ensure!(untrue.is_empty(), "events of what was not stored: {untrue:?}");
        let (coverage, trace) = (world.coverage.clone(), world.trace.clone());
        Ok(Run { evidence, coverage, trace, converged_in })
    })
    .map_err(|error| Stopped { error, trace })
}

/// A fault that lasts ends later.
enum End {
    DiskFull,
    DeviceDiskFull(usize),
    Unplugged(usize),
    Away(usize),
}

struct Chaos<'a> {
    world: &'a mut World,
    step: u64,
    said: u64,
    ends: BTreeMap<u64, Vec<End>>,
    copies: Vec<Option<DeviceStore>>,
}

impl Chaos<'_> {
    /// Something happens, then some time passes.
    async fn step(&mut self, plan: &Plan) {
        self.step += 1;
        for end in self.ends.remove(&self.step).unwrap_or_default() {
            self.end(&end);
        }
        if self.chance(plan.faults) {
            self.fault().await;
        } else if self.chance(20) {
            self.read_something().await;
        } else if self.chance(5) {
            self.change_members().await;
        } else if self.chance(3) {
            for _ in 0..self.below(40) {
                self.say_something().await;
            }
        } else {
            self.say_something().await;
        }
        self.disturb_a_rebuild().await;
        let pause = if self.chance(5) { 100 * plan.pause_ms } else { plan.pause_ms };
        self.world.rest(self.below(pause)).await;
    }

    async fn fault(&mut self) {
        let device = self.any_device();
        match self.below(20) {
            0 | 1 => self.kill_server(),
            2 | 3 => self.disk_mishap().await,
            4 => {
                self.world.server.disk.set_full(true);
                self.later(End::DiskFull);
            }
            5 => {
                self.world.devices[device].disk_full.store(true, Ordering::Relaxed);
                self.later(End::DeviceDiskFull(device));
            }
            6..=8 => self.kill_device(device).await,
            9 | 10 => {
                self.world.devices[device].plug.set_pulled(true);
                self.later(End::Unplugged(device));
            }
            11 | 12 => {
                self.world.devices[device].kill().await;
                self.world.away.insert(device);
                let until = self.step + 10 + self.below(60);
                self.ends.entry(until).or_default().push(End::Away(device));
            }
            13 => {
                self.world.server.clock.set_skew(self.skew());
                self.world.coverage.note(Rare::ServerClockJumped);
            }
            14 => {
                self.world.devices[device].clock().set_skew(self.skew());
                self.world.coverage.note(Rare::DeviceClockJumped);
            }
            15 | 16 => self.copies[device] = Some(self.world.devices[device].copy_store()),
            17 => {
                if let Some(copy) = self.copies[device].clone() {
                    self.world.devices[device].restore(copy).await;
                    self.switch_on(device);
                }
            }
            _ => self.switch_on(device),
        }
    }

    fn later(&mut self, end: End) {
        let until = self.step + 1 + self.below(20);
        self.ends.entry(until).or_default().push(end);
    }

    fn end(&mut self, end: &End) {
        match *end {
            End::DiskFull => self.world.server.disk.set_full(false),
            End::DeviceDiskFull(device) => {
                self.world.devices[device].disk_full.store(false, Ordering::Relaxed);
            }
            End::Unplugged(device) => self.world.devices[device].plug.set_pulled(false),
            End::Away(device) => {
                self.world.away.remove(&device);
                self.switch_on(device);
            }
        }
    }

    fn kill_server(&mut self) {
        self.world.server.crash_and_restart();
        self.world.coverage.note(Rare::ServerDiedBetweenCommits);
    }

    /// One of the next commits goes wrong; somebody notices sooner or later and starts the process again.
    async fn disk_mishap(&mut self) {
        let kept = self.chance(50);
        let disk = &self.world.server.disk;
        let commits = 1 + self.below(3);
        match self.below(5) {
            0 => {
                let pause = Duration::from_millis(self.below(20_000));
                disk.go_wrong_in(commits, Mishap::Slow(pause));
            }
            1 | 2 => {
                disk.go_wrong_in(commits, Mishap::Error { kept });
                if self.world.server.fails_within(Duration::from_secs(30)).await {
                    self.world.coverage.note(Rare::StoreFailed);
                }
                self.world.server.disk.forget_mishap();
                self.world.server.crash_and_restart();
            }
            _ => {
                disk.go_wrong_in(commits, Mishap::Dies { kept });
                self.world.rest(self.below(20_000)).await;
                self.world.server.disk.forget_mishap();
                self.world.server.crash_and_restart();
            }
        }
    }

    /// Preferably while it stores something.
    async fn kill_device(&mut self, device: usize) {
        for _ in 0..20 {
            if self.world.devices[device].is_storing() {
                break;
            }
            self.world.rest(2).await;
        }
        self.world.devices[device].kill().await;
    }

    /// A device that rebuilds is a rare sight: it loses its connection, its process or the server's.
    async fn disturb_a_rebuild(&mut self) {
        let scribe = &self.world.scribe;
        let rebuilding = |index: &usize| {
            let device = &self.world.devices[*index];
            device.is_on() && scribe.is_rebuilding(&device.identity())
        };
        let Some(device) = (0..self.world.devices.len()).find(rebuilding) else { return };
        match self.below(6) {
            0 => {
                self.world.devices[device].plug.set_pulled(true);
                self.later(End::Unplugged(device));
            }
            1 => {
                self.world.devices[device].kill().await;
                self.switch_on(device);
            }
            2 => self.kill_server(),
            _ => {}
        }
    }

    fn skew(&self) -> i64 {
        let far = i64::try_from(self.below(2 * SKEW_MS)).unwrap_or_default();
        far - i64::try_from(SKEW_MS).unwrap_or_default()
    }

    fn below(&self, below: u64) -> u64 {
        self.world.random.below(below)
    }

    fn chance(&self, percent: u64) -> bool {
        self.world.random.chance(percent)
    }

    fn any_device(&self) -> usize {
        usize::try_from(self.below(self.world.devices.len() as u64)).unwrap_or_default()
    }

    fn switch_on(&mut self, device: usize) {
        if !self.world.away.contains(&device) {
            self.world.devices[device].switch_on();
        }
    }

    /// Somebody writes to somebody, themselves included, or to the group.
    async fn say_something(&mut self) {
        let index = self.any_device();
        let to = match self.world.random.pick(&self.world.users) {
            Some(user) if self.chance(60) => Target::User(user.clone()),
            _ => Target::Conversation(self.world.group),
        };
        // Every text is said once, so that bodies tell messages apart. Some are long, and fill buffers.
        self.said += 1;
        let mut text = format!("message {} of this run", self.said);
        if self.chance(10) {
            text.push_str(&" and so on".repeat(300));
        }
        self.switch_on(index);
        let device = &self.world.devices[index];
        if device.is_on() && device.plug.is_pulled() {
            self.world.coverage.note(Rare::ComposedOffline);
        }
        // Whether it is refused or lost with its device is for the checker to judge.
        let command = Command::SendMessage { to, content: Content::text(text) };
        let _outcome = device.compose(command).await;
    }

    /// Somebody leaves the group, is removed from it, or comes back. Who may not is refused, which is as good a test.
    async fn change_members(&self) {
        let device = &self.world.devices[self.any_device()];
        let Some(user) = self.world.random.pick(&self.world.users).cloned() else { return };
        let conversation = self.world.group;
        let command = match self.below(6) {
            0 => Command::Leave { conversation },
            1 => Command::Kick { conversation, users: vec![user] },
            _ => Command::Invite { conversation, users: vec![user] },
        };
        let _outcome = device.compose(command).await;
    }

    /// Somebody reads a conversation up to a message they hold.
    async fn read_something(&self) {
        let device = &self.world.devices[self.any_device()];
        let held: Vec<(ConversationId, Seq)> =
            device.store.lock().messages.keys().copied().collect();
        if let Some(&(conversation, up_to)) = self.world.random.pick(&held) {
            let at = Target::Conversation(conversation);
            let _outcome = device.compose(Command::MarkRead { at, up_to }).await;
        }
    }
}
