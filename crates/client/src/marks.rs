//! What the core remembers of a conversation: enough to recognise a repeated message and to move receipts forward only.

use std::collections::BTreeMap;

use anser_types::{ConversationId, LogEpoch, Seq, UserId};

use crate::core::Core;
use crate::io::AppEvent;
use crate::records::{ConversationMark, ConversationRow, Record, RowUpdate};
use crate::store::Then;

/// One conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) peer: Option<UserId>,
    /// Messages `from ..= head` are all known (none while `head` is zero or below `from`).
    pub(crate) from: Seq,
    pub(crate) head: Seq,
    /// Nothing above it is stored; it is not forgotten with what is known.
    pub(crate) highest: Seq,
    pub(crate) read_up_to: Seq,
    pub(crate) last_own: Seq,
    pub(crate) peer_delivered: Seq,
    /// In groups: everybody has read up to here.
    pub(crate) peer_read: Seq,
    /// In groups: who has read up to where, as heard in this run.
    members: BTreeMap<UserId, Seq>,
    /// The log of the row that a rebuild took last; what is stored is of that log.
    pub(crate) log_epoch: LogEpoch,
}

impl From<ConversationMark> for Mark {
    /// What was stored may have come by a rebuild, and not have been told: its entry, if it still comes, is news.
    fn from(mark: ConversationMark) -> Self {
        Self {
            peer: mark.peer,
            from: mark.head.next(),
            head: mark.head,
            highest: mark.head,
            read_up_to: mark.read_up_to,
            last_own: mark.last_own,
            peer_delivered: mark.peer_delivered,
            peer_read: mark.peer_read,
            members: BTreeMap::new(),
            log_epoch: mark.log_epoch,
        }
    }
}

impl Mark {
    /// Notes a message; `false` if it was known already.
    pub(crate) fn note(&mut self, seq: Seq) -> bool {
        self.highest = self.highest.max(seq);
        if self.head > Seq::ZERO && seq >= self.from && seq <= self.head {
            return false;
        }
        if self.head > Seq::ZERO && seq == self.head.next() {
            self.head = seq;
        } else if self.head > Seq::ZERO && seq.next() == self.from {
            self.from = seq;
        } else if seq > self.head {
            (self.from, self.head) = (seq, seq);
        }
        true
    }

    /// Forgets which messages are known: at worst a repeated one is told again.
    pub(crate) const fn forget(&mut self) {
        (self.from, self.head) = (Seq::ZERO, Seq::ZERO);
    }

    /// The conversation reaches to here, as a rebuild says. None of it was told: messages that came while the rebuild
    /// went on are still news when their entries follow.
    pub(crate) fn begin_after(&mut self, head: Seq) {
        self.highest = self.highest.max(head);
        (self.from, self.head) = (head.next(), head);
    }

    /// What stood above is not on the server, and its places are given again: nothing is known of them any more, and
    /// nobody has stored or read what will stand there.
    pub(crate) fn lose(&mut self, above: Seq) {
        self.forget();
        let positions = [
            &mut self.highest,
            &mut self.read_up_to,
            &mut self.last_own,
            &mut self.peer_delivered,
            &mut self.peer_read,
        ];
        for position in positions.into_iter().chain(self.members.values_mut()) {
            *position = above.min(*position);
        }
    }

    /// A group's member has read up to here, as far as was heard.
    pub(crate) fn member_read(&self, who: &UserId) -> Seq {
        self.members.get(who).copied().unwrap_or_default()
    }

    /// A group's member has read up to here.
    pub(crate) fn set_member_read(&mut self, who: &UserId, read: Seq) {
        self.members.insert(who.clone(), read);
    }

    /// Whether receipts of one's own messages are still expected.
    pub(crate) fn awaits_receipts(&self) -> bool {
        self.last_own > self.peer_read
    }
}

impl Core {
    /// The mark of a conversation, made (and stored as seen) when it is new. That it exists stays known even if the
    /// page that told of it is not stored.
    pub(crate) fn mark(&mut self, id: ConversationId, peer: Option<&UserId>) -> &mut Mark {
        if !self.marks.contains_key(&id) {
            let (peer, update) = (peer.cloned(), RowUpdate::Seen);
            let row = ConversationRow { conversation: id, peer, update };
            self.store.put(Record::ConversationUpserted(row));
            self.store.after(Then::Tell(AppEvent::ConversationChanged { conversation: id }));
        }
        let mark = self.marks.entry(id).or_default();
        if mark.peer.is_none() {
            mark.peer = peer.cloned();
        }
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_message_is_recognised_wherever_its_run_began() {
        let mut mark = Mark::default();
        assert!(mark.note(Seq(10)));
        assert!(mark.note(Seq(9)), "older, but new here");
        assert!(!mark.note(Seq(9)) && !mark.note(Seq(10)));
        assert!(mark.note(Seq(11)));
        assert!(mark.note(Seq(20)), "a range that is not visible lies between");
        assert!(!mark.note(Seq(20)));
    }

    /// Found by seed 807 of the simulation: an answer that came late was taken for the end of what is stored.
    #[test]
    fn how_far_the_store_reaches_is_not_forgotten_with_what_is_known() {
        let mut mark = Mark::default();
        assert!((1..=79).all(|seq| mark.note(Seq(seq))));
        mark.forget();
        assert!(mark.note(Seq(48)));
        assert_eq!(mark.highest, Seq(79));
        mark.lose(Seq(60));
        assert_eq!((mark.highest, mark.head), (Seq(60), Seq::ZERO));
    }

    #[test]
    fn what_came_during_a_rebuild_is_news_once() {
        let mut mark = Mark::default();
        mark.begin_after(Seq(10));
        assert!(mark.note(Seq(10)), "the rebuild read it, nobody was told");
        assert!(!mark.note(Seq(10)));
        assert!(mark.note(Seq(11)) && !mark.note(Seq(11)));
        mark.begin_after(Seq(20));
        assert!(mark.note(Seq(21)) && !mark.note(Seq(21)));
    }
}
