//! Pushes that came while what lies before them is being read. Without them a device that is behind in a busy channel would
//! read page after page and never get back to what is pushed: something new would always have come meanwhile.
//!
//! Only of the channel that is read from, and bounded: what finds no room is read like everything else.

use std::collections::BTreeMap;

use anser_types::{Change, ChangeNo, ConversationId, Message, Seq};

use crate::core::Core;
use crate::records::ChannelPosition;

/// Pushes held at most, and their bytes: a round trip of a busy channel.
const HELD_MAX: usize = 256;
const HELD_MAX_BYTES: usize = 256 * 1024;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Held {
    of: Option<ConversationId>,
    messages: BTreeMap<Seq, (Message, usize)>,
    changes: BTreeMap<ChangeNo, (Change, usize)>,
}

impl Held {
    /// This channel is read from; what was held of another one is dropped.
    pub(crate) fn read_from(&mut self, id: ConversationId) {
        if self.of != Some(id) {
            *self = Self { of: Some(id), ..Self::default() };
        }
    }

    /// Nothing is read any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn takes(&self, id: ConversationId, bytes: usize) -> bool {
        let messages = self.messages.values().map(|(_, bytes)| bytes);
        let held = messages.chain(self.changes.values().map(|(_, bytes)| bytes));
        self.of == Some(id)
            && self.messages.len() + self.changes.len() < HELD_MAX
            && held.sum::<usize>() + bytes <= HELD_MAX_BYTES
    }

    /// Holds a message that lies further on.
    pub(crate) fn hold_message(&mut self, message: Message, bytes: usize) {
        if self.takes(message.conversation, bytes) {
            self.messages.insert(message.seq, (message, bytes));
        }
    }

    /// Holds a change that lies further on.
    pub(crate) fn hold_change(&mut self, change: Change, bytes: usize) {
        if self.takes(change.conversation, bytes) {
            self.changes.insert(change.change_no, (change, bytes));
        }
    }

    fn message_after(&mut self, at: ChannelPosition) -> Option<(Message, usize)> {
        self.messages = self.messages.split_off(&at.seq.next());
        self.messages.remove(&at.seq.next())
    }

    fn change_after(&mut self, at: ChannelPosition) -> Option<(Change, usize)> {
        self.changes = self.changes.split_off(&at.change_no.next());
        let next = self
            .changes
            .first_entry()
            .filter(|next| *next.key() == at.change_no.next() && next.get().0.after_seq <= at.seq);
        next.map(std::collections::btree_map::OccupiedEntry::remove)
    }
}

impl Core {
    /// What was held of a channel and follows now is taken in.
    pub(crate) fn take_held(&mut self, id: ConversationId) {
        while self.store.has_room() && self.channels.held.of == Some(id) {
            let Some(at) = self.channels.get(id).map(|channel| channel.at) else { return };
            if let Some((message, bytes)) = self.channels.held.message_after(at) {
                self.take_channel_message(message, bytes);
            } else if let Some((change, bytes)) = self.channels.held.change_after(at) {
                self.take_channel_change(change, bytes);
            } else {
                return;
            }
        }
    }
}
