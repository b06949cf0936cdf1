//! Channels as they come: how one is learned of, the asking to follow, pushes and heads.
//!
//! A push is a hint: it is taken if it follows what was taken before, in its own counter and behind the messages it
//! stands behind. Whatever does not follow says that something is missing, and is read.

use anser_proto::session::received::{ReceivedEvent, ReceivedKind};
use anser_proto::v1;
use anser_types::{Change, ChangeKind, ConversationId, Message, UserId};

use crate::channels::Compare;
use crate::core::Core;
use crate::io::Now;
use crate::records::{ChannelPosition, ConversationState, Record};
use crate::translate;

/// The id of no channel (of none that is a group): the server cannot follow it and always says so, behind everything it
/// was asked before. What it has not said by then is as it was named.
const NO_CHANNEL: ConversationId = ConversationId([0; 16]);

/// How often in one session a channel's row is read because the server says that it is not followed: it would go on for ever
/// with one that says so of what its row calls a channel one is in.
const ASKED_AGAIN_MAX: u8 = 3;

/// What is to be done with a change that came by the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByInbox {
    /// It is kept and told.
    News,
    /// It is kept; the app was told of it by the channel's log.
    Known,
    /// It comes by the channel's log, behind what stands before it there.
    Later,
}

/// Whether a change lets somebody in or out.
enum Move {
    /// A channel begins for them here.
    In,
    /// They are in it no more.
    Out,
    None,
}

fn move_of(change: &Change, me: &UserId) -> Move {
    match &change.kind {
        ChangeKind::GroupUpdated(set) if set.channel => Move::In,
        ChangeKind::MembersJoined { users, channel: true, .. } if users.contains(me) => Move::In,
        ChangeKind::MembersRemoved { users } if users.contains(me) => Move::Out,
        ChangeKind::MemberLeft { .. } if change.actor == *me => Move::Out,
        ChangeKind::GroupDismissed => Move::Out,
        _ => Move::None,
    }
}

impl Core {
    /// A change came by the inbox: it may begin or end a channel, or also stand in the log of one.
    pub(crate) fn channel_change_by_inbox(&mut self, change: &Change) -> ByInbox {
        let id = change.conversation;
        let from = ChannelPosition { seq: change.after_seq, change_no: change.change_no };
        let moved = move_of(change, &self.me.user);
        let Some(channel) = self.channels.get_mut(id) else {
            if matches!(moved, Move::In) {
                self.channels.begin(id, from);
            }
            return ByInbox::News;
        };
        let at = channel.at;
        if matches!(moved, Move::None) && !channel.ending && change.change_no > at.change_no {
            channel.heard.change_no = channel.heard.change_no.max(change.change_no);
            self.channels.behind.insert(id);
            return ByInbox::Later;
        }
        let known = channel.changes.knows(change.change_no.0, at.change_no.0);
        channel.changes.note(change.change_no.0);
        match moved {
            Move::In if change.change_no > at.change_no => {
                // What came before one left is read first, and then what one is shown from here on.
                channel.ending = false;
                channel.hear(from);
                self.channels.say_again(id);
            }
            // One that lies before what was taken in was followed by a return.
            Move::Out if change.change_no >= at.change_no => {
                (channel.ending, channel.row_wanted, channel.gone) = (true, false, false);
                channel.heard = at.or_further(from);
            }
            Move::In | Move::Out | Move::None => {}
        }
        self.channels.moved(id);
        self.channels.behind.insert(id);
        if known { ByInbox::Known } else { ByInbox::News }
    }

    /// A message came by the inbox: whether it is news, if it stands in a channel. `None` if it does not.
    pub(crate) fn channel_message_by_inbox(&mut self, message: &Message) -> Option<bool> {
        let id = message.conversation;
        let channel = self.channels.get_mut(id)?;
        let (seq, at) = (message.seq.0, channel.at.seq.0);
        let known = channel.messages.knows(seq, at);
        channel.messages.note(seq);
        self.channels.moved(id);
        Some(!known)
    }

    /// Names the channels to the server that it was not told of in this session. Not while the cursor is void: their
    /// positions are, too.
    pub(crate) fn follow_channels(&mut self, now: Now) {
        while self.link.is_up() && self.inbox.rebuild.is_none() {
            let mut named = self.channels.of_follow();
            if named.is_empty() {
                if self.channels.compare != Compare::Wanted || !self.channels.are_named() {
                    return;
                }
                if self.channels.are_none() {
                    // A login without channels asks nothing more.
                    self.channels.compare = Compare::No;
                    return;
                }
                self.channels.compare = Compare::Asked;
                named.push((NO_CHANNEL, ChannelPosition::default()));
            }
            let channels = named.into_iter().map(|(id, at)| translate::channel_position(id, at));
            let follow = v1::Follow { channels: channels.collect() };
            self.say(now, |session, out| session.follow(&follow, out));
        }
    }

    /// Finds out whether anything of the channels is missing, of which the server says nothing if it is not so:
    /// [`Self::channels_are_level`] is true once it is all here.
    pub fn compare_channels(&mut self, now: Now) {
        if self.channels.compare == Compare::No {
            self.channels.compare = Compare::Wanted;
        }
        self.settle_down(now);
    }

    /// Whether everything that was said in channels until [`Self::compare_channels`] is stored.
    #[must_use]
    pub fn channels_are_level(&self) -> bool {
        self.link.is_up() && self.inbox.rebuild.is_none() && self.channels.are_stored_whole()
    }

    /// What came in followed channels.
    pub(crate) fn channel_batch_came(&mut self, events: Vec<ReceivedEvent>) {
        if self.inbox.rebuild.is_some() {
            return;
        }
        for event in events {
            let unknown = event.unknown_change();
            let ReceivedEvent { raw, kind: ReceivedKind::Known(known) } = event else { continue };
            let bytes = raw.len();
            match known {
                v1::event::Event::Change(wire) => {
                    let kept = || unknown.unwrap_or_else(|| (0, raw.clone()));
                    if let Some(change) = translate::numbered_change(wire, kept) {
                        self.channel_change_pushed(change, bytes);
                    }
                }
                known => {
                    let event = v1::Event { event: Some(known) };
                    let entry = translate::entry(&self.me.user, &mut self.direct, event);
                    if let Some(translate::Entry::Message(message, None)) = entry {
                        self.channel_message_pushed(message, bytes);
                    }
                }
            }
        }
    }

    fn channel_message_pushed(&mut self, message: Message, bytes: usize) {
        let (id, seq) = (message.conversation, message.seq);
        let room = self.store.has_room() && self.inbox.is_level();
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.heard.seq = channel.heard.seq.max(seq);
        if seq == channel.at.seq.next() && room {
            self.take_channel_message(message, bytes);
        } else if seq > channel.at.seq {
            self.channels.behind.insert(id);
            self.channels.held.hold_message(message, bytes);
        }
    }

    fn channel_change_pushed(&mut self, change: Change, bytes: usize) {
        let (id, no) = (change.conversation, change.change_no);
        let room = self.store.has_room() && self.inbox.is_level();
        let Some(channel) = self.channels.get_mut(id) else { return };
        let stands_behind = ChannelPosition { seq: change.after_seq, change_no: no };
        channel.hear(stands_behind);
        if no == channel.at.change_no.next() && change.after_seq <= channel.at.seq && room {
            self.take_channel_change(change, bytes);
        } else if !channel.is_level() {
            self.channels.behind.insert(id);
            self.channels.held.hold_change(change, bytes);
        }
    }

    /// The next message of a channel's log.
    pub(crate) fn take_channel_message(&mut self, message: Message, bytes: usize) {
        let id = message.conversation;
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.at.seq = message.seq;
        channel.dry = false;
        let news = !channel.messages.is_early(message.seq.0);
        self.channels.lives(id);
        self.channels.moved(id);
        self.store.begin_entry(bytes);
        self.mark(id, None).note(message.seq);
        self.keep_message(None, message, None, news);
    }

    /// The next change of a channel's log.
    pub(crate) fn take_channel_change(&mut self, change: Change, bytes: usize) {
        let id = change.conversation;
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.at.change_no = change.change_no;
        let dismissed = change.kind == ChangeKind::GroupDismissed;
        channel.ending |= dismissed;
        let (news, ended) = (!channel.changes.is_early(change.change_no.0), channel.ending);
        if dismissed {
            self.channels.behind.insert(id);
        }
        self.channels.moved(id);
        self.store.begin_entry(bytes);
        self.keep_change(None, change, news, ended);
    }

    /// Where logs end that went on, and which are not followed.
    pub(crate) fn channel_heads_came(&mut self, heads: &v1::ChannelHeads) {
        if self.inbox.rebuild.is_some() {
            return;
        }
        let (heads, gone) = translate::channel_heads(heads);
        for (id, head) in heads {
            let Some(channel) = self.channels.get_mut(id).filter(|channel| !channel.ending) else {
                continue;
            };
            channel.hear(head);
            if !head.covers(channel.at) {
                // It was said before what came since, or the server has lost something: the row tells.
                channel.row_wanted = true;
            }
            self.channels.behind.insert(id);
        }
        for id in gone {
            if id == NO_CHANNEL {
                self.channels.compare = Compare::No;
            }
            let Some(channel) = self.channels.get_mut(id).filter(|channel| !channel.ending) else {
                continue;
            };
            // One is in it no more, or this was said before one came back. The row tells.
            if channel.asked_again < ASKED_AGAIN_MAX {
                channel.asked_again += 1;
                (channel.row_wanted, channel.gone) = (true, true);
                self.channels.behind.insert(id);
            }
        }
    }

    /// It is followed no more.
    pub(crate) fn leave_channel(&mut self, id: ConversationId) {
        if self.channels.remove(id) {
            self.store.put(Record::ChannelLeft { conversation: id });
        }
    }

    /// The server's whole row of a conversation is taken in. What it says of a channel is where that goes on.
    pub(crate) fn channel_row_taken(&mut self, id: ConversationId, state: &ConversationState) {
        if state.is_channel() && state.member {
            let at = ChannelPosition { seq: state.head, change_no: state.change_head };
            self.channels.begin(id, at);
        } else {
            self.leave_channel(id);
        }
    }
}
