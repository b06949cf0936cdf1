//! The way to the writer: two bounded queues. A full one makes its caller wait, then says `OVERLOADED`.

use std::time::Duration;

use anser_types::{ErrorCode, Refusal};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::writer::batch::Job;

/// Which queue a job waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Commands of sessions.
    Sessions,
    /// Sends of app servers.
    Bulk,
}

/// Sends jobs to the writer, in order per queue.
#[derive(Clone, Debug)]
pub(crate) struct WriterHandle {
    sessions: mpsc::Sender<Job>,
    bulk: mpsc::Sender<Job>,
    wait: Duration,
}

/// The writer's ends of the queues.
pub(crate) struct Queues {
    pub(crate) sessions: mpsc::Receiver<Job>,
    pub(crate) bulk: mpsc::Receiver<Job>,
}

impl WriterHandle {
    pub(crate) fn new(sessions_max: usize, bulk_max: usize, wait: Duration) -> (Self, Queues) {
        let (sessions, sessions_out) = mpsc::channel(sessions_max.max(1));
        let (bulk, bulk_out) = mpsc::channel(bulk_max.max(1));
        let queues = Queues { sessions: sessions_out, bulk: bulk_out };
        (Self { sessions, bulk, wait }, queues)
    }

    /// Queues a job, waiting a while for room. If there is none, the job's waiter hears that it was not written.
    pub(crate) async fn submit(&self, job: Job, queue: Queue) {
        let sender = match queue {
            Queue::Sessions => &self.sessions,
            Queue::Bulk => &self.bulk,
        };
        let job = match sender.try_send(job) {
            Ok(()) => return,
            Err(TrySendError::Full(job)) => job,
            Err(TrySendError::Closed(job)) => return refuse(job, closed()),
        };
        match tokio::time::timeout(self.wait, sender.reserve()).await {
            Ok(Ok(permit)) => permit.send(job),
            Ok(Err(_)) => refuse(job, closed()),
            Err(_) => {
                refuse(job, Refusal::new(ErrorCode::Overloaded).retry_after(1_000));
            }
        }
    }

    /// Jobs that wait in each queue.
    pub(crate) fn depths(&self) -> (usize, usize) {
        let depth = |sender: &mpsc::Sender<Job>| sender.max_capacity() - sender.capacity();
        (depth(&self.sessions), depth(&self.bulk))
    }
}

fn refuse(job: Job, refusal: Refusal) {
    job.asker.refuse(refusal);
}

fn closed() -> Refusal {
    Refusal::new(ErrorCode::Draining).retry_after(2_000)
}
