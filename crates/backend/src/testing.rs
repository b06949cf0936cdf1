//! Appends in domain words, for the tests of every crate that drives a [`Ledger`](crate::Ledger).
//!
//! A builder only puts an [`Append`] together; it decides no rules. What a rule would add (a version to expect, the
//! audience of a message) is said by the test.

use std::sync::Arc;

use anser_types::{
    Alteration, ChangeKind, CommandNo, Content, Conversation, ConversationId, ConversationKind,
    DeviceNo, ErrorCode, Group, LocalNo, MemberAct, MessageId, Refusal, Role, Seq, SessionEpoch,
    UnixMs, UserId, UserNo, Version,
};

use crate::append::{Append, InboxEntry, InboxWrite, MemberWrite, Origin, Record};
use crate::ledger::DeviceKey;

/// A user of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Inside number.
    pub no: UserNo,
    /// Public id.
    pub id: UserId,
}

impl Person {
    /// A person with this number and id.
    ///
    /// # Panics
    /// If `id` is no valid user id.
    #[must_use]
    pub fn new(no: UserNo, id: &str) -> Self {
        Self { no, id: UserId::new(id).expect("a valid user id") }
    }

    /// One of their devices.
    #[must_use]
    pub const fn device(&self, device: u64) -> DeviceKey {
        DeviceKey { user: self.no, device: DeviceNo(device) }
    }

    /// The direct conversation with somebody.
    #[must_use]
    pub fn direct(&self, other: &Self) -> ConversationId {
        ConversationId::direct(&self.id, &other.id)
    }
}

/// A group's id from a number.
#[must_use]
pub const fn group(number: u64) -> ConversationId {
    let bytes = ((number as u128) << 64 | 0x0707_0707).to_be_bytes();
    ConversationId::group(bytes)
}

/// A row for the direct conversation of two people, at version 1.
#[must_use]
pub fn direct_row(one: &Person, other: &Person) -> Conversation {
    let (a, b) = if one.id <= other.id { (one, other) } else { (other, one) };
    let kind = ConversationKind::Direct { a: a.id.clone(), b: b.id.clone() };
    Conversation::first(one.direct(other), kind, UnixMs(0))
}

/// A row for a group.
#[must_use]
pub fn group_row(id: ConversationId, title: &str, version: Version) -> Conversation {
    let title = title.to_owned();
    let kind = ConversationKind::Group(Group { title, ..Group::default() });
    Conversation { version, ..Conversation::first(id, kind, UnixMs(0)) }
}

/// Puts one append together.
#[derive(Clone, Debug)]
#[must_use = "call build()"]
pub struct AppendBuilder(Append);

impl AppendBuilder {
    fn from(origin: Origin) -> Self {
        Self(Append {
            origin,
            at: UnixMs(0),
            expects: Vec::new(),
            refused: None,
            records: Vec::new(),
            inbox: Vec::new(),
        })
    }

    /// A device's numbered command. Its hash is made from the number; see [`Self::bytes`].
    pub fn command(device: DeviceKey, epoch: SessionEpoch, command_no: CommandNo) -> Self {
        Self::from(Origin::Device {
            device,
            epoch,
            command_no,
            answered_up_to: CommandNo::ZERO,
            hash: hash_of(command_no.0),
        })
    }

    /// A request with an idempotency key. Its hash is made from zero; see [`Self::bytes`].
    pub fn keyed(user: &Person, key: &str) -> Self {
        Self::from(Origin::Key { user: user.no, key: key.to_owned(), hash: hash_of(0) })
    }

    /// Something the server does by itself.
    pub fn internal() -> Self {
        Self::from(Origin::Internal)
    }

    /// Server time.
    pub fn at(mut self, at: u64) -> Self {
        self.0.at = UnixMs(at);
        self
    }

    /// The client has stored all answers up to here.
    pub fn answered(mut self, up_to: CommandNo) -> Self {
        if let Origin::Device { answered_up_to, .. } = &mut self.0.origin {
            *answered_up_to = up_to;
        }
        self
    }

    /// Other bytes: a hash made from this number.
    pub fn bytes(mut self, seed: u64) -> Self {
        match &mut self.0.origin {
            Origin::Device { hash, .. } | Origin::Key { hash, .. } => *hash = hash_of(seed),
            Origin::Internal => {}
        }
        self
    }

    /// Decided on this version of a conversation.
    pub fn expecting(mut self, id: ConversationId, version: Version) -> Self {
        self.0.expects.push((id, version));
        self
    }

    /// A permanent refusal.
    pub fn refused(mut self, code: ErrorCode) -> Self {
        self.0.refused = Some(Refusal::new(code));
        self
    }

    /// Any record.
    pub fn record(mut self, record: Record) -> Self {
        self.0.records.push(record);
        self
    }

    /// A conversation's row.
    pub fn row(self, row: Conversation) -> Self {
        self.record(Record::Conversation(row))
    }

    /// Somebody comes in.
    pub fn joins(self, id: ConversationId, who: &Person, role: Role, sees_history: bool) -> Self {
        let write = MemberWrite::Join { user_no: who.no, user: who.id.clone(), role, sees_history };
        self.record(Record::Member { conversation: id, write })
    }

    /// Somebody goes.
    pub fn ends(self, id: ConversationId, who: &Person) -> Self {
        let write = MemberWrite::End { user_no: who.no };
        self.record(Record::Member { conversation: id, write })
    }

    /// Somebody's rights change.
    pub fn sets_role(self, id: ConversationId, who: &Person, role: Role) -> Self {
        let write = MemberWrite::Alter { user_no: who.no, act: MemberAct::Role(role) };
        self.record(Record::Member { conversation: id, write })
    }

    /// A text that goes to these inboxes. Its message id has the local number and device 1.
    pub fn says(
        self,
        id: ConversationId,
        who: &Person,
        local_no: u64,
        text: &str,
        to: &[&Person],
    ) -> Self {
        self.says_content(id, who, local_no, Content::text(text), to)
    }

    /// Any content, as [`Self::says`].
    pub fn says_content(
        self,
        id: ConversationId,
        who: &Person,
        local_no: u64,
        content: Content,
        to: &[&Person],
    ) -> Self {
        let message = Record::Message {
            conversation: id,
            sender: who.id.clone(),
            id: MessageId { device: DeviceNo(1), local_no: LocalNo(local_no) },
            sent_at: self.0.at,
            content: Arc::new(content),
        };
        self.record(message).heard_by(to)
    }

    /// A change that goes to these inboxes.
    pub fn changes(
        self,
        id: ConversationId,
        who: &Person,
        kind: ChangeKind,
        to: &[&Person],
    ) -> Self {
        let actor = who.id.clone();
        self.record(Record::Change { conversation: id, actor, kind }).heard_by(to)
    }

    /// A message is altered, told to these inboxes.
    pub fn alters(
        self,
        id: ConversationId,
        who: &Person,
        seq: Seq,
        alteration: Alteration,
        to: &[&Person],
    ) -> Self {
        self.changes(id, who, ChangeKind::MessageAltered { seq, alteration }, to)
    }

    /// Somebody has read, and their other devices hear of it.
    pub fn reads(mut self, id: ConversationId, who: &Person, up_to: Seq) -> Self {
        let entry = InboxEntry::ReadSync { conversation: id, up_to };
        self.0.inbox.push(InboxWrite { user: who.no, entry });
        self.record(Record::ReadPosition { conversation: id, user: who.no, up_to })
    }

    /// The first message between two people: expects nothing, makes the row and both members.
    pub fn opens_direct(self, one: &Person, other: &Person) -> Self {
        let id = one.direct(other);
        let opened = self.expecting(id, Version::ZERO).row(direct_row(one, other)).joins(
            id,
            one,
            Role::Member,
            true,
        );
        if one == other { opened } else { opened.joins(id, other, Role::Member, true) }
    }

    /// A new group at version 1 with its owner and members, and the change that tells them.
    pub fn creates_group(
        self,
        id: ConversationId,
        title: &str,
        owner: &Person,
        members: &[&Person],
    ) -> Self {
        let all: Vec<&Person> = std::iter::once(owner).chain(members.iter().copied()).collect();
        let made = self.expecting(id, Version::ZERO).row(group_row(id, title, Version(1))).joins(
            id,
            owner,
            Role::Owner,
            false,
        );
        let made = members.iter().fold(made, |made, who| made.joins(id, who, Role::Member, false));
        let users = all.iter().map(|who| who.id.clone()).collect();
        let kind = ChangeKind::GroupCreated { title: title.to_owned(), members: users };
        made.changes(id, owner, kind, &all)
    }

    fn heard_by(mut self, people: &[&Person]) -> Self {
        let record = InboxEntry::Record(self.0.records.len() - 1);
        self.0.inbox.extend(people.iter().map(|p| InboxWrite { user: p.no, entry: record }));
        self
    }

    /// The append.
    #[must_use]
    pub fn build(self) -> Append {
        self.0
    }
}

/// A hash that differs for different numbers.
#[must_use]
pub const fn hash_of(seed: u64) -> [u8; 16] {
    ((seed as u128) << 64 | 0x0000_a5a5_5a5a_0000).to_be_bytes()
}
