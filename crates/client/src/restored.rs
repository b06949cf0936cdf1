//! When the local store turns out to be an old copy (restored from a backup, or cloned).
//!
//! Its device id may not be used any more: its numbers were used for something else. The host takes a new device; then
//! everything unsettled waits until the inbox was read to where it ended at the new device's first sign-in. What came
//! back as one's own was sent and is settled; the rest is sent under the new device.

use anser_proto::v1;
use anser_types::{
    Alteration, ChangeKind, ChangeNo, Command, CommandNo, ConversationId, ErrorCode, InboxSeq,
    Refusal, Seq,
};

use crate::asks::Purpose;
use crate::core::Core;
use crate::io::{Identity, Now};
use crate::records::{OutboxState, OwnMessage, Record, Settled, StoredMessage};
use crate::session::{Off, Then};
use crate::translate;

/// Messages or changes of one page of the search.
const SEARCH_PAGE: u32 = 200;

/// Where it stands what an earlier device has done in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Search {
    /// Messages of its own: the newest first, they are mostly among those.
    Messages(ConversationId),
    /// Alterations: all changes, in their order.
    Changes(ConversationId),
}

impl Core {
    /// Numbers or answers prove that this store is an old copy.
    pub(crate) fn store_was_restored(&mut self, now: Now) {
        let detail = "this device's numbers were used by another copy of its store";
        self.end_link(
            Refusal::because(ErrorCode::Conflict, detail),
            Then::Stay(Off::Restored),
            now,
        );
    }

    /// Goes on as a new device (after `StoreWasRestored`, or a new sign-in). What is unsettled is kept, settled by what
    /// comes back from the server, and the rest sent.
    pub fn take_device(&mut self, identity: Identity, now: Now) {
        if identity.device == self.me.device {
            return self.renew_token(identity.token, now);
        }
        self.stop();
        self.me = identity;
        self.store.put(Record::IdentityTaken(self.me.clone()));
        self.outbox.in_flight.clear();
        self.outbox.due.clear();
        (self.outbox.next_no, self.outbox.highest_used) = (CommandNo::ZERO.next(), CommandNo::ZERO);
        for (local_no, entry) in &mut self.outbox.entries {
            let state = match std::mem::replace(&mut entry.item.state, OutboxState::Queued) {
                OutboxState::Failed { reason, .. } => {
                    OutboxState::Failed { reason, unconfirmed: None }
                }
                OutboxState::Queued | OutboxState::Numbered(_) => {
                    self.outbox.queue.insert(*local_no);
                    OutboxState::Queued
                }
            };
            entry.item.state = state;
            entry.unstored = false;
            (entry.tries, entry.first_tried) = (0, None);
            self.store.put(Record::OutboxPut(entry.item.clone()));
        }
        let waits = !self.outbox.entries.is_empty();
        self.inbox.settle_until = waits.then_some(InboxSeq::MAX);
        self.inbox.settle_by_history = false;
        self.link = crate::session::Link::Off(Off::Restored);
        self.signed_in_again(now);
        self.settle_down(now);
    }

    /// Once the inbox was read far enough: what is left was never sent.
    pub(crate) fn settle_restored(&mut self, now: Now) {
        let Some(until) = self.inbox.settle_until else { return };
        let stored = self.store.confirmed();
        if !self.link.is_up()
            || stored.cursor < until
            || self.inbox.rebuild.is_some()
            || stored.rebuild.is_some()
        {
            return;
        }
        if !self.search_ended(now) {
            return;
        }
        self.inbox.settle_until = None;
        self.inbox.settle_by_history = false;
        self.inbox.search = None;
        let device = self.me.device;
        let mut deleted = Vec::new();
        for (local_no, entry) in &mut self.outbox.entries {
            if entry.item.delete_wanted {
                deleted.push(*local_no);
            } else if entry.item.id.device != device {
                entry.item.id.device = device;
                self.store.put(Record::OutboxPut(entry.item.clone()));
            }
        }
        for local_no in deleted {
            self.leave_outbox(local_no, Settled::Deleted);
        }
    }

    /// What the inbox does not show is searched in the conversations themselves, one page at a time. `true` once nothing
    /// is left to search.
    fn search_ended(&mut self, now: Now) -> bool {
        if self.inbox.search.is_none() {
            self.inbox.search = Some(self.left_to_search());
        }
        let Some(next) = self.inbox.search.as_ref().and_then(|open| open.last().copied()) else {
            return true;
        };
        if !self.asks.has(&Purpose::FindOwn(next)) {
            match next {
                Search::Messages(id) => self.ask_history(id, Seq::ZERO, SEARCH_PAGE, now),
                Search::Changes(id) => self.ask_changes(id, ChangeNo::ZERO, SEARCH_PAGE, now),
            }
        }
        false
    }

    /// After a rebuild the inbox does not show what was sent before it. And it may have shown an edit before its answer
    /// was here, and the copy of the store may have been made in between: a message is settled by its entry, but a change
    /// does not say which command it was.
    fn left_to_search(&mut self) -> Vec<Search> {
        let device = self.me.device;
        let rebuilt = self.inbox.settle_by_history;
        let entries = self.outbox.entries.values();
        let items = entries.map(|entry| &entry.item).filter(|item| item.id.device != device);
        let mut found = Vec::new();
        let mut altered = Vec::new();
        for item in items {
            match (item.conversation, item.command()) {
                // (What was said in a channel never comes by the inbox.)
                (Some(id), _) if rebuilt || self.channels.is_channel(id) => {
                    found.push(Search::Messages(id));
                }
                (None, Some(Command::Alter { at, alteration: Alteration::Edit(_), .. })) => {
                    altered.push(at);
                }
                (Some(_) | None, _) => {}
            }
        }
        found.extend(altered.iter().map(|at| Search::Changes(self.conversation_of(at))));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A page of the search came, newest messages first. `None` if it cannot be read.
    pub(crate) fn searched(
        &mut self,
        id: ConversationId,
        page: v1::HistoryPage,
        now: Now,
    ) -> Option<()> {
        let oldest = page.messages.first().map(|message| Seq(message.seq));
        for wire in page.messages {
            let message = translate::page_message(&self.me.user, wire, Some(id))?;
            if message.sender != self.me.user {
                continue;
            }
            if let Some(local_no) = self.settle_by_echo(&message, InboxSeq::ZERO) {
                let peer = self.marks.get(&id).and_then(|mark| mark.peer.clone());
                let own = Some(OwnMessage { local_no, stored_offline: false });
                let (inbox_seq, by_channel) = (None, false);
                let stored = StoredMessage { message, peer, inbox_seq, by_channel, own };
                self.store.put(Record::MessageStored(stored));
            }
        }
        let device = self.me.device;
        let waits = self
            .outbox
            .entries
            .values()
            .any(|entry| entry.item.conversation == Some(id) && entry.item.id.device != device);
        // Everything of a channel up to there was looked through when it was taken in.
        let since = self.channels.get(id).map_or(Seq::ZERO, |channel| channel.since);
        match oldest.filter(|oldest| page.more && waits && *oldest > since.next()) {
            Some(oldest) => self.ask_history(id, oldest, SEARCH_PAGE, now),
            None => self.search_done(Search::Messages(id)),
        }
        Some(())
    }

    /// A page of changes came, oldest first. `None` if it cannot be read.
    pub(crate) fn searched_changes(
        &mut self,
        id: ConversationId,
        page: v1::ChangesPage,
        now: Now,
    ) -> Option<()> {
        let mut last = ChangeNo::ZERO;
        for wire in page.changes {
            let change = translate::change(wire)?;
            last = change.change_no;
            // Reactions and pins of long ago may look the same as those that wait.
            let is_edit = matches!(
                change.kind,
                ChangeKind::MessageAltered {
                    alteration: Alteration::Edit(_) | Alteration::Gone,
                    ..
                }
            );
            if is_edit {
                self.settle_by_change(&change, InboxSeq::ZERO);
            }
        }
        if page.more && last > ChangeNo::ZERO {
            self.ask_changes(id, last, SEARCH_PAGE, now);
        } else {
            self.search_done(Search::Changes(id));
        }
        Some(())
    }

    /// There is nothing (more) to be found there.
    pub(crate) fn search_done(&mut self, done: Search) {
        if let Some(open) = &mut self.inbox.search {
            open.retain(|open| *open != done);
        }
    }
}
