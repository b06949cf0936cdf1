//! What waits for the writer, and how a batch is cut from it.

use std::collections::VecDeque;

use anser_backend::{Append, Record, weight};
use anser_types::limits::{BATCH_MAX_BYTES, BATCH_MAX_COMMANDS, BATCH_MAX_OPERATIONS};

use crate::fanout::route::Route;
use crate::writer::publish::Asker;

/// Part of a batch that bulk sends may always have: a quarter keeps them moving under full load.
const BULK_SHARE: usize = 4;

/// One append on its way: what is written, who is told, who waits.
#[derive(Debug)]
pub(crate) struct Job {
    /// What is written.
    pub(crate) append: Append,
    /// Who is told after the commit.
    pub(crate) route: Route,
    /// Who waits for the result.
    pub(crate) asker: Asker,
}

impl Job {
    /// Key-value operations, roughly: records, inbox pointers and the device's record.
    fn operations(&self) -> usize {
        1 + self.append.records.len() + self.append.inbox.len()
    }

    /// Bytes written, roughly.
    fn bytes(&self) -> usize {
        let contents: usize = self
            .append
            .records
            .iter()
            .map(|record| match record {
                Record::Message { content, .. } => 96 + content.body.len(),
                Record::Change { kind, .. } => 96 + weight::of_change_kind(kind),
                _ => 96,
            })
            .sum();
        contents + 48 * self.append.inbox.len()
    }
}

/// Room for commands, operations and bytes.
#[derive(Clone, Copy, Debug)]
struct Room {
    commands: usize,
    operations: usize,
    bytes: usize,
}

impl Room {
    const BATCH: Self = Self {
        commands: BATCH_MAX_COMMANDS,
        operations: BATCH_MAX_OPERATIONS,
        bytes: BATCH_MAX_BYTES,
    };

    const fn less_bulk(self) -> Self {
        Self {
            commands: self.commands - self.commands / BULK_SHARE,
            operations: self.operations - self.operations / BULK_SHARE,
            bytes: self.bytes - self.bytes / BULK_SHARE,
        }
    }
}

/// A batch being put together.
#[derive(Debug, Default)]
struct Cut {
    jobs: Vec<Job>,
    operations: usize,
    bytes: usize,
}

impl Cut {
    /// Takes from the front of a queue while there is room; the first job of a batch always fits.
    fn take(&mut self, queue: &mut VecDeque<Job>, room: Room) {
        while let Some(job) = queue.front() {
            let operations = self.operations + job.operations();
            let bytes = self.bytes + job.bytes();
            let fits = self.jobs.len() < room.commands
                && operations <= room.operations
                && bytes <= room.bytes;
            if !fits && !self.jobs.is_empty() {
                return;
            }
            (self.operations, self.bytes) = (operations, bytes);
            self.jobs.extend(queue.pop_front());
        }
    }
}

/// Cuts the next batch: commands of sessions first, but never so many that bulk sends get nothing.
pub(crate) fn cut(sessions: &mut VecDeque<Job>, bulk: &mut VecDeque<Job>) -> Vec<Job> {
    let mut cut = Cut::default();
    let first = if bulk.is_empty() { Room::BATCH } else { Room::BATCH.less_bulk() };
    cut.take(sessions, first);
    cut.take(bulk, Room::BATCH);
    cut.take(sessions, Room::BATCH);
    cut.jobs
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use anser_backend::Origin;
    use anser_types::{Content, ConversationId, MessageId, UnixMs, UserId};
    use tokio::sync::oneshot;

    use super::*;

    fn job(bytes: usize) -> Job {
        let record = Record::Message {
            conversation: ConversationId([0; 16]),
            sender: UserId::new("alice").unwrap(),
            id: MessageId { device: anser_types::DeviceNo(1), local_no: anser_types::LocalNo(1) },
            sent_at: UnixMs(0),
            content: Arc::new(Content::text("x".repeat(bytes))),
        };
        Job {
            append: Append {
                origin: Origin::Internal,
                at: UnixMs(0),
                expects: Vec::new(),
                refused: None,
                records: vec![record],
                inbox: Vec::new(),
            },
            route: Route::Nobody,
            asker: Asker::waiter(oneshot::channel().0),
        }
    }

    #[test]
    fn a_batch_keeps_to_its_bounds_and_gives_bulk_a_turn() {
        let mut sessions: VecDeque<Job> = (0..1000).map(|_| job(1)).collect();
        let mut bulk: VecDeque<Job> = (0..1000).map(|_| job(1)).collect();
        let batch = cut(&mut sessions, &mut bulk);
        assert_eq!(batch.len(), BATCH_MAX_COMMANDS);
        assert_eq!(bulk.len(), 1000 - BATCH_MAX_COMMANDS / BULK_SHARE);

        let mut large: VecDeque<Job> = (0..64).map(|_| job(60_000)).collect();
        let batch = cut(&mut large, &mut VecDeque::new());
        assert!(batch.iter().map(Job::bytes).sum::<usize>() <= BATCH_MAX_BYTES);
        assert!(batch.len() >= 16);

        let mut huge: VecDeque<Job> = std::iter::once(job(BATCH_MAX_BYTES * 2)).collect();
        assert_eq!(cut(&mut huge, &mut VecDeque::new()).len(), 1, "the first always fits");
    }
}
