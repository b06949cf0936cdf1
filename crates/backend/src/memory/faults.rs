//! What the ports cannot do to a store but time and bad disks can: tombstones and damaged records.

use std::sync::Arc;

use anser_types::{ConversationId, Message, Seq};

use super::backend::MemoryBackend;
use super::state::index;

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
