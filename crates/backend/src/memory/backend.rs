//! The store as a machine: one disk that lasts, one process that runs, and the one road to a commit.

use std::sync::Arc;

use futures::lock::{Mutex as WriterLock, MutexGuard as WriterGuard};
use parking_lot::Mutex;

use super::gate::{AtOnce, CommitDecision, CommitGate, CommitKind, PendingCommit};
use super::process::Process;
use super::state::Durable;
use crate::ledger::StoreError;

/// The disk, and whatever process runs on it.
#[derive(Debug)]
pub(super) struct Machine {
    pub durable: Durable,
    pub process: Process,
}

/// A handle on one run of the in-memory store. Clones share the run; [`MemoryBackend::reopen`] gives the next one.
#[derive(Clone)]
pub struct MemoryBackend {
    machine: Arc<Mutex<Machine>>,
    start: u64,
    gate: Arc<dyn CommitGate>,
    writer: Arc<WriterLock<()>>,
}

impl std::fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryBackend").field("start", &self.start).finish_non_exhaustive()
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBackend {
    /// An empty store that commits at once.
    #[must_use]
    pub fn new() -> Self {
        Self::with_gate(Arc::new(AtOnce))
    }

    /// An empty store whose commits pass through `gate`.
    #[must_use]
    pub fn with_gate(gate: Arc<dyn CommitGate>) -> Self {
        let machine = Machine { durable: Durable::new(), process: Process::dead() };
        Self::start(Arc::new(Mutex::new(machine)), gate)
    }

    fn start(machine: Arc<Mutex<Machine>>, gate: Arc<dyn CommitGate>) -> Self {
        let start = {
            let mut machine = machine.lock();
            machine.durable.starts += 1;
            machine.process = Process::started(machine.durable.starts);
            machine.durable.starts
        };
        Self { machine, start, gate, writer: Arc::new(WriterLock::new(())) }
    }

    /// Kills the running process: soft positions that were not written, sessions and any commit in flight are lost.
    /// Every handle of the run answers [`StoreError::Closed`] from now on.
    pub fn crash(&self) {
        self.machine.lock().process = Process::dead();
    }

    /// Starts a new process on the same disk, killing the running one if there is one.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self::start(Arc::clone(&self.machine), Arc::clone(&self.gate))
    }

    /// Reads from the machine if this handle's process still runs and is sound.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Machine) -> T) -> Result<T, StoreError> {
        let machine = self.machine.lock();
        machine.process.check(self.start)?;
        Ok(read(&machine))
    }

    /// Alters what the process remembers, without a commit.
    pub(super) fn alter<T>(&self, alter: impl FnOnce(&mut Machine) -> T) -> Result<T, StoreError> {
        let mut machine = self.machine.lock();
        machine.process.check(self.start)?;
        Ok(alter(&mut machine))
    }

    /// Reads whatever is there, whoever runs.
    pub(super) fn peek<T>(&self, read: impl FnOnce(&Machine) -> T) -> T {
        read(&self.machine.lock())
    }

    /// Alters whatever is there, whoever runs.
    pub(super) fn overwrite(&self, alter: impl FnOnce(&mut Machine)) {
        alter(&mut self.machine.lock());
    }

    /// The writer's turn: at most one write is prepared or in flight at a time.
    pub(super) async fn writer(&self) -> WriterGuard<'_, ()> {
        self.writer.lock().await
    }

    /// Takes a prepared write through the gate and makes it durable with `merge`, or not, as the gate decides.
    /// Needs the writer's turn, so that nothing changes between preparing and merging.
    pub(super) async fn commit(
        &self,
        _turn: &WriterGuard<'_, ()>,
        pending: PendingCommit,
        merge: impl FnOnce(&mut Machine) + Send,
    ) -> Result<(), StoreError> {
        let decision = self.gate.decide(pending).await;
        let mut machine = self.machine.lock();
        machine.process.check(self.start)?;
        let merge = |machine: &mut Machine| {
            merge(machine);
            if pending.kind == CommitKind::Batch {
                machine.durable.commit_no = machine.durable.commit_no.next();
            }
        };
        match decision {
            CommitDecision::Commit => {
                merge(&mut machine);
                machine.process.full = None;
                Ok(())
            }
            CommitDecision::Full(text) => {
                machine.process.full = Some(text.clone());
                Err(StoreError::Full(text))
            }
            CommitDecision::Fail { kept } => {
                if kept {
                    merge(&mut machine);
                }
                let text = String::from("the simulated disk failed");
                machine.process.poisoned = Some(text.clone());
                Err(StoreError::Failed(text))
            }
            CommitDecision::Crash { kept } => {
                if kept {
                    merge(&mut machine);
                }
                machine.process = Process::dead();
                Err(StoreError::Closed)
            }
        }
    }

    /// Poisons the store as a failed write does.
    pub(super) fn poison(&self, text: String) -> StoreError {
        let mut machine = self.machine.lock();
        if machine.process.check(self.start).is_ok() {
            machine.process.poisoned = Some(text.clone());
        }
        StoreError::Failed(text)
    }
}
