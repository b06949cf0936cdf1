//! After the commit: turns what was written into deliveries for the sessions that are connected here.
//!
//! Nothing here is needed for correctness of delivery: whoever is missed reads their inbox.

use std::sync::{Arc, OnceLock};

use anser_backend::{Assigned, Committed, Heads, Roster};
use anser_types::{
    Change, ChangeKind, Content, ConversationId, Event, InboxSeq, Member, Message, MessageId, Seq,
    UnixMs, UserId, UserNo, Version,
};
use bytes::Bytes;

use crate::api::Signal;
use crate::cache::ShowsReadCache;
use crate::fanout::feeds::Feeds;
use crate::fanout::mailbox::{ChannelDelivery, Delivery, Slot};
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
    /// A message for everybody who follows a channel, and for those it calls by name.
    Channel {
        /// Which channel.
        conversation: ConversationId,
        /// Who sent it.
        sender: UserId,
        /// Its identity.
        id: MessageId,
        /// The sender's clock.
        sent_at: UnixMs,
        /// What was said.
        content: Arc<Content>,
        /// Whose inboxes hear of it, in their order.
        called: Vec<UserNo>,
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
        /// The reader let others see it when it was decided.
        shown: bool,
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
    /// Whose inboxes hear of it.
    pub(crate) audience: Vec<(UserNo, UserId)>,
    /// It is a channel: those who follow it hear of it too.
    pub(crate) in_channel: bool,
}

impl Told {
    /// Who does not follow a channel any more because of it. Of their going they hear by their inbox.
    pub(crate) fn gone(&self) -> Option<Vec<UserNo>> {
        let goes =
            matches!(self.kind, ChangeKind::MembersRemoved { .. } | ChangeKind::MemberLeft { .. });
        (self.in_channel && goes).then(|| self.audience.iter().map(|(no, _)| *no).collect())
    }
}

/// Who is connected here, who follows which channel, and who lets others see how far they have read.
pub(crate) struct Among<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) feeds: &'a Feeds,
    pub(crate) shows_read: &'a ShowsReadCache,
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

/// The same, as those who are told of a change.
pub(crate) fn audience(roster: &Roster) -> Vec<(UserNo, UserId)> {
    present(roster).map(|member| (member.user_no, member.user.clone())).collect()
}

impl Route {
    /// Whether a message was said.
    pub(crate) const fn is_message(&self) -> bool {
        matches!(self, Self::Message { .. } | Self::Channel { .. })
    }

    /// Notes the conversations whose logs have grown by what a search can find, or must find no more.
    pub(crate) fn note_grown(&self, grown: &mut Vec<ConversationId>) {
        match self {
            Self::Message { roster, .. } => grown.push(roster.conversation.id),
            Self::Channel { conversation, .. } => grown.push(*conversation),
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
        among: &Among<'_>,
        wakes: &mut Wakes,
    ) -> bool {
        let registry = among.registry;
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
            Self::Channel { conversation, sender, id, sent_at, content, called } => {
                let Some(Assigned::Message { seq, at }) = committed.assigned.last().copied() else {
                    return false;
                };
                let content = Some(Content::clone(&content));
                let message = Message {
                    conversation,
                    seq,
                    sender,
                    id,
                    sent_at,
                    server_time: at,
                    content,
                    altered: None,
                };
                fan_in_channel(message, &called, &committed.inbox, among, wakes);
                false
            }
            Self::Changes { actor, told, .. } => {
                fan_changes(&actor, told, committed, among, wakes);
                false
            }
            Self::Read { roster, reader, up_to, shown, burning } => {
                fan_changes(&reader.1, burning, committed, among, wakes);
                // A change of the settings may have been committed since it was decided.
                let shown = shown && among.shows_read.get(reader.0) != Ok(false);
                fan_read(&roster, &reader, (up_to, shown), committed, registry, wakes);
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

/// One encoding for everybody: those who follow, and those who have an entry.
fn fan_in_channel(
    message: Message,
    called: &[UserNo],
    numbers: &[InboxSeq],
    among: &Among<'_>,
    wakes: &mut Wakes,
) {
    let (conversation, seq) = (message.conversation, message.seq);
    let event = Event::Message(Arc::new(message));
    let encoded: Arc<OnceLock<Bytes>> = Arc::default();
    for (user, inbox_seq) in called.iter().zip(numbers) {
        among.registry.each(*user, |slot| {
            let (event, encoded) = (event.clone(), Arc::clone(&encoded));
            let inbox_seq = *inbox_seq;
            let delivery = Delivery { inbox_seq, event, peer: None, own: false, encoded };
            wakes.note(slot, slot.push_event(delivery));
        });
    }
    let at = Heads { seq, ..Heads::default() };
    among.feeds.publish(ChannelDelivery { conversation, at, event, encoded }, wakes);
}

fn fan_changes(
    actor: &UserId,
    told: Vec<Told>,
    committed: &Committed,
    among: &Among<'_>,
    wakes: &mut Wakes,
) {
    let numbered = committed.assigned.iter().filter_map(|assigned| match *assigned {
        Assigned::Change { change_no, after_seq, version, at } => {
            Some((change_no, after_seq, version, at))
        }
        Assigned::Message { .. } | Assigned::Nothing => None,
    });
    let mut inbox = committed.inbox.as_slice();
    for (Told { conversation, kind, audience, in_channel }, numbers) in
        told.into_iter().zip(numbered)
    {
        let (change_no, after_seq, version, at) = numbers;
        let actor = actor.clone();
        let change = Change { conversation, change_no, after_seq, version, actor, at, kind };
        let (numbers, rest) = inbox.split_at(audience.len().min(inbox.len()));
        inbox = rest;
        let change = Arc::new(change);
        let encoded: Arc<OnceLock<Bytes>> = Arc::default();
        fan_change(&change, &encoded, audience.iter().zip(numbers), among.registry, wakes);
        if in_channel {
            feed_change(change, encoded, among.feeds, wakes);
        }
    }
}

/// A change for those who follow. Where everybody goes it is the last thing they hear.
fn feed_change(
    change: Arc<Change>,
    encoded: Arc<OnceLock<Bytes>>,
    feeds: &Feeds,
    wakes: &mut Wakes,
) {
    let conversation = change.conversation;
    let over = matches!(change.kind, ChangeKind::GroupDismissed);
    let at = Heads { change_no: change.change_no, ..Heads::default() };
    let event = Event::Change(change);
    feeds.publish(ChannelDelivery { conversation, at, event, encoded }, wakes);
    if over {
        feeds.ended(conversation, None, wakes);
    }
}

fn fan_change<'a>(
    change: &Arc<Change>,
    encoded: &Arc<OnceLock<Bytes>>,
    audience: impl Iterator<Item = (&'a (UserNo, UserId), &'a InboxSeq)>,
    registry: &Registry,
    wakes: &mut Wakes,
) {
    let mut audience = audience.peekable();
    if let (ChangeKind::Item(item), Some(((_, owner), _))) = (&change.kind, audience.peek()) {
        registry.board().lists_changed(owner, item);
    }
    for ((user_no, user), inbox_seq) in audience {
        registry.each(*user_no, |slot| {
            let delivery = Delivery {
                inbox_seq: *inbox_seq,
                event: Event::Change(Arc::clone(change)),
                peer: None,
                own: *user == change.actor,
                encoded: Arc::clone(encoded),
            };
            wakes.note(slot, slot.push_event(delivery));
        });
    }
}

fn fan_read(
    roster: &Roster,
    reader: &(UserNo, UserId),
    (up_to, shown): (Seq, bool),
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
    if !shown {
        return;
    }
    let subject = Subject { roster, no: reader.0, id: &reader.1 };
    signal_others(&subject, registry, wakes, |at, who| Signal::Read { at, up_to, who });
}
