//! What a simulated client's store forgets by itself, as the SDK's does: messages whose time is over.

use anser_types::{ConversationId, Message, Seq, UnixMs};

use super::DeviceStore;

impl DeviceStore {
    /// When the next message's time is over.
    #[must_use]
    pub fn next_expiry(&self) -> Option<UnixMs> {
        self.expiring.first().map(|(at, _, _)| *at)
    }

    /// Erases the content of every message whose time is over at `now`; says of which.
    pub fn forget_expired(&mut self, now: UnixMs) -> Vec<(ConversationId, Seq)> {
        let mut forgotten = Vec::new();
        while let Some((at, id, seq)) = self.expiring.first().copied().filter(|(at, ..)| *at <= now)
        {
            self.expiring.remove(&(at, id, seq));
            if let Some(stored) = self.messages.get_mut(&(id, seq))
                && stored.message.is_over(now)
            {
                stored.message = stored.message.forgotten();
                forgotten.push((id, seq));
            }
        }
        forgotten
    }

    /// A message is stored that must be forgotten, perhaps.
    pub(super) fn expires(&mut self, message: &Message) {
        if let Some(at) = message.expires_at() {
            self.expiring.insert((at, message.conversation, message.seq));
        }
    }
}
