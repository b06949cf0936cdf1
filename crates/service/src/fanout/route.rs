//! After the commit: turns what was written into deliveries for the sessions that are connected here.
//!
//! Nothing here is needed for correctness of delivery: whoever is missed reads their inbox.

use std::sync::{Arc, OnceLock};

use anser_backend::{Assigned, Committed, Roster};
use anser_types::{
    Change, ChangeKind, Content, ConversationId, Event, InboxSeq, Item, Member, Message, MessageId,
    Seq, UnixMs, UserId, UserNo, Version,
};
use bytes::Bytes;

use crate::api::Signal;
use crate::fanout::mailbox::{Delivery, Slot};
use crate::fanout::registry::Registry;
use crate::fanout::signals::{Subject, signal_others};

/// Whom a commit concerns and what they are told.
#[derive(Debug)]
pub(crate) enum Route {
    /// Nobody.
    Nobody,
    /// A message for every present member.
    Message {
        /// Row and members the append was decided on (or makes).
        roster: Arc<Roster>,
        /// Who sent it.
        sender: (UserNo, UserId),
        /// Its identity.
        id: MessageId,
        /// The sender's clock.
        sent_at: UnixMs,
        /// What was said.
        content: Arc<Content>,
    },
    /// Changes, each for its own users.
    Changes {
        /// Who did it.
        actor: UserId,
        /// Conversations whose rows were written, with their new versions.
        rows: Vec<(ConversationId, Version)>,
        /// Who is told what, in the order of the append's changes and inbox writes.
        told: Vec<Told>,
    },
    /// A read position, for the reader's own devices and as a signal for the others.
    Read {
        /// Row and members.
        roster: Arc<Roster>,
        /// Who read.
        reader: (UserNo, UserId),
        /// Up to where.
        up_to: Seq,
        /// What began to burn by it, in the order of the append's changes and inbox writes, which come first.
        burning: Vec<Told>,
    },
}

/// A change and who is told of it, in the order of the append's inbox writes.
#[derive(Debug)]
pub(crate) struct Told {
    /// Which conversation.
    pub(crate) conversation: ConversationId,
    /// What changed.
    pub(crate) kind: ChangeKind,
    /// Who is told.
    pub(crate) audience: Vec<(UserNo, UserId)>,
}

/// Mailboxes with news, woken once when the whole batch is in.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Vec<Arc<Slot>>);

impl Wakes {
    pub(crate) fn note(&mut self, slot: &Arc<Slot>, news: bool) {
        if news {
            self.0.push(Arc::clone(slot));
        }
    }

    pub(crate) fn wake_all(&mut self) {
        self.0.drain(..).for_each(|slot| slot.wake());
    }
}

/// The members who are in the conversation now, in the order of inbox writes.
pub(crate) fn present(roster: &Roster) -> impl Iterator<Item = &Member> {
    roster.members.iter().filter(|member| member.is_present())
}

impl Route {
    /// Notes the conversations whose logs have grown by what a search can find, or must find no more.
    pub(crate) fn note_grown(&self, grown: &mut Vec<ConversationId>) {
        match self {
            Self::Message { roster, .. } => grown.push(roster.conversation.id),
            Self::Changes { told, .. } => grown.extend(
                told.iter()
                    .filter(|told| matches!(told.kind, ChangeKind::MessageAltered { .. }))
                    .map(|told| told.conversation),
            ),
            Self::Nobody | Self::Read { .. } => {}
        }
    }

    /// Puts deliveries into mailboxes. Returns true if no session of anybody but the sender is connected although
    /// there is somebody else (only messages ask this).
    pub(crate) fn fan_out(
        self,
        committed: &Committed,
        registry: &Registry,
        wakes: &mut Wakes,
    ) -> bool {
        match self {
            Self::Nobody => false,
            Self::Message { roster, sender, id, sent_at, content } => {
                let Some(Assigned::Message { seq, at }) = committed.assigned.last().copied() else {
                    return false;
                };
                let message = || {
                    Arc::new(Message {
                        conversation: roster.conversation.id,
                        seq,
                        sender: sender.1.clone(),
                        id,
                        sent_at,
                        server_time: at,
                        content: Some(Content::clone(&content)),
                        altered: None,
                    })
                };
                fan_message(&roster, sender.0, message, committed, registry, wakes)
            }
            Self::Changes { actor, told, .. } => {
                fan_changes(&actor, told, committed, registry, wakes);
                false
            }
            Self::Read { roster, reader, up_to, burning } => {
                fan_changes(&reader.1, burning, committed, registry, wakes);
                fan_read(&roster, &reader, up_to, committed, registry, wakes);
                false
            }
        }
    }
}

fn fan_message(
    roster: &Roster,
    sender: UserNo,
    message: impl Fn() -> Arc<Message>,
    committed: &Committed,
    registry: &Registry,
    wakes: &mut Wakes,
) -> bool {
    let mut shared: Option<Arc<Message>> = None;
    // In a direct conversation the two ends see different bytes (each names the other); in a group all see the same.
    let mut as_sender: Option<Arc<OnceLock<Bytes>>> = None;
    let mut as_other: Option<Arc<OnceLock<Bytes>>> = None;
    let (mut others, mut others_online) = (false, false);
    for (member, inbox_seq) in present(roster).zip(&committed.inbox) {
        let own = member.user_no == sender;
        others |= !own;
        registry.each(member.user_no, |slot| {
            others_online |= !own;
            let peer = roster.conversation.peer_of(&member.user).cloned();
            let encoded = if own && peer.is_some() { &mut as_sender } else { &mut as_other };
            let delivery = Delivery {
                inbox_seq: *inbox_seq,
                event: Event::Message(Arc::clone(shared.get_or_insert_with(&message))),
                peer,
                own,
                encoded: Arc::clone(encoded.get_or_insert_default()),
            };
            wakes.note(slot, slot.push_event(delivery));
        });
    }
    others && !others_online
}

fn fan_changes(
    actor: &UserId,
    told: Vec<Told>,
    committed: &Committed,
    registry: &Registry,
    wakes: &mut Wakes,
) {
    let numbered = committed.assigned.iter().filter_map(|assigned| match *assigned {
        Assigned::Change { change_no, after_seq, version, at } => {
            Some((change_no, after_seq, version, at))
        }
        Assigned::Message { .. } | Assigned::Nothing => None,
    });
    let mut inbox = committed.inbox.as_slice();
    for (Told { conversation, kind, audience }, numbers) in told.into_iter().zip(numbered) {
        let (change_no, after_seq, version, at) = numbers;
        let actor = actor.clone();
        let change = Change { conversation, change_no, after_seq, version, actor, at, kind };
        let (numbers, rest) = inbox.split_at(audience.len().min(inbox.len()));
        inbox = rest;
        fan_change(&Arc::new(change), &audience, numbers, registry, wakes);
    }
}

fn fan_change(
    change: &Arc<Change>,
    audience: &[(UserNo, UserId)],
    numbers: &[InboxSeq],
    registry: &Registry,
    wakes: &mut Wakes,
) {
    let encoded: Arc<OnceLock<Bytes>> = Arc::default();
    let settings = match &change.kind {
        ChangeKind::Item(Item::Settings(settings)) => Some(settings),
        _ => None,
    };
    for ((user_no, user), inbox_seq) in audience.iter().zip(numbers) {
        registry.each(*user_no, |slot| {
            if let Some(settings) = settings {
                slot.show_read(settings.show_read);
            }
            let delivery = Delivery {
                inbox_seq: *inbox_seq,
                event: Event::Change(Arc::clone(change)),
                peer: None,
                own: *user == change.actor,
                encoded: Arc::clone(&encoded),
            };
            wakes.note(slot, slot.push_event(delivery));
        });
    }
}

fn fan_read(
    roster: &Roster,
    reader: &(UserNo, UserId),
    up_to: Seq,
    committed: &Committed,
    registry: &Registry,
    wakes: &mut Wakes,
) {
    let conversation = roster.conversation.id;
    if let Some(inbox_seq) = committed.inbox.last() {
        let encoded: Arc<OnceLock<Bytes>> = Arc::default();
        registry.each(reader.0, |slot| {
            let delivery = Delivery {
                inbox_seq: *inbox_seq,
                event: Event::ReadSync { conversation, up_to },
                peer: roster.conversation.peer_of(&reader.1).cloned(),
                own: true,
                encoded: Arc::clone(&encoded),
            };
            wakes.note(slot, slot.push_event(delivery));
        });
    }
    let mut hides = false;
    registry.each(reader.0, |slot| hides |= slot.hides_read());
    if hides {
        return;
    }
    let subject = Subject { roster, no: reader.0, id: &reader.1 };
    signal_others(&subject, registry, wakes, |at, who| Signal::Read { at, up_to, who });
}
