//! Many seeds, on as many threads as wanted: each run is a world of its own on one thread.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::chaos::{Plan, run};
use crate::checker::{Counts, check, report};
use crate::coverage::Coverage;

/// Fewer accepted messages than this prove nothing.
const LEAST_ACCEPTED: usize = 20;

/// What one seed showed.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub seed: u64,
    /// What it tried.
    pub counts: Counts,
    /// Commands per simulated second.
    pub pace: f64,
    /// How long everything took to come together when the faults had stopped.
    pub converged_in: Duration,
    /// What is wrong; `None` if every promise was kept.
    pub failure: Option<String>,
}

/// What many seeds showed together.
#[derive(Default)]
pub struct Shown {
    /// Seeds that ran.
    pub seeds: u64,
    /// Those of them that failed, with what is wrong, by seed.
    pub failed: Vec<(u64, String)>,
    /// Messages accepted.
    pub accepted: u64,
    /// Commands that devices took while things went wrong, and how long that lasted.
    pub commands: u64,
    /// See `commands`.
    pub lasted: Duration,
    /// The longest time everything took to come together.
    pub slowest: Duration,
    /// Rare paths taken.
    pub coverage: Coverage,
    paces: f64,
}

impl Shown {
    /// Commands per simulated second, as the mean of the seeds.
    #[must_use]
    pub fn mean_pace(&self) -> f64 {
        self.paces / (self.seeds.max(1) as f64)
    }

    /// Commands per simulated second over all the time that was simulated.
    #[must_use]
    pub fn overall_pace(&self) -> f64 {
        self.commands as f64 / self.lasted.as_secs_f64().max(f64::EPSILON)
    }

    /// The figures in two lines.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { seeds, accepted, commands, slowest, .. } = self;
        format!(
            "{seeds} seeds, {commands} commands, {accepted} messages accepted, together after {slowest:?} at the latest\n\
             {:.1} commands per simulated second (mean of the seeds; {:.1} over {:.0} simulated seconds)",
            self.mean_pace(),
            self.overall_pace(),
            self.lasted.as_secs_f64(),
        )
    }
}

/// As many threads as there are cores.
#[must_use]
pub fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs every seed; `tell` hears of each as it ends, from whatever thread ran it.
pub fn search(seeds: Range<u64>, threads: usize, tell: impl Fn(&Judged) + Sync) -> Shown {
    let next = AtomicU64::new(seeds.start);
    let shown = Mutex::new(Shown::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    tell(&judge(seed, &shown));
                }
            });
        }
    });
    let mut shown = shown.into_inner();
    shown.failed.sort_unstable();
    shown
}

fn judge(seed: u64, shown: &Mutex<Shown>) -> Judged {
    let mut judged = Judged {
        seed,
        counts: Counts::default(),
        pace: 0.0,
        converged_in: Duration::ZERO,
        failure: None,
    };
    match run(Plan::of(seed)) {
        Err(stopped) => judged.failure = Some(format!("{:#}", stopped.error)),
        Ok(run) => {
            let verdicts = check(&run.evidence);
            judged.counts = Counts::of(&run.evidence);
            (judged.pace, judged.converged_in) = (run.pace(), run.converged_in);
            if !verdicts.is_empty() {
                judged.failure = Some(report(&verdicts));
            } else if judged.counts.ok <= LEAST_ACCEPTED {
                judged.failure = Some(format!("it proved nothing: {}", judged.counts));
            }
            let mut shown = shown.lock();
            shown.accepted += judged.counts.ok as u64;
            shown.commands += run.commands;
            shown.lasted += run.lasted;
            shown.slowest = shown.slowest.max(run.converged_in);
            shown.paces += judged.pace;
            shown.coverage.add(&run.coverage);
        }
    }
    let mut shown = shown.lock();
    shown.seeds += 1;
    shown.failed.extend(judged.failure.clone().map(|failure| (seed, failure)));
    judged
}
