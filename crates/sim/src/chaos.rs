//! A run by chance: people talk, read, come and go while everything that can fail fails; then it heals, and everything
//! must come together within a bound.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_backend::memory::Image;
use anyhow::{Result, ensure};
use tokio::time::Instant;

use crate::checker::Evidence;
use crate::coverage::Coverage;
use crate::faults::End;
use crate::network::Weather;
use crate::store::DeviceStore;
use crate::trace::{Keep, Trace};
use crate::world::{Setup, World, simulate};

/// The longest pause between two things that happen, where there are long ones.
const LONG_PAUSE_MS: u64 = 30_000;
/// How long after the faults have stopped everything must have come together. The longest stall, the longest pause
/// between two attempts to connect, and the longest pause between two tries of a message fit in it.
pub const CONVERGENCE: Duration = Duration::from_secs(3 * 60);

/// How long it is quiet before everything is read: longer than the server waits before it tells that somebody is gone, and
/// between two looks for messages whose time is over.
const QUIET_MS: u64 = 30_000;

/// How much happens in a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// Things that happen before the healing.
    pub steps: u64,
    /// The usual pause between two of them, at the most.
    pub pause_ms: u64,
    /// Chance in percent of a long pause instead.
    pub long_pauses: u64,
    /// What people do in a step, at the most.
    pub deeds: u64,
    /// How bad the network is meanwhile.
    pub weather: Weather,
    /// Chance in percent that a step is a fault.
    pub faults: u64,
    /// Whether one of the faults is that the server is restored from a backup.
    pub restores: bool,
    /// Whether the group becomes a channel in the course of it.
    pub channels: bool,
    /// What is kept of what happens.
    pub keep: Keep,
}

impl Plan {
    /// The usual run of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        let usual = Self {
            seed,
            steps: 300,
            pause_ms: 200,
            long_pauses: 0,
            deeds: 15,
            weather: Weather::FOUL,
            faults: 15,
            restores: seed % 4 == 3,
            channels: seed % 5 >= 3,
            keep: Keep::Nothing,
        };
        // Some are slow: there is time for a command to fail, and for silence.
        if seed % 10 == 2 {
            Self { steps: 200, pause_ms: 300, long_pauses: 4, deeds: 2, ..usual }
        } else {
            usual
        }
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
    /// Commands that devices took before the faults stopped, and how long that took.
    pub commands: u64,
    /// See `commands`.
    pub lasted: Duration,
}

impl Run {
    /// Commands per simulated second.
    #[must_use]
    pub fn pace(&self) -> f64 {
        self.commands as f64 / self.lasted.as_secs_f64().max(f64::EPSILON)
    }
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
    let trace = Trace::new(plan.keep);
    let setup = Setup { trace: trace.clone(), ..plan.setup() };
    simulate(setup, async |world: &mut World| {
        world.network.set_weather(plan.weather);
        // Hints go on being lost to the very end: nobody may need them.
        world.server.hints.lose(if plan.seed.is_multiple_of(2) { 10 } else { 0 });
        let begun = Instant::now();
        let commands = disturb(world, &plan).await?;
        let lasted = begun.elapsed();
        world.heal().await;
        let converged_in = world.converge(CONVERGENCE).await?;
        // What takes its time must have happened: who went is told, what is over is erased.
        world.rest(QUIET_MS).await;
        let evidence = world.evidence().await?;
        let untrue = world.scribe.untrue_events();
        ensure!(untrue.is_empty(), "events of what was not stored: {untrue:?}");
        let (coverage, trace) = (world.coverage.clone(), world.trace.clone());
        Ok(Run { evidence, coverage, trace, converged_in, commands, lasted })
    })
    .map_err(|error| Stopped { error, trace })
}

/// Lets people live through a plan; says how many commands they gave.
async fn disturb(world: &mut World, plan: &Plan) -> Result<u64> {
    let copies = world.devices.iter().map(|_| None).collect();
    let mut chaos = Chaos {
        world,
        step: 0,
        said: 0,
        commands: 0,
        ends: BTreeMap::new(),
        copies,
        restores: plan.restores,
        channels: plan.channels,
        backup: None,
    };
    while chaos.step < plan.steps {
        chaos.step(plan).await?;
    }
    Ok(chaos.commands)
}

/// A run while it goes wrong.
pub(crate) struct Chaos<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) step: u64,
    /// Texts said so far.
    pub(crate) said: u64,
    /// Commands that devices took.
    pub(crate) commands: u64,
    /// What ends at which step.
    pub(crate) ends: BTreeMap<u64, Vec<End>>,
    /// Old copies of the devices' stores.
    pub(crate) copies: Vec<Option<DeviceStore>>,
    /// Whether the server may be restored from a backup, and the last one.
    pub(crate) restores: bool,
    /// Whether the group may become a channel.
    pub(crate) channels: bool,
    pub(crate) backup: Option<Image>,
}

impl Chaos<'_> {
    /// Something goes wrong or people do something, then some time passes.
    async fn step(&mut self, plan: &Plan) -> Result<()> {
        self.step += 1;
        self.end_faults().await;
        if self.chance(plan.faults) {
            self.fault().await?;
        } else {
            for _ in 0..1 + self.below(plan.deeds) {
                self.live().await;
            }
        }
        self.disturb_a_rebuild().await;
        let pause = if self.chance(plan.long_pauses) { LONG_PAUSE_MS } else { plan.pause_ms };
        self.world.rest(self.below(pause)).await;
        Ok(())
    }

    /// One of them, by their weights.
    pub(crate) fn pick<T: Copy>(&self, from: &[(u64, T)]) -> T {
        let all = from.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(all);
        for (weight, kind) in from {
            if at < *weight {
                return *kind;
            }
            at -= weight;
        }
        from[0].1
    }

    pub(crate) fn below(&self, below: u64) -> u64 {
        self.world.random.below(below)
    }

    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.world.random.chance(percent)
    }

    pub(crate) fn any_device(&self) -> usize {
        usize::try_from(self.below(self.world.devices.len() as u64)).unwrap_or_default()
    }

    pub(crate) fn switch_on(&mut self, device: usize) {
        if !self.world.away.contains(&device) {
            self.world.devices[device].switch_on();
        }
    }
}
