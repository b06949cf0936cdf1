//! How commands leave the outbox: by their answer, by coming back through the inbox, by the user.

use anser_proto::{time, v1};
use anser_types::{
    Alteration, Change, ChangeKind, ChangeNo, Command, CommandNo, ConversationId, Done, ErrorCode,
    InboxSeq, LocalNo, Message, Refusal, Seq,
};

use crate::core::Core;
use crate::io::{AppEvent, MessageState, Now};
use crate::outbox::Entry;
use crate::records::{OutboxState, OwnMessage, Record, Settled, StoredMessage};
use crate::store::Then;
use crate::translate;

impl Core {
    /// A command was answered.
    pub(crate) fn answered(&mut self, mut ack: v1::CommandAck, now: Now) {
        let no = CommandNo(ack.command_no);
        let Some(local_no) = self.outbox.in_flight.get(&no).copied() else { return };
        let Some(error) = ack.error.take() else {
            return self.executed(local_no, &ack, now);
        };
        let expected = CommandNo(error.expected_command_no);
        let refusal = translate::refusal(error);
        match refusal.code {
            ErrorCode::OutOfOrder => self.out_of_order(no, expected, now),
            ErrorCode::Conflict | ErrorCode::AnswerForgotten => self.store_was_restored(now),
            // The session was fenced: its Close follows, and the next Welcome settles the number.
            ErrorCode::Replaced => {}
            code if code.retryable() => self.try_later(no, refusal, now),
            _ => self.refused(local_no, refusal),
        }
    }

    fn executed(&mut self, local_no: LocalNo, ack: &v1::CommandAck, now: Now) {
        let Some(entry) = self.outbox.remove(local_no) else { return };
        let at = time::server_time(entry.item.sent_at, ack.sent_before_ms);
        if let (Some(sent), 1, false) = (entry.sent_at, entry.transmissions, ack.duplicate) {
            self.clock.note_answer(sent, now.mono, at);
        }
        let command = entry.item.command();
        let conversation = translate::conversation_id(&ack.conversation)
            .or(entry.item.conversation)
            .or_else(|| self.conversation_of_command(command.as_ref()?));
        let done = Done {
            conversation,
            seq: Seq(ack.seq),
            change_no: ChangeNo(ack.change_no),
            inbox_seq: InboxSeq(ack.inbox_seq),
            at,
        };
        match (command, conversation) {
            (Some(Command::SendMessage { to, content }), Some(conversation)) => {
                let peer = match to {
                    anser_types::Target::User(peer) => Some(peer),
                    anser_types::Target::Conversation(_) => None,
                };
                let message = Message {
                    conversation,
                    seq: done.seq,
                    sender: self.me.user.clone(),
                    id: entry.item.id,
                    sent_at: entry.item.sent_at,
                    server_time: at,
                    content: Some(content),
                    altered: None,
                };
                let mark = self.mark(conversation, peer.as_ref());
                mark.note(done.seq);
                mark.last_own = mark.last_own.max(done.seq);
                self.own_entry(done.inbox_seq);
                let inbox_seq = Some(done.inbox_seq).filter(|seq| *seq > InboxSeq::ZERO);
                let own = Some(OwnMessage { local_no, stored_offline: ack.stored_offline });
                let by_channel = false;
                let message = StoredMessage { message, peer, inbox_seq, by_channel, own };
                self.store.put(Record::MessageStored(message));
                self.message_sent(&entry, &done, ack.stored_offline);
            }
            (Some(Command::MarkRead { up_to, .. }), Some(conversation)) => {
                self.own_entry(done.inbox_seq);
                self.own_read_moved(conversation, None, up_to, false);
                self.command_done(local_no, done);
            }
            _ => {
                // What it changed is told by its own entry of the inbox.
                self.heard_of(done.inbox_seq);
                self.command_done(local_no, done);
            }
        }
    }

    fn conversation_of_command(&mut self, command: &Command) -> Option<ConversationId> {
        match command {
            Command::SendMessage { to, .. }
            | Command::MarkRead { at: to, .. }
            | Command::Alter { at: to, .. }
            | Command::SetOptions { at: to, .. }
            | Command::Hide { at: to, .. } => Some(self.conversation_of(to)),
            Command::Invite { conversation, .. }
            | Command::Leave { conversation }
            | Command::Kick { conversation, .. }
            | Command::UpdateGroup { conversation, .. }
            | Command::AlterMember { conversation, .. }
            | Command::Dismiss { conversation }
            | Command::Join { conversation, .. }
            | Command::AnswerJoin { conversation, .. } => Some(*conversation),
            Command::Contact { .. } | Command::SetSettings(_) => {
                Some(ConversationId::own(&self.me.user))
            }
            Command::CreateGroup { .. }
            | Command::Report { .. }
            | Command::Unknown
            | Command::Invalid(_) => None,
        }
    }

    fn command_done(&mut self, local_no: LocalNo, done: Done) {
        let how = Settled::Done(done.clone());
        self.store.put(Record::OutboxSettled { local_no, how });
        self.store.after(Then::Tell(AppEvent::CommandDone { local_no, outcome: Ok(done) }));
    }

    fn message_sent(&mut self, entry: &Entry, done: &Done, stored_offline: bool) {
        let (id, local_no) = (entry.item.id, entry.item.id.local_no);
        let how = Settled::Done(done.clone());
        self.store.put(Record::OutboxSettled { local_no, how });
        let Some(conversation) = done.conversation else { return };
        if entry.item.delete_wanted {
            self.store.put(Record::MessageHidden { conversation, seq: done.seq });
        }
        let state = MessageState::Sent { seq: done.seq, server_time: done.at, stored_offline };
        self.store.after(Then::Tell(AppEvent::MessageStateChanged { id, conversation, state }));
    }

    /// Refused for good: the number is used up, a message waits for the user.
    fn refused(&mut self, local_no: LocalNo, refusal: Refusal) {
        let Some(entry) = self.outbox.entries.get(&local_no) else { return };
        let is_message = entry.is_message();
        if !is_message {
            let outcome = Err(refusal.clone());
            self.store.after(Then::Tell(AppEvent::CommandDone { local_no, outcome }));
            return self.leave_outbox(local_no, Settled::Refused(refusal));
        }
        if entry.item.delete_wanted {
            return self.leave_outbox(local_no, Settled::Deleted);
        }
        if let Some(no) = entry.number() {
            self.outbox.release(no);
        }
        self.mark_failed(local_no, refusal, None);
    }

    /// It leaves without having been executed (or known to have been).
    pub(crate) fn leave_outbox(&mut self, local_no: LocalNo, how: Settled) {
        if self.outbox.remove(local_no).is_some() {
            self.store.put(Record::OutboxSettled { local_no, how });
        }
    }

    /// One's own message came by the inbox: if it is still in the outbox, it was executed. `Some` with its compose
    /// counter if so. A restored store may have given a counter a second time, so the content must be the same.
    pub(crate) fn settle_by_echo(
        &mut self,
        message: &Message,
        inbox_seq: InboxSeq,
    ) -> Option<LocalNo> {
        let local_no = message.id.local_no;
        let entry = self.outbox.entries.get(&local_no)?;
        let item = &entry.item;
        if item.id != message.id
            || item.conversation != Some(message.conversation)
            || item.sent_at != message.sent_at
        {
            return None;
        }
        match (item.command(), &message.content) {
            (Some(Command::SendMessage { content, .. }), Some(seen)) if content == *seen => {}
            (Some(Command::SendMessage { .. }), None) => {}
            _ => return None,
        }
        let entry = self.outbox.remove(local_no)?;
        let done = Done {
            conversation: Some(message.conversation),
            seq: message.seq,
            inbox_seq,
            at: message.server_time,
            ..Done::default()
        };
        self.message_sent(&entry, &done, false);
        Some(local_no)
    }

    /// One's own alteration came by the inbox, while it is not known what an earlier device has sent: what is done is not
    /// done again, over what was done since.
    pub(crate) fn settle_by_change(&mut self, change: &Change, inbox_seq: InboxSeq) {
        if self.inbox.settle_until.is_none() || change.actor != self.me.user {
            return;
        }
        let ChangeKind::MessageAltered { seq: altered, alteration: told } = &change.kind else {
            return;
        };
        let device = self.me.device;
        let earlier = self.alterations(change.conversation, |entry| entry.item.id.device != device);
        let is_it = |asked: &Alteration| match told {
            // An edit of what was taken back since.
            Alteration::Gone => matches!(asked, Alteration::Edit(_)),
            told => asked == told,
        };
        let same = earlier.into_iter().find(|(_, seq, asked)| seq == altered && is_it(asked));
        let Some((local_no, seq, _)) = same else { return };
        self.outbox.remove(local_no);
        let (change_no, at) = (change.change_no, change.at);
        let conversation = Some(change.conversation);
        self.command_done(local_no, Done { conversation, seq, change_no, inbox_seq, at });
    }

    /// What stood above is not on the server, and others will stand in its places: nobody meant to alter those.
    pub(crate) fn drop_alterations(&mut self, conversation: ConversationId, above: Seq) {
        let unsent = |entry: &Entry| entry.item.state == OutboxState::Queued;
        for (local_no, seq, _) in self.alterations(conversation, unsent) {
            if seq > above {
                let detail = format!("the server has lost message {seq}");
                self.refused(local_no, Refusal::because(ErrorCode::TargetMissing, detail));
            }
        }
    }

    /// Alterations in the outbox that concern this conversation, in the order they were composed.
    fn alterations(
        &mut self,
        conversation: ConversationId,
        of: impl Fn(&Entry) -> bool,
    ) -> Vec<(LocalNo, Seq, Alteration)> {
        let commands: Vec<_> = self
            .outbox
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_message() && of(entry))
            .filter_map(|(local_no, entry)| Some((*local_no, entry.item.command()?)))
            .collect();
        let mut found = Vec::new();
        for (local_no, command) in commands {
            let Command::Alter { at, seq, alteration, .. } = command else { continue };
            if self.conversation_of(&at) == conversation {
                found.push((local_no, seq, alteration));
            }
        }
        found
    }

    /// The user wants a failed message sent again.
    pub(crate) fn retry_failed(&mut self, local_no: LocalNo) -> bool {
        let Some(entry) = self.outbox.entries.get_mut(&local_no) else { return false };
        let OutboxState::Failed { unconfirmed, .. } = entry.item.state else { return false };
        (entry.tries, entry.first_tried, entry.counts) = (0, None, true);
        entry.item.delete_wanted = false;
        let (state, shown) = match unconfirmed {
            // The next session tells whether it arrived; until then it keeps its number.
            Some(no) => (OutboxState::Numbered(no), MessageState::Sending),
            None => (OutboxState::Queued, MessageState::Queued),
        };
        entry.item.state = state.clone();
        if unconfirmed.is_none() {
            self.outbox.queue.insert(local_no);
        }
        let (id, conversation) = (entry.item.id, entry.item.conversation);
        self.store.put(Record::OutboxState { local_no, state });
        if let Some(conversation) = conversation {
            let event = AppEvent::MessageStateChanged { id, conversation, state: shown };
            self.store.after(Then::Tell(event));
        }
        true
    }

    /// The user wants an unsettled message gone.
    pub(crate) fn delete_unsettled(&mut self, local_no: LocalNo) -> bool {
        let settling = self.inbox.settle_until.is_some();
        let Some(entry) = self.outbox.entries.get_mut(&local_no).filter(|e| e.is_message()) else {
            return false;
        };
        if entry.number().is_none() && !settling {
            self.leave_outbox(local_no, Settled::Deleted);
        } else {
            entry.item.delete_wanted = true;
            self.store.put(Record::OutboxDeleteWanted { local_no });
        }
        true
    }
}
