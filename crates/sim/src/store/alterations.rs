//! What changes make of the messages of a simulated client's store: what the SDK's store does with its rows.

use anser_client::records::{ConversationState, StoredMessage};
use anser_types::{Change, ChangeKind, ChangeNo, ConversationId, LogEpoch, Message, Seq};

use super::DeviceStore;

impl DeviceStore {
    /// Whether changes of this message may have been missed: it is read again before it is shown as complete.
    #[must_use]
    pub fn is_doubted(&self, conversation: ConversationId, seq: Seq) -> bool {
        self.doubted.contains(&(conversation, seq))
    }

    /// How many such messages there are.
    #[must_use]
    pub fn doubts(&self) -> usize {
        self.doubted.len()
    }

    /// Conversations that hold such messages.
    #[must_use]
    pub fn doubted_conversations(&self) -> Vec<ConversationId> {
        let mut all: Vec<_> = self.doubted.iter().map(|(conversation, _)| *conversation).collect();
        all.dedup();
        all
    }

    /// A change came by the inbox: it is applied once, together with its row.
    pub(super) fn change_came(&mut self, change: &Change) {
        let (id, no) = (change.conversation, change.change_no);
        let known = self.change_heads.get(&id).copied().unwrap_or_default();
        if no > known.next() {
            // Some were not for this device, which was out meanwhile.
            self.doubt(id);
        }
        if !self.changes.insert((id, no)) {
            return;
        }
        self.change_heads.insert(id, known.max(no));
        if let ChangeKind::MessageAltered { seq, alteration } = &change.kind
            && let Some(stored) = self.messages.get_mut(&(id, *seq))
        {
            stored.message.alter(no, change.at, &change.actor, alteration);
            if let Some(at) = stored.message.expires_at() {
                self.expiring.insert((at, id, *seq));
            }
        }
    }

    /// The server's whole row of a conversation came: of what it knows beyond what came here, nothing was heard.
    pub(super) fn row_came(
        &mut self,
        id: ConversationId,
        state: &ConversationState,
        followed: LogEpoch,
    ) {
        let known = self.change_heads.get(&id).copied().unwrap_or_default();
        if state.change_head > known || state.log_epoch > followed {
            self.doubt(id);
        }
        self.forget_changes_above(id, state.change_head);
        self.change_heads.insert(id, state.change_head);
    }

    /// The server knows of no change above this one: what it numbers anew must count here again.
    pub(super) fn forget_changes_above(&mut self, id: ConversationId, head: ChangeNo) {
        self.changes.retain(|(conversation, no)| *conversation != id || *no <= head);
        if let Some(known) = self.change_heads.get_mut(&id) {
            *known = head.min(*known);
        }
        for (_, stored) in self.messages.range_mut((id, Seq::ZERO)..=(id, Seq::MAX)) {
            if stored.message.altered_by() > head {
                stored.message.altered = None;
            }
        }
    }

    /// What came, with what changes have made of the message here, unless that is in doubt: a page that was read before
    /// them does not undo them. `given` is false for one's own message as it was sent.
    pub(super) fn merged(&mut self, came: &StoredMessage, given: bool) -> StoredMessage {
        let at = (came.message.conversation, came.message.seq);
        let mut merged = came.clone();
        let here = self.messages.get(&at).map(|here| &here.message);
        let here = here.filter(|here| is_same(here, &came.message));
        let in_doubt = self.doubted.contains(&at);
        match here {
            Some(here) if here.altered_by() > came.message.altered_by() && !(in_doubt && given) => {
                (merged.message.content, merged.message.altered) =
                    (here.content.clone(), here.altered.clone());
            }
            // It was altered, perhaps, before its own answer came.
            None if !given && self.doubted_up_to.get(&at.0).is_some_and(|seq| at.1 <= *seq) => {
                self.doubted.insert(at);
            }
            _ => {}
        }
        if given {
            self.doubted.remove(&at);
        }
        merged
    }

    fn doubt(&mut self, id: ConversationId) {
        let held = self.messages.range((id, Seq::ZERO)..=(id, Seq::MAX));
        self.doubted.extend(held.map(|(at, _)| *at));
        let head = self.marks.get(&id).map(|mark| mark.head).unwrap_or_default();
        let up_to = self.doubted_up_to.entry(id).or_default();
        *up_to = head.max(*up_to);
    }
}

fn is_same(a: &Message, b: &Message) -> bool {
    (&a.sender, a.id) == (&b.sender, b.id)
}
