//! What a command causes, as one value: records, inbox entries, preconditions and the answer that is kept.

use std::sync::Arc;

use anser_types::{
    Alteration, Answer, ChangeKind, ChangeNo, CommandNo, Content, Conversation, ConversationId,
    DeviceNo, FileId, InboxSeq, MemberAct, MessageId, Refusal, Role, Seq, SessionEpoch, UnixMs,
    UserId, UserNo, Version,
};

use crate::ledger::DeviceKey;

/// Who causes an append, which decides how a repetition is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A device's numbered command.
    Device {
        /// Which device.
        device: DeviceKey,
        /// Its session; a lower one than the device's latest is refused as [`Appended::Fenced`].
        epoch: SessionEpoch,
        /// The command's number.
        command_no: CommandNo,
        /// The client has stored all answers up to here: they may be forgotten.
        answered_up_to: CommandNo,
        /// Hash of the command's body.
        hash: [u8; 16],
    },
    /// A request with an Idempotency-Key; its answer is kept for `IDEMPOTENCY_KEEP_MS` (then the key is new again).
    Key {
        /// On whose behalf; keys of different users never meet.
        user: UserNo,
        /// The key.
        key: String,
        /// Hash of the request.
        hash: [u8; 16],
    },
    /// The server itself; never repeated.
    Internal,
}

/// One command's whole effect. Appends of one batch are checked and applied in order; each takes effect entirely
/// or not at all, and all that take effect become durable in one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Who causes it.
    pub origin: Origin,
    /// Server time. The ledger raises it where needed so that it never goes back within a conversation.
    pub at: UnixMs,
    /// Versions the rules were decided on; [`Version::ZERO`] means "does not exist yet". If one differs: `Stale`.
    pub expects: Vec<(ConversationId, Version)>,
    /// A permanent refusal is an append too: it uses up the number and is kept as the answer. Then `records` and
    /// `inbox` are empty.
    pub refused: Option<Refusal>,
    /// What is written, in order.
    pub records: Vec<Record>,
    /// Whose inboxes hear of it, in order. A user occurs at most once per record.
    pub inbox: Vec<InboxWrite>,
}

/// One thing that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Creates or replaces a conversation's row (its version is in it).
    Conversation(Conversation),
    /// Alters one membership. Positions (where a period begins or ends) are filled in by the ledger: a period
    /// begins at the heads as they were before this append and ends at the heads after it.
    Member {
        /// Which conversation.
        conversation: ConversationId,
        /// What happens.
        write: MemberWrite,
    },
    /// A message; gets the next `Seq` of its conversation.
    Message {
        /// Which conversation.
        conversation: ConversationId,
        /// Who said it.
        sender: UserId,
        /// Its identity since it was composed.
        id: MessageId,
        /// The sender's clock.
        sent_at: UnixMs,
        /// What was said.
        content: Arc<Content>,
    },
    /// A change; gets the next `ChangeNo` of its conversation. Its version is the row's after this append.
    Change {
        /// Which conversation.
        conversation: ConversationId,
        /// Who did it.
        actor: UserId,
        /// What changed.
        kind: ChangeKind,
    },
    /// A member's read position; moves forward only (a lower one is ignored).
    ReadPosition {
        /// Which conversation.
        conversation: ConversationId,
        /// Whose.
        user: UserNo,
        /// Up to where.
        up_to: Seq,
    },
}

impl Record {
    /// The files that a message holds once this is written.
    #[must_use]
    pub fn files(&self) -> &[FileId] {
        match self {
            Self::Message { content, .. } => &content.files,
            Self::Change {
                kind: ChangeKind::MessageAltered { alteration: Alteration::Edit(content), .. },
                ..
            } => &content.files,
            _ => &[],
        }
    }

    /// The conversation it belongs to.
    #[must_use]
    pub const fn conversation(&self) -> ConversationId {
        match self {
            Self::Conversation(row) => row.id,
            Self::Member { conversation, .. }
            | Self::Message { conversation, .. }
            | Self::Change { conversation, .. }
            | Self::ReadPosition { conversation, .. } => *conversation,
        }
    }
}

/// What happens to a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberWrite {
    /// A new period begins; the read position moves to the head.
    Join {
        /// Inside number.
        user_no: UserNo,
        /// Public id.
        user: UserId,
        /// Rights.
        role: Role,
        /// Whether what was said before is visible.
        sees_history: bool,
    },
    /// The present period ends after this append.
    End {
        /// Whose.
        user_no: UserNo,
    },
    /// Something is done about a present member.
    Alter {
        /// Whom.
        user_no: UserNo,
        /// What.
        act: MemberAct,
    },
    /// In a direct conversation: the member takes nothing more from the other one, or does again.
    Refuse {
        /// Whose wish.
        user_no: UserNo,
        /// Nothing more, or again.
        on: bool,
    },
}

/// An entry for one user's inbox; gets that inbox's next `InboxSeq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxWrite {
    /// Whose inbox.
    pub user: UserNo,
    /// What it points at.
    pub entry: InboxEntry,
}

/// What an inbox entry points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxEntry {
    /// The `n`-th record of this append, a message or a change.
    Record(usize),
    /// One's own read position moved.
    ReadSync {
        /// Where.
        conversation: ConversationId,
        /// Up to where.
        up_to: Seq,
    },
}

/// How an append ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It took effect and is durable.
    Committed(Committed),
    /// The same bytes were executed before; the original answer, durable. Nothing was written, nothing is routed.
    Duplicate(Answer),
    /// The number (or key) was used for other bytes.
    Conflict,
    /// Executed, answered, confirmed by the client, forgotten.
    AnswerForgotten,
    /// A lower number is missing.
    OutOfOrder {
        /// The number the device must send first.
        expected: CommandNo,
    },
    /// A newer session of the device exists.
    Fenced,
    /// A conversation's version is not the expected one, or a file that a message would hold is gone: the rules must run
    /// again.
    Stale,
}

/// The numbers given to an append that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The answer that is kept; `None` for [`Origin::Internal`].
    pub answer: Option<Answer>,
    /// For each record of the append, in order.
    pub assigned: Vec<Assigned>,
    /// For each inbox write of the append, in order.
    pub inbox: Vec<InboxSeq>,
}

/// What a record was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// A message's place and time.
    Message {
        /// Its seq.
        seq: Seq,
        /// Server time, monotone in the conversation.
        at: UnixMs,
    },
    /// A change's place and time.
    Change {
        /// Its number.
        change_no: ChangeNo,
        /// The conversation's last message when it happened.
        after_seq: Seq,
        /// The conversation's version after the append.
        version: Version,
        /// Server time.
        at: UnixMs,
    },
    /// The record has no number.
    Nothing,
}

impl Append {
    /// The device behind it, if any.
    #[must_use]
    pub const fn device(&self) -> Option<(UserNo, DeviceNo)> {
        match &self.origin {
            Origin::Device { device, .. } => Some((device.user, device.device)),
            Origin::Key { .. } | Origin::Internal => None,
        }
    }
}
