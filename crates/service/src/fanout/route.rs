//! After the commit: turns what was written into deliveries for the sessions that are connected here.
//!
//! Nothing here is needed for correctness of delivery: whoever is missed reads their inbox.

use std::sync::{Arc, OnceLock};

use anser_backend::{Assigned, Committed, Roster};
use anser_types::{
    Change, ChangeKind, Content, ConversationId, Event, Member, Message, MessageId, Seq, UnixMs,
    UserId, UserNo,
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
    /// A change for these users, in the order of the append's inbox writes.
    Change {
        /// Which conversation.
        conversation: ConversationId,
        /// Who did it.
        actor: UserId,
        /// What changed.
        kind: ChangeKind,
        /// Who is told.
        audience: Vec<(UserNo, UserId)>,
    },
    /// A read position, for the reader's own devices and as a signal for the others.
    Read {
        /// Row and members.
        roster: Arc<Roster>,
        /// Who read.
        reader: (UserNo, UserId),
        /// Up to where.
        up_to: Seq,
    },
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
    /// The conversation whose log has grown.
    pub(crate) fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Message { roster, .. } => Some(roster.conversation.id),
            Self::Change { conversation, .. } => Some(*conversation),
            Self::Nobody | Self::Read { .. } => None,
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
            Self::Change { conversation, actor, kind, audience } => {
                fan_change((conversation, actor, kind), &audience, committed, registry, wakes);
                false
            }
            Self::Read { roster, reader, up_to } => {
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

fn fan_change(
    (conversation, actor, kind): (ConversationId, UserId, ChangeKind),
    audience: &[(UserNo, UserId)],
    committed: &Committed,
    registry: &Registry,
    wakes: &mut Wakes,
) {
    let Some(Assigned::Change { change_no, after_seq, version, at }) =
        committed.assigned.iter().rev().find(|a| matches!(a, Assigned::Change { .. })).copied()
    else {
        return;
    };
    let change = Arc::new(Change { conversation, change_no, after_seq, version, actor, at, kind });
    let encoded: Arc<OnceLock<Bytes>> = Arc::default();
    for ((user_no, user), inbox_seq) in audience.iter().zip(&committed.inbox) {
        registry.each(*user_no, |slot| {
            let delivery = Delivery {
                inbox_seq: *inbox_seq,
                event: Event::Change(Arc::clone(&change)),
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
    if let Some(inbox_seq) = committed.inbox.first() {
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
    let subject = Subject { roster, no: reader.0, id: &reader.1 };
    signal_others(&subject, registry, wakes, |at, who| Signal::Read { at, up_to, who });
}
