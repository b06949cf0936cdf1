//! What one device did and saw, in its own order.

use std::fmt;

use anser_types::{
    ChangeNo, CommandNo, ConversationId, DeviceNo, LocalNo, LogEpoch, MessageId, Seq, UnixMs,
    UserId,
};

use super::altering::{How, Shape};
use super::evidence::BodyHash;

/// A message's identity from the moment it is composed, with its sender.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// Who composed it.
    pub sender: UserId,
    /// On which device, as its how many-th.
    pub id: MessageId,
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.sender, self.id)
    }
}

/// The journal of one device, across all restarts of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Whose device.
    pub user: UserId,
    /// Which.
    pub device: DeviceNo,
    /// The device was online until all was quiet, so it must hold everything it may see.
    pub caught_up: bool,
    /// What happened, in the device's order.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// An empty journal of a device that will be online at the end.
    #[must_use]
    pub const fn new(user: UserId, device: DeviceNo) -> Self {
        Self { user, device, caught_up: true, entries: Vec::new() }
    }

    /// Writes something down.
    pub fn note(&mut self, at_ns: u64, what: What) {
        self.entries.push(Entry { at_ns, what });
    }

    /// The key of a message this device composed.
    #[must_use]
    pub fn key(&self, local_no: LocalNo) -> MessageKey {
        let id = MessageId { device: self.device, local_no };
        MessageKey { sender: self.user.clone(), id }
    }
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Monotonic nanoseconds, on a clock that all journals of a run share.
    pub at_ns: u64,
    /// What happened.
    pub what: What,
}

/// What can happen to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A message was handed to the client (again, for a manual resend).
    Invoke {
        /// Its compose counter.
        local_no: LocalNo,
        /// Where to.
        conversation: ConversationId,
        /// What.
        body: BodyHash,
    },
    /// The message just handed to the client is one that must be forgotten.
    Timed {
        /// Its compose counter.
        local_no: LocalNo,
        /// When; `None`: only some time after its receiver has read it.
        expires_at: Option<UnixMs>,
    },
    /// The message was accepted: durable.
    Ok {
        /// Its compose counter.
        local_no: LocalNo,
        /// The command that carried it.
        command_no: CommandNo,
        /// The place it was given.
        seq: Seq,
    },
    /// The message was refused for good: it must never be seen.
    Fail {
        /// Its compose counter.
        local_no: LocalNo,
        /// The catalogued error's name.
        code: String,
    },
    /// The client does not know (yet) what became of the message.
    Unknown {
        /// Its compose counter.
        local_no: LocalNo,
    },
    /// The device's store committed a message.
    Received {
        /// Where.
        conversation: ConversationId,
        /// Its place.
        seq: Seq,
        /// Whose.
        key: MessageKey,
        /// What.
        body: BodyHash,
        /// It came through the inbox, in order; otherwise it was loaded from history.
        live: bool,
    },
    /// The device was told, or decided by a rebuild, that it holds no messages of this range.
    Skipped {
        /// Where.
        conversation: ConversationId,
        /// First.
        from: Seq,
        /// Last.
        to: Seq,
    },
    /// The device learned that the server lost everything above this seq: it holds none of it as sent any more, and
    /// offers its own for sending again.
    NotOnServer {
        /// Where.
        conversation: ConversationId,
        /// The last message that is still there.
        above: Seq,
    },
    /// From now on the device follows another log than before: the server was restored from a backup.
    OtherLog {
        /// Which.
        epoch: LogEpoch,
    },
    /// The device begins with what another one has stored, or an old copy of its own store.
    TookOver,
    /// The user asked for an alteration of a message.
    Alter {
        /// Its compose counter.
        local_no: LocalNo,
        /// Where.
        conversation: ConversationId,
        /// Where in it.
        seq: Seq,
        /// The message that stands there for this device.
        key: MessageKey,
        /// What.
        how: How,
    },
    /// The alteration was accepted: durable.
    AlterDone {
        /// Its compose counter.
        local_no: LocalNo,
        /// Where.
        conversation: ConversationId,
        /// Of which message.
        seq: Seq,
        /// The change that it became; zero if it was so already.
        change_no: ChangeNo,
        /// What.
        how: How,
    },
    /// The device's store shows this of a message from now on.
    Shows {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
        /// The device knows that it may have missed changes of it; it reads it again before it calls it complete.
        doubted: bool,
        /// What.
        shape: Shape,
    },
    /// The device has forgotten a message whose time was over by its own clock: it had not heard of the server's yet.
    ForgotAlone {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
    },
    /// The device shows again what its user had put away.
    ShownAgain {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
    },
    /// The user marked a conversation as read.
    MarkRead {
        /// Where.
        conversation: ConversationId,
        /// Up to where.
        up_to: Seq,
    },
    /// The app was shown how far somebody's devices have stored.
    SawDelivered {
        /// Where.
        conversation: ConversationId,
        /// Whose devices.
        who: UserId,
        /// Up to where.
        up_to: Seq,
    },
    /// The app was shown how far somebody has read.
    SawRead {
        /// Where.
        conversation: ConversationId,
        /// Who.
        who: UserId,
        /// Up to where.
        up_to: Seq,
    },
}
