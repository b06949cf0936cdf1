//! Who has stored and read what: signals as they come, one question after each Welcome for what was missed, and
//! everything only forward (guarantee G14).

use std::ops::Bound;

use anser_proto::v1;
use anser_types::{ConversationId, Seq, Target, UserId};
use bytes::Bytes;

use crate::asks::Purpose;
use crate::core::Core;
use crate::io::{AppEvent, Now};
use crate::queries::Receipt;
use crate::records::Record;
use crate::store::Then;
use crate::translate;

/// Conversations of one receipts query.
const RECEIPTS_PER_QUERY: usize = 50;

/// One page of the question that follows a Welcome: conversations by id, one page on its way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptsPage {
    /// It begins behind this one.
    after: Option<ConversationId>,
    /// The last one asked about.
    last: ConversationId,
    /// At most so many were asked about.
    most: usize,
}

impl Core {
    /// Tells others that the user types, or stopped. Lost without a session: it would be stale later.
    pub fn typing(&mut self, at: &Target, stopped: bool, now: Now) {
        let (peer, conversation) = match at {
            Target::User(peer) => (peer.as_str().to_owned(), Bytes::new()),
            Target::Conversation(id) => (String::new(), Bytes::copy_from_slice(&id.0)),
        };
        let typing = v1::Typing { peer, conversation, who: String::new(), stopped };
        let signal = v1::Signal { signal: Some(v1::signal::Signal::Typing(typing)) };
        self.say(now, |session, out| session.signal(&signal, out));
        self.settle_down(now);
    }

    /// Something ephemeral came. What cannot be read is dropped: signals may be lost.
    pub(crate) fn signal_came(&mut self, signal: v1::Signal, now: Now) {
        use v1::signal::Signal;
        let me = self.me.user.clone();
        match signal.signal {
            Some(Signal::Delivered(at)) => {
                if let Some((conversation, Some(peer))) =
                    translate::place(&me, &at.peer, &at.conversation)
                {
                    self.receipt_moved(conversation, &peer, Seq(at.up_to_seq), Seq::ZERO);
                }
            }
            Some(Signal::Read(at)) => {
                let Some((conversation, peer)) = translate::place(&me, &at.peer, &at.conversation)
                else {
                    return;
                };
                if let Some(who) = peer.or_else(|| UserId::new(&at.who).ok()) {
                    self.receipt_moved(conversation, &who, Seq::ZERO, Seq(at.up_to_seq));
                }
            }
            Some(Signal::Typing(typing)) => {
                let Some((conversation, peer)) =
                    translate::place(&me, &typing.peer, &typing.conversation)
                else {
                    return;
                };
                let at = match &peer {
                    Some(peer) => Target::User(peer.clone()),
                    None => Target::Conversation(conversation),
                };
                if let Some(who) = peer.or_else(|| UserId::new(&typing.who).ok()) {
                    self.tell(AppEvent::Typing { at, who, stopped: typing.stopped });
                }
            }
            Some(Signal::Presence(presence)) => self.presence_came(&presence),
            Some(Signal::WatchRefused(refused)) => self.watch_refused(refused, now),
            // Words of clients.
            Some(Signal::Watch(_) | Signal::Unwatch(_)) | None => {}
        }
    }

    /// Somebody is this far; nothing happens unless that is further than before. What was read was stored.
    pub(crate) fn receipt_moved(
        &mut self,
        conversation: ConversationId,
        who: &UserId,
        delivered: Seq,
        read: Seq,
    ) {
        // A store that does not keep up takes no receipts: they are asked for after the next Welcome.
        if *who == self.me.user || !self.store.takes_receipts() {
            return;
        }
        let mark = self.marks.entry(conversation).or_default();
        let direct = conversation.is_direct();
        let known_read = if direct { mark.peer_read } else { mark.member_read(who) };
        let read_moved = read > known_read;
        let delivered = delivered.max(read);
        let delivered_moved = direct && delivered > mark.peer_delivered;
        if !read_moved && !delivered_moved {
            return;
        }
        if direct {
            mark.peer_read = mark.peer_read.max(read);
            mark.peer_delivered = mark.peer_delivered.max(delivered);
        } else {
            mark.set_member_read(who, read);
        }
        let delivered_up_to = if direct { mark.peer_delivered } else { Seq::ZERO };
        let record = Record::ReceiptMoved {
            conversation,
            who: who.clone(),
            delivered: delivered_up_to,
            read: read.max(known_read),
        };
        let delivery = delivered_moved
            .then_some(AppEvent::DeliveryReceipt { conversation, up_to: delivered_up_to });
        let reading = read_moved.then(|| AppEvent::ReadReceipt {
            conversation,
            who: who.clone(),
            up_to: read,
        });
        self.store.put(record);
        let events = delivery.into_iter().chain(reading).map(Then::Tell);
        events.for_each(|event| self.store.after(event));
    }

    /// One's own read position is here; only forward.
    pub(crate) fn own_read_moved(
        &mut self,
        conversation: ConversationId,
        peer: Option<&UserId>,
        up_to: Seq,
        page: bool,
    ) {
        let mark = self.mark(conversation, peer);
        // An entry that was forgotten with its page comes again: equal is stored again.
        if up_to < mark.read_up_to {
            return;
        }
        let moved = up_to > mark.read_up_to;
        mark.read_up_to = up_to;
        let record = Record::ReadPosition { conversation, up_to };
        let event = moved.then_some(Then::Tell(AppEvent::ConversationChanged { conversation }));
        if page {
            self.store.put_page(record);
            event.into_iter().for_each(|event| self.store.after_page(event));
        } else {
            self.store.put(record);
            event.into_iter().for_each(|event| self.store.after(event));
        }
    }

    /// After Welcome: asks once for the receipts of all conversations where some are still expected.
    pub(crate) fn ask_receipts(&mut self, now: Now) {
        self.ask_receipts_after(None, RECEIPTS_PER_QUERY, now);
    }

    fn ask_receipts_after(&mut self, after: Option<ConversationId>, most: usize, now: Now) {
        let rest = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let (me, channels) = (&self.me.user, &self.channels);
        // Nobody's position in a channel is told.
        let waiting = self.marks.range::<ConversationId, _>(rest).filter(|(id, mark)| {
            mark.awaits_receipts() && mark.peer.as_ref() != Some(me) && !channels.is_channel(**id)
        });
        let (mut query, mut page) = (v1::ReceiptsQuery::default(), None);
        for (id, mark) in waiting.take(most) {
            match &mark.peer {
                Some(peer) => query.peers.push(peer.as_str().to_owned()),
                None => query.conversations.push(Bytes::copy_from_slice(&id.0)),
            }
            page = Some(ReceiptsPage { after, last: *id, most });
        }
        if let Some(page) = page {
            let query = v1::query::Query::Receipts(query);
            self.asks.add(Purpose::Receipts(page), query, now.mono);
        }
    }

    /// A page of receipts came: the next one.
    pub(crate) fn receipts_came(&mut self, page: ReceiptsPage, receipts: &[v1::Receipt], now: Now) {
        self.take_receipts(receipts);
        self.ask_receipts_after(Some(page.last), page.most, now);
    }

    /// The server does not answer this page; large groups may not fit into one reply. Fewer at a time, and what is
    /// refused alone is left out until the next Welcome.
    pub(crate) fn receipts_refused(&mut self, page: ReceiptsPage, now: Now) {
        if page.most > 1 {
            self.ask_receipts_after(page.after, page.most / 2, now);
        } else {
            self.ask_receipts_after(Some(page.last), page.most, now);
        }
    }

    fn take_receipts(&mut self, receipts: &[v1::Receipt]) {
        for wire in receipts {
            let Some(Receipt { conversation, peer, delivered, read, members }) =
                translate::receipt(&self.me.user, wire)
            else {
                continue;
            };
            if let Some(peer) = peer {
                self.receipt_moved(conversation, &peer, delivered, read);
            }
            let others = members.iter().filter(|member| member.user != self.me.user);
            let all_read = others.map(|member| member.read_up_to).min();
            for member in &members {
                self.receipt_moved(conversation, &member.user, Seq::ZERO, member.read_up_to);
            }
            if let (Some(mark), Some(all_read), false) =
                (self.marks.get_mut(&conversation), all_read, conversation.is_direct())
            {
                mark.peer_read = mark.peer_read.max(all_read);
            }
        }
    }
}
