//! The thread that feeds the tables behind the log, and the bounded queue to it.
//!
//! Policy of the queue: the store's thread waits while it is full. Its bound hides the stalls of the tree store
//! (75–220 ms) from commits at normal rates, and keeps readers who wait for it below that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use anser_backend::StoreError;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::backup::Frozen;
use crate::commit::Commit;
use crate::disk::Disk;
use crate::keys::{Key, Table};
use crate::log::Checkpoint;
use crate::pending::Pending;
use crate::tables::{TableBatch, Tables};

/// Table operations waiting at the most; a direct message has three.
const QUEUE_OPERATIONS: usize = 24 * 1024;
/// Bytes waiting at the most.
const QUEUE_BYTES: usize = 32 << 20;
/// Table operations applied together.
const APPLY_OPERATIONS: usize = 2_000;

/// Work for the applier, in order.
#[derive(Debug)]
pub enum Work {
    /// A durable commit.
    Commit(Commit),
    /// Rows that reach the tables without a commit of their own, because the log holds them as deltas.
    Rows(Vec<(Key, Vec<u8>)>),
    /// Make everything before it independent of the log, then note it as checkpoint.
    Checkpoint(u64),
    /// Freeze the tables as they are after everything before it. Whoever asked may be gone.
    Freeze(oneshot::Sender<Frozen>),
}

impl Work {
    fn weight(&self) -> (usize, usize) {
        match self {
            Self::Commit(commit) => (commit.operations, commit.payload.len()),
            Self::Rows(rows) => (rows.len(), rows.iter().map(|(_, value)| value.len()).sum()),
            Self::Checkpoint(_) | Self::Freeze(_) => (0, 0),
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    work: VecDeque<Work>,
    operations: usize,
    bytes: usize,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    pending: Arc<Pending>,
    tables: Arc<Tables>,
    disk: Arc<dyn Disk>,
    /// The newest checkpoint that is noted, for the log to remove segments.
    checkpoint: Mutex<u64>,
}

/// The handle of the applier; ending it waits for everything queued.
#[derive(Debug)]
pub struct Applier {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Applier {
    /// Starts the thread that applies and the one that flushes checkpoints.
    pub fn start(
        tables: Arc<Tables>,
        pending: Arc<Pending>,
        disk: Arc<dyn Disk>,
        checkpoint: u64,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            pending,
            tables,
            disk,
            checkpoint: Mutex::new(checkpoint),
        });
        let (flushes, sealed) = std::sync::mpsc::sync_channel(1);
        let applying = Arc::clone(&shared);
        let flushing = Arc::clone(&shared);
        let name = |name: &str| std::thread::Builder::new().name(name.into());
        let threads = vec![
            name("anser-applier").spawn(move || applying.run(&flushes))?,
            name("anser-flusher").spawn(move || flushing.flush(&sealed))?,
        ];
        Ok(Self { shared, threads })
    }

    /// Queues work, waiting while the queue is full.
    pub fn push(&self, work: Work) {
        let (operations, bytes) = work.weight();
        let mut queue = self.shared.queue.lock();
        while queue.operations > QUEUE_OPERATIONS || queue.bytes > QUEUE_BYTES {
            self.shared.changed.wait(&mut queue);
        }
        queue.operations += operations;
        queue.bytes += bytes;
        queue.work.push_back(work);
        self.shared.changed.notify_all();
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> u64 {
        *self.shared.checkpoint.lock()
    }

    /// Waits for everything queued and ends.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Applier {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that feeds the tables panicked");
            }
        }
    }
}

impl Shared {
    /// Up to [`APPLY_OPERATIONS`] of work, ending with a checkpoint or freeze if there is one; `None` at the end.
    fn take(&self) -> Option<Vec<Work>> {
        let mut queue = self.queue.lock();
        while queue.work.is_empty() {
            if queue.closed {
                return None;
            }
            self.changed.wait(&mut queue);
        }
        let mut taken = Vec::new();
        let mut operations = 0;
        while operations < APPLY_OPERATIONS
            && let Some(work) = queue.work.pop_front()
        {
            let (weight, bytes) = work.weight();
            operations += weight;
            queue.operations -= weight;
            queue.bytes -= bytes;
            let ends = matches!(work, Work::Checkpoint(_) | Work::Freeze(_));
            taken.push(work);
            if ends {
                break;
            }
        }
        self.changed.notify_all();
        Some(taken)
    }

    fn run(&self, flushes: &std::sync::mpsc::SyncSender<u64>) {
        let mut failed = false;
        while let Some(works) = self.take() {
            // After a failure the queue is only emptied: nobody may wait for it for ever.
            if failed {
                continue;
            }
            if let Err(error) = self.apply(works, flushes) {
                tracing::error!(%error, "the tables cannot be written; the store stops");
                self.pending.fail(error);
                failed = true;
            }
        }
    }

    fn apply(
        &self,
        works: Vec<Work>,
        flushes: &std::sync::mpsc::SyncSender<u64>,
    ) -> Result<(), StoreError> {
        let mut batch = TableBatch::default();
        let mut applied = None;
        let mut checkpoint = None;
        let mut freeze = None;
        for work in works {
            match work {
                Work::Commit(commit) => {
                    batch.commit(&commit.payload).map_err(StoreError::from)?;
                    applied = Some(commit.no);
                }
                Work::Rows(rows) => {
                    for (key, value) in rows {
                        batch.put(Table::State, key.into(), value.into());
                    }
                }
                Work::Checkpoint(commit_no) => checkpoint = Some(commit_no),
                Work::Freeze(told) => freeze = Some(told),
            }
        }
        if batch.len() > 0 || applied.is_some() {
            batch.apply(&self.tables, applied).map_err(StoreError::from)?;
        }
        if let Some(commit_no) = applied {
            self.pending.applied(commit_no);
        }
        if let Some(told) = freeze {
            told.send(self.tables.freeze()).unwrap_or_default();
        }
        if let Some(commit_no) = checkpoint {
            self.tables.seal().map_err(StoreError::from)?;
            // The flusher is gone only when the store ends; the log then simply keeps its segments.
            flushes.send(commit_no).unwrap_or_default();
        }
        Ok(())
    }

    fn flush(&self, sealed: &std::sync::mpsc::Receiver<u64>) {
        while let Ok(commit_no) = sealed.recv() {
            if !self.tables.wait_flushed() {
                let text = "the tables cannot be flushed".to_owned();
                self.pending.fail(StoreError::Failed(text));
                continue;
            }
            match Checkpoint::write(&*self.disk, commit_no) {
                Ok(()) => *self.checkpoint.lock() = commit_no,
                // The log is longer than needed, nothing else: the next checkpoint tries again.
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    tracing::warn!(%error, "a checkpoint could not be noted");
                }
                Err(error) => {
                    tracing::error!(%error, "a checkpoint could not be noted; the store stops");
                    let text = format!("a checkpoint could not be noted: {error}");
                    self.pending.fail(StoreError::Failed(text));
                }
            }
        }
    }
}
