//! The server's disk: how long commits take, and how they go wrong.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::Boxed;
use anser_backend::memory::{CommitDecision, CommitGate, PendingCommit};
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::coverage::{Coverage, Rare};
use crate::entropy::Seeded;
use crate::network::Network;
use crate::seams::Seams;
use crate::trace::Trace;

/// What befalls a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The process dies in it; it survives or not.
    Dies {
        /// It survives.
        kept: bool,
    },
    /// The disk reports an error; what was written is there or not.
    Error {
        /// It is.
        kept: bool,
    },
    /// It takes this long.
    Slow(Duration),
}

/// See the module's head.
pub struct Disk {
    random: Arc<Seeded>,
    network: Network,
    coverage: Coverage,
    trace: Trace,
    seams: Arc<dyn Seams>,
    longest_ms: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    full: bool,
    /// Commits until the mishap.
    mishap: Option<(u64, Mishap)>,
}

impl Disk {
    /// A disk without faults whose commits take up to `longest_ms`.
    #[must_use]
    pub fn new(
        network: Network,
        random: Arc<Seeded>,
        coverage: Coverage,
        trace: Trace,
        seams: Arc<dyn Seams>,
        longest_ms: u64,
    ) -> Self {
        Self { random, network, coverage, trace, seams, longest_ms, state: Mutex::default() }
    }

    /// The `commits`-th commit from now goes wrong.
    pub fn go_wrong_in(&self, commits: u64, mishap: Mishap) {
        self.state.lock().mishap = Some((commits, mishap));
    }

    /// There is no space from now on, or there is again.
    pub fn set_full(&self, full: bool) {
        self.state.lock().full = full;
    }

    /// What was to go wrong does not.
    pub fn forget_mishap(&self) {
        self.state.lock().mishap = None;
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        *self.state.lock() = State::default();
    }

    fn mishap_now(&self) -> Option<Mishap> {
        let mut state = self.state.lock();
        let (left, mishap) = state.mishap.as_mut()?;
        *left = left.saturating_sub(1);
        let now = (*left == 0).then_some(*mishap);
        if now.is_some() {
            state.mishap = None;
        }
        now
    }

    async fn outcome(&self) -> CommitDecision {
        sleep(Duration::from_millis(self.random.below(self.longest_ms + 1))).await;
        if self.state.lock().full {
            self.coverage.note(Rare::DiskFull);
            return CommitDecision::Full(String::from("the simulated disk is full"));
        }
        match self.mishap_now() {
            None => CommitDecision::Commit,
            Some(Mishap::Slow(pause)) => {
                self.coverage.note(Rare::SlowDisk);
                sleep(pause).await;
                CommitDecision::Commit
            }
            Some(Mishap::Error { kept }) => CommitDecision::Fail { kept },
            Some(Mishap::Dies { kept }) => {
                self.coverage.note(match kept {
                    true => Rare::ServerDiedCommitKept,
                    false => Rare::ServerDiedCommitLost,
                });
                CommitDecision::Crash { kept }
            }
        }
    }
}

impl CommitGate for Disk {
    fn decide(&self, commit: PendingCommit) -> Boxed<'_, CommitDecision> {
        Box::pin(async move {
            let decision = self.seams.decide(self.outcome().await);
            if matches!(decision, CommitDecision::Crash { .. }) {
                // The process is dead: nothing it would still say leaves the machine.
                self.network.server_died();
            }
            let PendingCommit { kind, appends } = commit;
            self.trace.note(format_args!("disk {kind:?} {appends} {decision:?}"));
            decision
        })
    }
}
