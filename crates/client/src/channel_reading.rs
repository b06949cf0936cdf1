//! What was missed of a channel is read from its log: messages first, then changes, a page at a time, each stored before
//! the next is asked for. What lies too far back is not read: the channel's row says where to go on, as in a rebuild.

use anser_proto::v1;
use anser_types::event::UnavailableReason;
use anser_types::{ChangeNo, ConversationId, Seq, Target};
use bytes::Bytes;
use prost::Message as _;

use crate::asks::Purpose;
use crate::core::Core;
use crate::io::{AppEvent, Now};
use crate::queries::Query;
use crate::records::{ChannelPosition, ConversationRow, ConversationState, Record, RowUpdate};
use crate::store::Then;
use crate::translate;

/// Messages or changes of a page: a few round trips read a busy day, and a page waits whole for the store.
const PAGE: u32 = 200;
/// Messages or changes behind which nothing is read: whoever was away for so long looks at the end first, and what lies
/// between is fetched when it is looked at. As many as five pages.
const FAR: u64 = 1_000;

/// A question about one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Messages after this one, when the log was known to reach to `heard`.
    Messages { of: ConversationId, after: Seq, heard: Seq },
    /// Changes after this one.
    Changes { of: ConversationId, after: ChangeNo, heard: ChangeNo },
    /// The row, asked for when everything up to here was taken in.
    Row { of: ConversationId, at: ChannelPosition },
}

impl Reading {
    const fn of(self) -> ConversationId {
        match self {
            Self::Messages { of, .. } | Self::Changes { of, .. } | Self::Row { of, .. } => of,
        }
    }
}

impl Core {
    /// Asks for what is missing, one question for all channels at a time, once everything taken in is stored.
    pub(crate) fn read_channels(&mut self, now: Now) {
        while !self.channels.behind.is_empty() {
            if !self.link.is_up()
                // What was said before the group became a channel may still come by the inbox: that goes first.
                || !self.inbox.is_level()
                || !self.store.has_room()
                || self.asks.reads_channel()
            {
                return;
            }
            let Some(id) = self.channels.next_behind() else { return };
            let Some(channel) = self.channels.get_mut(id) else { return };
            if channel.is_level() && !channel.ending {
                self.channels.behind.remove(&id);
                self.channels.held.clear();
                continue;
            }
            if channel.stored != Some(channel.at) {
                return;
            }
            let (at, heard) = (channel.at, channel.heard);
            if channel.row_wanted || at.distance_to(heard) > FAR {
                // What is heard from here on is not in the row.
                (channel.row_wanted, channel.heard) = (true, at);
                return self.ask_channel_row(id, at, now);
            }
            if heard.seq > at.seq {
                let (of, after, heard) = (id, at.seq, heard.seq);
                let query = Query::History {
                    of: Target::Conversation(id),
                    after,
                    before: Seq::ZERO,
                    limit: PAGE,
                    oldest_first: true,
                };
                return self.ask_channel(Reading::Messages { of, after, heard }, query, now);
            }
            if heard.change_no > at.change_no {
                let (of, after, heard) = (id, at.change_no, heard.change_no);
                let query = Query::Changes { conversation: id, after, limit: PAGE };
                return self.ask_channel(Reading::Changes { of, after, heard }, query, now);
            }
            // Everything there was for one is stored.
            self.leave_channel(id);
        }
    }

    fn ask_channel(&mut self, reading: Reading, query: Query, now: Now) {
        self.channels.held.read_from(reading.of());
        self.asks.add(Purpose::Channel(reading), translate::query(query), now.mono);
    }

    fn ask_channel_row(&mut self, of: ConversationId, at: ChannelPosition, now: Now) {
        // Rows go by id: after the id before it this one comes first.
        let before = u128::from_be_bytes(of.0).checked_sub(1).map(u128::to_be_bytes);
        let query = Query::Conversations { after: before.map(ConversationId), limit: 1 };
        self.ask_channel(Reading::Row { of, at }, query, now);
    }

    /// An answer came. `None` if it cannot be read.
    pub(crate) fn channel_read(&mut self, reading: Reading, reply: v1::reply::Reply) -> Option<()> {
        use v1::reply::Reply as Wire;
        // The log was replaced meanwhile, or the store takes nothing now: it is asked for again.
        if self.inbox.rebuild.is_some() || !self.store.has_room() {
            return Some(());
        }
        let read = match (reading, reply) {
            (Reading::Messages { of, after, heard }, Wire::History(page)) => {
                self.channel_messages_came(of, (after, heard), page)
            }
            (Reading::Changes { of, after, heard }, Wire::Changes(page)) => {
                self.channel_changes_came(of, (after, heard), page)
            }
            (Reading::Row { of, at }, Wire::Conversations(page)) => {
                self.channel_row_came(of, at, page)
            }
            _ => None,
        };
        self.take_held(reading.of());
        read
    }

    /// The server does not answer: one is not in it (any more), which its row tells; if not even that is given, it is not
    /// there.
    pub(crate) fn channel_refused(&mut self, reading: Reading) {
        let id = reading.of();
        let Some(channel) = self.channels.get_mut(id) else { return };
        if matches!(reading, Reading::Row { .. }) || channel.ending {
            return self.leave_channel(id);
        }
        (channel.row_wanted, channel.gone) = (true, true);
    }

    fn channel_messages_came(
        &mut self,
        id: ConversationId,
        (after, heard): (Seq, Seq),
        page: v1::HistoryPage,
    ) -> Option<()> {
        let mut messages = Vec::new();
        for wire in page.messages {
            let bytes = wire.encoded_len();
            messages.push((translate::page_message(&self.me.user, wire, Some(id))?, bytes));
        }
        let mut unavailable = Vec::new();
        for wire in &page.unavailable {
            unavailable.push(translate::unavailable(&self.me.user, wire, Some(id))?);
        }
        let Some(channel) = self.channels.get(id) else { return Some(()) };
        let from = channel.at.seq;
        // What the store did not take since lies before this page.
        if after > from {
            return Some(());
        }
        let given = messages.iter().map(|(message, _)| message.seq);
        let last = given.chain(unavailable.iter().map(|range| range.to)).max().unwrap_or(after);
        let end = if page.more { last } else { last.max(Seq(page.head)) };
        for range in unavailable.into_iter().filter(|range| range.to > from) {
            self.store.begin_entry(0);
            self.store.put_page(Record::UnavailableStored(range.clone()));
            // What one has put away oneself is no news.
            if range.reason != UnavailableReason::PutAway {
                self.store.after_page(Then::Tell(AppEvent::Unavailable(range)));
            }
        }
        for (message, bytes) in messages.into_iter().filter(|(message, _)| message.seq > from) {
            self.take_channel_message(message, bytes);
        }
        let channel = self.channels.get_mut(id)?;
        if end > channel.at.seq {
            channel.at.seq = end;
            channel.dry = false;
        }
        if channel.at.seq == from {
            // Nothing above can be had, whatever was heard before it was asked for.
            channel.dry = true;
            if channel.heard.seq == heard {
                channel.heard.seq = from;
            }
        } else {
            self.channels.moved(id);
        }
        Some(())
    }

    fn channel_changes_came(
        &mut self,
        id: ConversationId,
        (after, heard): (ChangeNo, ChangeNo),
        page: v1::ChangesPage,
    ) -> Option<()> {
        let mut changes = Vec::new();
        for wire in page.changes {
            let bytes = wire.encoded_len();
            // (Of a kind that is not known nothing but its place is left here.)
            changes.push((translate::numbered_change(wire, || (0, Bytes::new()))?, bytes));
        }
        let from = self.channels.get(id).map(|channel| channel.at.change_no);
        let Some(from) = from.filter(|from| after <= *from) else { return Some(()) };
        for (change, bytes) in changes {
            let channel = self.channels.get_mut(id)?;
            if change.change_no <= channel.at.change_no {
                continue;
            }
            if change.after_seq > channel.at.seq && !channel.dry {
                // It stands behind messages that are not here: they come first.
                channel.heard.seq = channel.heard.seq.max(change.after_seq);
                return Some(());
            }
            self.take_channel_change(change, bytes);
        }
        let channel = self.channels.get_mut(id)?;
        if channel.at.change_no == from && channel.heard.change_no == heard {
            channel.heard.change_no = from;
        }
        Some(())
    }

    fn channel_row_came(
        &mut self,
        id: ConversationId,
        asked_at: ChannelPosition,
        page: v1::ConversationsPage,
    ) -> Option<()> {
        let mut found = None;
        for state in page.conversations {
            let row = translate::full_row(&self.me.user, state)?;
            if row.conversation == id {
                found = Some(row);
            }
        }
        let Some(channel) = self.channels.get_mut(id) else { return Some(()) };
        channel.row_wanted = false;
        let gone = std::mem::take(&mut channel.gone);
        let at = channel.at;
        let state = match found {
            Some(ConversationRow { update: RowUpdate::Full(state), .. }) if state.is_channel() => {
                state
            }
            // Nothing of it is to be seen, or it is an ordinary group.
            _ => {
                self.leave_channel(id);
                return Some(());
            }
        };
        let head = ChannelPosition { seq: state.head, change_no: state.change_head };
        let lost = !head.covers(asked_at);
        if lost || at.distance_to(head) > FAR {
            self.take_channel_row(id, *state, lost);
            return Some(());
        }
        channel.hear(head);
        if gone && state.member {
            // It was said before one came back.
            self.channels.say_again(id);
        } else if gone {
            channel.ending = true;
            channel.heard = head.or_further(at);
            self.store.begin_entry(0);
            let (version, title, member) = (state.version, None, false);
            self.keep_channel_row(id, RowUpdate::Group { title, version, member });
        }
        Some(())
    }

    /// What lies between is not read, or is not there any more: the row is taken as a rebuild takes it.
    fn take_channel_row(&mut self, id: ConversationId, mut state: ConversationState, lost: bool) {
        let content = state.last_message.as_ref().and_then(|message| message.content.as_ref());
        self.store.begin_entry(content.map_or(0, |content| content.body.len()));
        state.log_epoch = self.inbox.log_epoch;
        let heard = self.channels.get(id).map(|channel| channel.heard);
        self.take_row(id, None, &state, lost.then_some(state.head));
        if let (Some(channel), Some(heard)) = (self.channels.get_mut(id), heard) {
            channel.hear(heard);
        }
        self.keep_channel_row(id, RowUpdate::Full(Box::new(state)));
    }

    fn keep_channel_row(&mut self, id: ConversationId, update: RowUpdate) {
        let row = ConversationRow { conversation: id, peer: None, update };
        self.store.put_page(Record::ConversationUpserted(row));
        let event = AppEvent::ConversationChanged { conversation: id };
        self.store.after_page(Then::Tell(event));
    }
}
