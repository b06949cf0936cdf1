//! The rebuild from conversation heads after SyncReset (requirement C7): page by page, each stored before the next is
//! asked for; interrupted, it goes on after the last page stored. Only then is `at` the cursor.

use anser_proto::v1;
use anser_types::{ConversationId, Cut, InboxSeq, ItemKey, LogEpoch, Seq};
use bytes::Bytes;
use prost::Message as _;

use crate::asks::Purpose;
use crate::core::Core;
use crate::io::{AppEvent, Now};
use crate::records::{ConversationState, OwnMessage, Rebuild, Record, RowUpdate, StoredMessage};
use crate::store::Then;
use crate::sync::Pull;
use crate::translate;

/// The place behind all conversations, in id order: what follows are the user's own lists.
const EVERY_CONVERSATION: ConversationId = ConversationId([0xff; 16]);

impl Core {
    /// The server says that the cursor is void.
    pub(crate) fn sync_reset(&mut self, reset: v1::SyncReset, now: Now) {
        self.inbox.begin_reset(InboxSeq(reset.at), LogEpoch(reset.log_epoch));
        self.tell(AppEvent::SyncStarted { missing: None });
        self.go_on_rebuilding(now);
    }

    /// Asks for the next page once the last one is stored.
    pub(crate) fn go_on_rebuilding(&mut self, now: Now) {
        let Some(rebuild) = self.inbox.rebuild.as_ref().filter(|_| self.inbox.is_rebuilding())
        else {
            return;
        };
        let stored =
            rebuild.after.is_none() || self.store.confirmed().rebuild.as_ref() == Some(rebuild);
        if !stored || self.store.retry_at().is_some() || self.asks.has(&Purpose::SyncPage) {
            return;
        }
        if rebuild.after == Some(EVERY_CONVERSATION) {
            return self.ask_for_items(now);
        }
        let query = v1::SyncPageQuery {
            at: rebuild.at.0,
            after: rebuild.after.map_or_else(Bytes::new, |id| Bytes::copy_from_slice(&id.0)),
            limit: self.config.page_entries.max(1),
            since_log_epoch: self.inbox.earlier_log(rebuild).0,
            heads_only: self.config.on_demand,
        };
        self.asks.add(Purpose::SyncPage, v1::query::Query::SyncPage(query), now.mono);
    }

    /// A page of the rebuild came. `None` if it cannot be read.
    pub(crate) fn sync_page_came(&mut self, page: v1::SyncPage, now: Now) -> Option<()> {
        let Some(mut rebuild) = self.inbox.rebuild.clone().filter(|_| self.inbox.is_rebuilding())
        else {
            return Some(());
        };
        if page.restart_at > 0 {
            (rebuild.at, rebuild.after) = (InboxSeq(page.restart_at), None);
            self.inbox.rebuilt = 0;
            self.inbox.rebuild = Some(rebuild);
            self.go_on_rebuilding(now);
            return Some(());
        }
        let rows: Option<Vec<_>> = page
            .conversations
            .into_iter()
            .map(|state| translate::full_row(&self.me.user, state))
            .collect();
        let rows = rows?;
        let went_back = self.inbox.log_went_back(&rebuild);
        let last = rows.last().map(|row| row.conversation);
        if went_back {
            let listed: Vec<_> = rows.iter().map(|row| row.conversation).collect();
            self.mark_vanished(&rebuild, last.filter(|_| page.more), &listed);
        }
        for mut row in rows {
            let bytes = row_bytes(&row.update);
            self.store.begin_entry(bytes);
            if let RowUpdate::Full(state) = &mut row.update {
                state.log_epoch = rebuild.log_epoch;
                let parts = if went_back { self.parts_at(row.conversation, state) } else { None };
                self.take_row(row.conversation, row.peer.as_ref(), state, parts);
            }
            let event = AppEvent::ConversationChanged { conversation: row.conversation };
            self.store.put_page(Record::ConversationUpserted(row));
            self.store.after_page(Then::Tell(event));
            self.inbox.rebuilt += 1;
        }
        let progress = AppEvent::SyncProgress { done: self.inbox.rebuilt, missing: None };
        self.store.after_page(Then::Tell(progress));
        rebuild.after = if page.more && last.is_some() { last } else { Some(EVERY_CONVERSATION) };
        self.inbox.rebuild = Some(rebuild);
        Some(())
    }

    fn ask_for_items(&mut self, now: Now) {
        if self.asks.has(&Purpose::SyncItems) {
            return;
        }
        let query = v1::ItemsQuery {
            conversation: Bytes::new(),
            prefix: Bytes::new(),
            after: self.inbox.items_after.clone().unwrap_or_default().0.into(),
            limit: self.config.page_entries.max(1),
        };
        self.asks.add(Purpose::SyncItems, v1::query::Query::Items(query), now.mono);
    }

    /// A page of one's own lists came: the last part of a rebuild. Interrupted, it begins again with the first page,
    /// which replaces what is stored.
    pub(crate) fn sync_items_came(&mut self, page: v1::ItemsPage, now: Now) {
        let Some(rebuild) = self.inbox.rebuild.clone().filter(|_| self.inbox.is_rebuilding())
        else {
            return;
        };
        self.store.begin_entry(page.encoded_len());
        if self.inbox.items_after.is_none() {
            self.store.put_page(Record::ItemsForgotten);
        }
        // An item of a newer kind is left out: it is given again by the rebuild that an upgrade begins with.
        for change in page.items.into_iter().filter_map(translate::change) {
            self.store.put_page(Record::ItemStored(change.clone()));
            self.store.after_page(Then::Tell(AppEvent::ListChanged { change }));
        }
        self.inbox.items_after = Some(ItemKey(page.next.to_vec()));
        if page.next.is_empty() {
            self.finish_rebuild(&rebuild);
        } else {
            self.go_on_rebuilding(now);
        }
    }

    /// A server that keeps no lists: there is nothing to take in.
    pub(crate) fn sync_items_refused(&mut self) {
        if let Some(rebuild) = self.inbox.rebuild.clone().filter(|_| self.inbox.is_rebuilding()) {
            self.finish_rebuild(&rebuild);
        }
    }

    fn finish_rebuild(&mut self, rebuild: &Rebuild) {
        let inbox = &mut self.inbox;
        inbox.received = rebuild.at;
        inbox.log_epoch = rebuild.log_epoch;
        inbox.rebuild = None;
        inbox.pass_own();
        inbox.pull = Pull::Wanted;
        inbox.settle_until = inbox.settle_until.map(|until| until.min(rebuild.at));
        self.store.after_page(Then::Tell(AppEvent::SyncFinished));
    }

    /// Takes in a whole row. `parts`: what is stored above that is not on the server.
    pub(crate) fn take_row(
        &mut self,
        conversation: ConversationId,
        peer: Option<&anser_types::UserId>,
        state: &ConversationState,
        parts: Option<Seq>,
    ) {
        // Of a conversation that is not known anything may be stored.
        let highest = self.marks.get(&conversation).map_or(Seq::MAX, |mark| mark.highest);
        if let Some(above) = parts.filter(|above| highest > *above) {
            self.not_on_server(conversation, above);
        }
        let mark = self.marks.entry(conversation).or_default();
        mark.log_epoch = state.log_epoch;
        if peer.is_some() {
            mark.peer = peer.cloned();
        }
        if parts.is_some() || state.head > mark.head {
            mark.begin_after(state.head);
        }
        mark.read_up_to = mark.read_up_to.max(state.read_up_to);
        self.channel_row_taken(conversation, state);
        let (delivered, read) = (state.peer_delivered, state.peer_read);
        if let Some(peer) = peer {
            self.receipt_moved(conversation, peer, delivered, read);
        }
        if let Some(message) = &state.last_message {
            let echo = if message.sender == self.me.user {
                let mark = self.marks.entry(conversation).or_default();
                mark.last_own = mark.last_own.max(message.seq);
                self.settle_by_echo(message, InboxSeq::ZERO)
            } else {
                None
            };
            let own = echo.map(|local_no| OwnMessage { local_no, stored_offline: false });
            let (message, peer) = (message.clone(), peer.cloned());
            let settled = own.is_some();
            let (inbox_seq, by_channel) = (None, false);
            let stored = StoredMessage { message, peer, inbox_seq, by_channel, own };
            let record = Record::MessageStored(stored);
            // As for an entry of the inbox: what leaves the outbox arrives in the same transaction.
            if settled { self.store.put(record) } else { self.store.put_page(record) }
        }
    }

    /// Up to where what is stored of a conversation is what the log of the rebuild holds; `None` if it is of that log
    /// already. Above, the places are taken by other messages; where the logs part is not always known, but at least
    /// nothing above the head is there.
    fn parts_at(&self, conversation: ConversationId, state: &ConversationState) -> Option<Seq> {
        let stored = self.log_of(conversation);
        let same_log = self.inbox.log_epoch == state.log_epoch;
        let shared = Cut::shared(&state.cuts, stored).unwrap_or(state.head);
        (same_log || stored != state.log_epoch).then(|| shared.min(state.head))
    }

    /// The log that what is stored of a conversation is of.
    fn log_of(&self, conversation: ConversationId) -> LogEpoch {
        let moved = self.marks.get(&conversation).map_or(LogEpoch::ZERO, |mark| mark.log_epoch);
        moved.max(self.inbox.log_epoch)
    }

    /// The log went back: conversations between two pages that the server does not list are not there any more.
    fn mark_vanished(
        &mut self,
        rebuild: &Rebuild,
        last: Option<ConversationId>,
        listed: &[ConversationId],
    ) {
        let same_log = self.inbox.log_epoch == rebuild.log_epoch;
        let vanished: Vec<_> = self
            .marks
            .keys()
            .filter(|id| {
                rebuild.after.is_none_or(|after| **id > after)
                    && last.is_none_or(|last| **id <= last)
                    && listed.binary_search(id).is_err()
                    && (same_log || self.log_of(**id) != rebuild.log_epoch)
            })
            .copied()
            .collect();
        for id in vanished {
            self.not_on_server(id, Seq::ZERO);
            self.leave_channel(id);
            self.marks.entry(id).or_default().log_epoch = rebuild.log_epoch;
        }
    }

    fn not_on_server(&mut self, conversation: ConversationId, above: Seq) {
        if let Some(mark) = self.marks.get_mut(&conversation) {
            mark.lose(above);
        }
        // Kept even if the page is not stored: when it comes again the marks do not show the difference any more.
        self.store.put(Record::NotOnServer { conversation, above });
        self.store.after(Then::Tell(AppEvent::NotOnServer { conversation, above }));
        self.drop_alterations(conversation, above);
    }
}

fn row_bytes(update: &RowUpdate) -> usize {
    let RowUpdate::Full(state) = update else { return 0 };
    let content = state.last_message.as_ref().and_then(|message| message.content.as_ref());
    content.map_or(0, |content| content.body.len())
}
