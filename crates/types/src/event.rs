//! Events: the entries of a user's inbox, resolved to what they point at.

use bytes::Bytes;
use std::sync::Arc;

use crate::alteration::Alteration;
use crate::group::{MemberAct, SetGroup};
use crate::id::{ConversationId, UserId};
use crate::list::Item;
use crate::message::Message;
use crate::number::{ChangeNo, Seq, Version};
use crate::time::UnixMs;

/// One entry of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message (one's own ones too, for the other devices). Shared between all receivers.
    Message(Arc<Message>),
    /// A conversation changed. Shared between all receivers.
    Change(Arc<Change>),
    /// One's own read position moved on another device.
    ReadSync {
        /// Where.
        conversation: ConversationId,
        /// The last message read.
        up_to: Seq,
    },
    /// What cannot be given, named (guarantee G11).
    Unavailable(Unavailable),
    /// A kind this version does not know, kept raw with its number until an upgrade (guarantee G24).
    Unknown {
        /// Field number on the wire.
        kind: u32,
        /// Its encoded body.
        raw: Bytes,
    },
}

/// A numbered alteration of a conversation other than a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its number, given by the ledger.
    pub change_no: ChangeNo,
    /// The conversation's last message when it happened: orders changes among messages.
    pub after_seq: Seq,
    /// The conversation's version after it.
    pub version: Version,
    /// Who did it.
    pub actor: UserId,
    /// Server time of the commit.
    pub at: UnixMs,
    /// What changed.
    pub kind: ChangeKind,
}

impl Change {
    /// The item of a list that it carries, if it is a change of one.
    #[must_use]
    pub const fn item(&self) -> Option<&Item> {
        match &self.kind {
            ChangeKind::Item(item) => Some(item),
            _ => None,
        }
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The group was made with these members (the actor, its owner, among them).
    GroupCreated {
        /// Its name.
        title: String,
        /// Everybody in it.
        members: Vec<UserId>,
    },
    /// Users came in. Carries the title so that a newcomer can show the group at once.
    MembersJoined {
        /// The group's name.
        title: String,
        /// Who came.
        users: Vec<UserId>,
        /// It is a channel: for them it begins here, and goes on by its log.
        channel: bool,
    },
    /// The actor left; ownership passed on if they had it.
    MemberLeft {
        /// The new owner, if ownership passed on.
        new_owner: Option<UserId>,
    },
    /// Users were removed.
    MembersRemoved {
        /// Who.
        users: Vec<UserId>,
    },
    /// A message was altered. The ledger applies it to the stored message in the same commit.
    MessageAltered {
        /// Which message.
        seq: Seq,
        /// What was done to it.
        alteration: Alteration,
    },
    /// The group's own state was changed.
    GroupUpdated(SetGroup),
    /// Something was done about one member. A new owner takes the place of the one before, who is an admin then.
    MemberAltered {
        /// Whom it concerns.
        user: UserId,
        /// What was done.
        act: MemberAct,
    },
    /// The group was dissolved; it is the last that anybody hears of it.
    GroupDismissed,
    /// An item of a list was changed. The ledger keeps the last change of each item, by its key.
    Item(Item),
    /// A change this version does not know.
    Unknown {
        /// Field number on the wire.
        kind: u32,
        /// Its encoded body.
        raw: Bytes,
    },
}

/// A range that cannot be given, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// Where.
    pub conversation: ConversationId,
    /// First seq.
    pub from: Seq,
    /// Last seq.
    pub to: Seq,
    /// Why.
    pub reason: UnavailableReason,
}

/// Why a range cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnavailableReason {
    /// Older than the server keeps.
    Expired,
    /// The store is damaged there.
    Damaged,
    /// The reader was not a member then.
    NotVisible,
    /// The reader has put it away for themselves: removed, or cleared with all before.
    PutAway,
}
