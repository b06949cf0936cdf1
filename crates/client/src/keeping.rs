//! What came, by the inbox or by a channel's log, becomes records to store and what the app hears of them.

use anser_types::{Change, ChangeKind, InboxSeq, Message, UserId};

use crate::core::Core;
use crate::io::AppEvent;
use crate::records::{ConversationRow, OwnMessage, Record, RowUpdate, StoredMessage};
use crate::store::Then;

impl Core {
    /// Keeps a message: by this entry of the inbox, or by its channel's log. The app is told of it if it is news and was
    /// not composed here.
    pub(crate) fn keep_message(
        &mut self,
        inbox_seq: Option<InboxSeq>,
        message: Message,
        peer: Option<UserId>,
        news: bool,
    ) {
        let own = message.sender == self.me.user;
        let echo =
            if own { self.settle_by_echo(&message, inbox_seq.unwrap_or_default()) } else { None };
        let composed_here = own && message.id.device == self.me.device;
        if own {
            let mark = self.mark(message.conversation, peer.as_ref());
            mark.last_own = mark.last_own.max(message.seq);
        }
        if news && echo.is_none() && !composed_here {
            let (message, peer) = (message.clone(), peer.clone());
            let event = AppEvent::NewMessage { message, peer, inbox_seq };
            self.store.after_page(Then::Tell(event));
        }
        let own = echo.map(|local_no| OwnMessage { local_no, stored_offline: false });
        let settled = own.is_some();
        let by_channel = inbox_seq.is_none();
        let stored = StoredMessage { message, peer, inbox_seq, by_channel, own };
        let record = Record::MessageStored(stored);
        // What leaves the outbox arrives among the messages in the same transaction, also when the page must come again.
        if settled { self.store.put(record) } else { self.store.put_page(record) }
    }

    /// Keeps a change of a conversation, as [`Self::keep_message`]. `ended`: one is not in it any more, whatever it says.
    pub(crate) fn keep_change(
        &mut self,
        inbox_seq: Option<InboxSeq>,
        change: Change,
        news: bool,
        ended: bool,
    ) {
        let me = &self.me.user;
        let (title, member) = match &change.kind {
            ChangeKind::GroupCreated { title, .. } | ChangeKind::MembersJoined { title, .. } => {
                (Some(title.clone()), true)
            }
            ChangeKind::MemberLeft { .. } => (None, change.actor != *me),
            ChangeKind::MembersRemoved { users } => (None, !users.contains(me)),
            ChangeKind::GroupUpdated(set) => (set.title.clone(), true),
            ChangeKind::GroupDismissed => (None, false),
            ChangeKind::Item(_)
            | ChangeKind::MemberAltered { .. }
            | ChangeKind::MessageAltered { .. }
            | ChangeKind::Unknown { .. } => (None, true),
        };
        let conversation = change.conversation;
        self.settle_by_change(&change, inbox_seq.unwrap_or_default());
        self.mark(conversation, None);
        let member = member && !ended;
        let update = RowUpdate::Group { title, version: change.version, member };
        let row = ConversationRow { conversation, peer: None, update };
        self.store.put_page(Record::ConversationUpserted(row));
        self.store.put_page(Record::ChangeStored { change: change.clone(), inbox_seq });
        let event = match change.kind {
            ChangeKind::MessageAltered { .. } => AppEvent::MessageAltered { change },
            _ => AppEvent::GroupChanged { change },
        };
        if news {
            self.store.after_page(Then::Tell(event));
        }
    }
}
