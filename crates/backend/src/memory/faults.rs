//! What the ports cannot do to a store but time and bad disks can: tombstones, damaged records, disks that go back.

use std::sync::Arc;

use anser_types::{ConversationId, Message, Seq};

use super::backend::MemoryBackend;
use super::process::Process;
use super::state::{Durable, index};

/// Everything durable at one moment.
#[derive(Clone, Debug)]
pub struct Image(Arc<Durable>);

impl MemoryBackend {
    /// Empties a message, as expiry or erasure will: its seq stays taken, its content is gone for every reader.
    /// Returns whether the message was there.
    pub fn erase(&self, conversation: ConversationId, seq: Seq) -> bool {
        self.replace(conversation, seq, |message| {
            Some(Arc::new(Message { content: None, ..message.clone() }))
        })
    }

    /// Destroys a message's record: inboxes name it as unavailable from now on.
    /// Returns whether the message was there.
    pub fn damage(&self, conversation: ConversationId, seq: Seq) -> bool {
        self.replace(conversation, seq, |_| None)
    }

    /// What is durable now.
    #[must_use]
    pub fn image(&self) -> Image {
        self.peek(|machine| Image(Arc::new(machine.durable.clone())))
    }

    /// Kills the running process and puts the disk back to what it was: as a disk does that lied about what it had
    /// written. Nothing tells of it, the log's epoch included; session epochs go on rising.
    pub fn go_back(&self, image: &Image) {
        self.overwrite(|machine| {
            let starts = machine.durable.starts;
            machine.durable = Durable { starts, ..Durable::clone(&image.0) };
            machine.process = Process::dead();
        });
    }

    /// Kills the running process and restores a backup in its place: the log's epoch rises, so that everybody who has
    /// seen more than it holds learns that it went back, and every conversation notes where it was cut.
    pub fn restore(&self, backup: &Image) {
        let before = self.peek(|machine| machine.durable.log_epoch);
        self.go_back(backup);
        self.overwrite(|machine| {
            // Also when the same backup is restored twice.
            let epoch = machine.durable.log_epoch.max(before).next();
            machine.durable.log_epoch = epoch;
            for log in machine.durable.conversations.values_mut() {
                let head = log.heads().seq;
                if let Some(row) = &mut log.row {
                    row.cut(epoch, head);
                }
            }
        });
    }

    fn replace(
        &self,
        conversation: ConversationId,
        seq: Seq,
        by: impl FnOnce(&Message) -> Option<Arc<Message>>,
    ) -> bool {
        let replaced = self.alter(|machine| {
            let log = machine.durable.conversations.get_mut(&conversation)?;
            let stored = log.messages.get_mut(index(seq.0)?)?;
            let message = stored.take()?;
            *stored = by(&message);
            Some(())
        });
        matches!(replaced, Ok(Some(())))
    }
}
