//! Ids of direct conversations by peer.

use anser_types::{ConversationId, UserId};

/// Ids of direct conversations by peer: each costs a hash, and a chat asks for the same one again and again.
#[derive(Debug, Default)]
pub(crate) struct DirectIds {
    known: std::collections::BTreeMap<UserId, ConversationId>,
}

impl DirectIds {
    /// Entries kept; beyond it the table starts anew.
    const MAX: usize = 1_024;

    /// The conversation with this peer.
    pub(crate) fn of(&mut self, me: &UserId, peer: &UserId) -> ConversationId {
        if let Some(id) = self.known.get(peer) {
            return *id;
        }
        if self.known.len() >= Self::MAX {
            self.known.clear();
        }
        let id = ConversationId::direct(me, peer);
        self.known.insert(peer.clone(), id);
        id
    }
}
