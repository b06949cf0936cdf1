//! The writer's loop: wait, cut a batch, one append, hand the results on. One writer per store, for ever.
//!
//! While the publisher tells everybody about one batch, the next one is already at the store.

use std::collections::VecDeque;
use std::sync::Arc;

use anser_backend::{Append, Ledger, StoreError};
use anser_types::limits::BATCH_MAX_COMMANDS;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::writer::batch::{Job, cut};
use crate::writer::publish::{Done, Waiting};
use crate::writer::queue::Queues;

/// The only caller of [`Ledger::append_batch`].
pub(crate) struct Writer {
    ledger: Arc<dyn Ledger>,
    queues: Queues,
    // Taken out of the queues but not yet in a batch; at most one batch each, so that the queues' bounds hold.
    sessions: VecDeque<Job>,
    bulk: VecDeque<Job>,
    done: mpsc::Sender<Done>,
    stop: CancellationToken,
    failed: Option<StoreError>,
}

impl Writer {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        queues: Queues,
        done: mpsc::Sender<Done>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            ledger,
            queues,
            sessions: VecDeque::new(),
            bulk: VecDeque::new(),
            done,
            stop,
            failed: None,
        }
    }

    /// Runs until it is stopped (or nobody can send any more) and everything queued has been written.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            let done = self.commit(batch).await;
            if self.done.send(done).await.is_err() {
                tracing::error!("the publisher is gone; the writer stops");
                return;
            }
        }
    }

    async fn next_batch(&mut self) -> Option<Vec<Job>> {
        loop {
            top_up(&mut self.sessions, &mut self.queues.sessions);
            top_up(&mut self.bulk, &mut self.queues.bulk);
            let batch = cut(&mut self.sessions, &mut self.bulk);
            if !batch.is_empty() {
                return Some(batch);
            }
            let closing = self.queues.sessions.is_closed();
            tokio::select! {
                biased;
                job = self.queues.sessions.recv() => match job {
                    Some(job) => self.sessions.push_back(job),
                    None => match self.queues.bulk.recv().await {
                        Some(job) => self.bulk.push_back(job),
                        None => return None,
                    },
                },
                Some(job) = self.queues.bulk.recv() => self.bulk.push_back(job),
                () = self.stop.cancelled(), if !closing => {
                    self.queues.sessions.close();
                    self.queues.bulk.close();
                }
            }
        }
    }

    async fn commit(&mut self, batch: Vec<Job>) -> Done {
        let mut appends: Vec<Append> = Vec::with_capacity(batch.len());
        let mut waiting: Vec<Waiting> = Vec::with_capacity(batch.len());
        for Job { append, route, asker } in batch {
            waiting.push(Waiting { route, asker });
            appends.push(append);
        }
        if let Some(error) = &self.failed {
            return Done { results: Err(error.clone()), waiting };
        }
        let started = Instant::now();
        let count = appends.len();
        let results = self.ledger.append_batch(appends).await;
        let queued = self.sessions.len() + self.queues.sessions.len();
        metrics::batch(count, started.elapsed().as_secs_f64(), queued);
        if let Err(error) = &results {
            tracing::error!(%error, commands = count, "a batch was not written");
            // After anything but a full disk what was in flight is in doubt: nothing more is accepted.
            if !matches!(error, StoreError::Full(_)) {
                self.failed = Some(error.clone());
            }
        }
        Done { results, waiting }
    }
}

fn top_up(buffer: &mut VecDeque<Job>, queue: &mut mpsc::Receiver<Job>) {
    while buffer.len() < BATCH_MAX_COMMANDS {
        match queue.try_recv() {
            Ok(job) => buffer.push_back(job),
            // Empty or closed: the caller waits, and learns there which of the two it is.
            Err(_) => return,
        }
    }
}
