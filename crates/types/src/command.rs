//! Commands: everything a user can ask to change, and the one answer each gets.

use crate::alteration::Alteration;
use crate::error::Refusal;
use crate::group::{MemberAct, SetGroup};
use crate::id::{ConversationId, MessageId, UserId};
use crate::list::{ContactAct, SetOptions, SetSettings};
use crate::message::Content;
use crate::number::{ChangeNo, CommandNo, InboxSeq, Seq};
use crate::report::{ReportReason, Reported};
use crate::time::UnixMs;

/// Where a command goes: a user (the direct conversation with them) or a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The direct conversation with this user, made on first use.
    User(UserId),
    /// A conversation that exists.
    Conversation(ConversationId),
}

impl From<UserId> for Target {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<&UserId> for Target {
    fn from(user: &UserId) -> Self {
        Self::User(user.clone())
    }
}

impl From<ConversationId> for Target {
    fn from(conversation: ConversationId) -> Self {
        Self::Conversation(conversation)
    }
}

/// What a user asks to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say something.
    SendMessage {
        /// To whom.
        to: Target,
        /// What.
        content: Content,
    },
    /// Move one's own read position forward; moving it back or not at all is done without effect.
    MarkRead {
        /// Where.
        at: Target,
        /// The last message read.
        up_to: Seq,
    },
    /// Make a group with oneself as owner.
    CreateGroup {
        /// Its name.
        title: String,
        /// Who else is in it from the start.
        members: Vec<UserId>,
        /// Whether later members see what was said before.
        history_for_new_members: bool,
    },
    /// Add users to a group.
    Invite {
        /// Which group.
        conversation: ConversationId,
        /// Whom; who is in it already stays as they are.
        users: Vec<UserId>,
    },
    /// Leave a group; the owner's place goes to the longest-serving admin, else member.
    Leave {
        /// Which group.
        conversation: ConversationId,
    },
    /// Remove users from a group.
    Kick {
        /// Which group.
        conversation: ConversationId,
        /// Whom.
        users: Vec<UserId>,
    },
    /// Alter a message that was said: edit it, take it back, react to it, pin it.
    Alter {
        /// Where it was said.
        at: Target,
        /// Which.
        seq: Seq,
        /// The message that is meant, if it is known; another one that stands there is left alone.
        of: Option<MessageId>,
        /// What to do to it; [`Alteration::Gone`] is only ever told, never asked for.
        alteration: Alteration,
    },
    /// Change what a group is.
    UpdateGroup {
        /// Which group.
        conversation: ConversationId,
        /// What of it.
        set: SetGroup,
    },
    /// Change something about one member of a group.
    AlterMember {
        /// Which group.
        conversation: ConversationId,
        /// Whom.
        user: UserId,
        /// What.
        act: MemberAct,
    },
    /// Dissolve a group: everybody's membership ends.
    Dismiss {
        /// Which group.
        conversation: ConversationId,
    },
    /// Come into a group by oneself, or ask to be let in, as the group has it.
    Join {
        /// Which group.
        conversation: ConversationId,
        /// What to say with the request.
        greeting: String,
    },
    /// Answer a request to join.
    AnswerJoin {
        /// Which group.
        conversation: ConversationId,
        /// Whose request.
        user: UserId,
        /// Let in, or refused.
        accept: bool,
    },
    /// Do something about another user: ask to be contacts, answer, block.
    Contact {
        /// Whom.
        user: UserId,
        /// What.
        act: ContactAct,
    },
    /// Change how one wants a conversation shown.
    SetOptions {
        /// Which.
        at: Target,
        /// What.
        set: SetOptions,
    },
    /// Change what one lets others do and see.
    SetSettings(SetSettings),
    /// Remove messages for oneself, on all one's devices; others keep them.
    Hide {
        /// Where they were said.
        at: Target,
        /// Which.
        seqs: Vec<Seq>,
    },
    /// Tell the server's operators of something; nobody else hears of it.
    Report {
        /// Of what.
        about: Reported,
        /// Why.
        reason: ReportReason,
        /// In one's own words.
        text: String,
    },
    /// A command this version does not know: refused with `UNSUPPORTED`, its number is used up.
    Unknown,
    /// A command whose fields cannot be read as what they should be (a user id with a space, a conversation id of
    /// three bytes): refused with this, its number is used up.
    Invalid(Refusal),
}

/// What a command that was executed caused. Numbers that do not apply are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The conversation it concerned.
    pub conversation: Option<ConversationId>,
    /// The message's seq.
    pub seq: Seq,
    /// The change's number.
    pub change_no: ChangeNo,
    /// The last entry it made in the caller's own inbox.
    pub inbox_seq: InboxSeq,
    /// Server time of the commit.
    pub at: UnixMs,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Executed.
    Done(Done),
    /// Refused for good; the number is used up.
    Refused(Refusal),
}

/// The one answer to a command; kept with its effect until the client has confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which command.
    pub command_no: CommandNo,
    /// How it ended.
    pub outcome: Outcome,
}
