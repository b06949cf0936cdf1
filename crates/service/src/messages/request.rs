//! A command in the form in which it waits: cheap to look at again if its rules must run a second time.

use std::sync::Arc;

use anser_backend::DeviceKey;
use anser_types::report::{ReportReason, Reported};
use anser_types::{
    Alteration, Command, CommandNo, ContactAct, Content, ConversationId, DeviceNo, LocalNo,
    MemberAct, MessageId, Refusal, Seq, SessionEpoch, SetGroup, SetOptions, SetSettings, Target,
    UnixMs, UserId, UserNo,
};

use crate::api::{Caller, CommandRequest};
use crate::messages::alter;

/// Who acts. Made only from an authenticated session or by the app server's door.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) no: UserNo,
    pub(crate) id: UserId,
    pub(crate) device: DeviceNo,
    pub(crate) epoch: SessionEpoch,
}

impl Actor {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self {
            no: caller.user_no,
            id: caller.user.clone(),
            device: caller.device,
            epoch: caller.epoch,
        }
    }

    pub(crate) const fn key(&self) -> DeviceKey {
        DeviceKey { user: self.no, device: self.device }
    }
}

/// What is asked, with shared contents.
#[derive(Debug)]
pub(crate) enum Work {
    /// May share a batch with its neighbours; everything else has its lane for itself.
    Send {
        to: Target,
        content: Arc<Content>,
    },
    MarkRead {
        at: Target,
        up_to: Seq,
    },
    CreateGroup {
        title: String,
        members: Vec<UserId>,
        history_for_new_members: bool,
    },
    Alter {
        at: Target,
        which: alter::Which,
        alteration: Alteration,
    },
    Group {
        conversation: ConversationId,
        work: GroupWork,
    },
    Contact {
        user: UserId,
        act: ContactAct,
    },
    SetOptions {
        at: Target,
        set: SetOptions,
    },
    SetSettings(SetSettings),
    Hide {
        at: Target,
        seqs: Vec<Seq>,
    },
    Report {
        about: Reported,
        reason: ReportReason,
        text: String,
    },
    Invalid(Refusal),
    Unknown,
}

/// What is asked of a group that exists.
#[derive(Debug)]
pub(crate) enum GroupWork {
    Invite { users: Vec<UserId> },
    Leave,
    Kick { users: Vec<UserId> },
    Update(SetGroup),
    AlterMember { user: UserId, act: MemberAct },
    Dismiss,
    Join { greeting: String },
    AnswerJoin { user: UserId, accept: bool },
}

impl From<Command> for Work {
    fn from(command: Command) -> Self {
        let group = |conversation, work| Self::Group { conversation, work };
        match command {
            Command::SendMessage { to, content } => Self::Send { to, content: Arc::new(content) },
            Command::MarkRead { at, up_to } => Self::MarkRead { at, up_to },
            Command::CreateGroup { title, members, history_for_new_members } => {
                Self::CreateGroup { title, members, history_for_new_members }
            }
            Command::Invite { conversation, users } => {
                group(conversation, GroupWork::Invite { users })
            }
            Command::Leave { conversation } => group(conversation, GroupWork::Leave),
            Command::Kick { conversation, users } => group(conversation, GroupWork::Kick { users }),
            Command::UpdateGroup { conversation, set } => {
                group(conversation, GroupWork::Update(set))
            }
            Command::AlterMember { conversation, user, act } => {
                group(conversation, GroupWork::AlterMember { user, act })
            }
            Command::Dismiss { conversation } => group(conversation, GroupWork::Dismiss),
            Command::Join { conversation, greeting } => {
                group(conversation, GroupWork::Join { greeting })
            }
            Command::AnswerJoin { conversation, user, accept } => {
                group(conversation, GroupWork::AnswerJoin { user, accept })
            }
            Command::Alter { at, seq, of, alteration } => {
                Self::Alter { at, which: alter::Which { seq, of }, alteration }
            }
            Command::Contact { user, act } => Self::Contact { user, act },
            Command::SetOptions { at, set } => Self::SetOptions { at, set },
            Command::SetSettings(set) => Self::SetSettings(set),
            Command::Hide { at, seqs } => Self::Hide { at, seqs },
            Command::Report { about, reason, text } => Self::Report { about, reason, text },
            Command::Invalid(refusal) => Self::Invalid(refusal),
            Command::Unknown => Self::Unknown,
        }
    }
}

/// A command with what its answer is kept under; the numbers are zero where it has a key.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) command_no: CommandNo,
    pub(crate) answered_up_to: CommandNo,
    /// The device that composes, with its counter.
    pub(crate) device: DeviceNo,
    pub(crate) local_no: LocalNo,
    pub(crate) sent_at: UnixMs,
    pub(crate) hash: [u8; 16],
    pub(crate) work: Work,
}

impl Request {
    /// The identity of a message this request composes.
    pub(crate) const fn message_id(&self) -> MessageId {
        MessageId { device: self.device, local_no: self.local_no }
    }

    pub(crate) const fn may_share_a_batch(&self) -> bool {
        matches!(self.work, Work::Send { .. })
    }

    /// What a session's device asks.
    pub(crate) fn of_session(actor: &Actor, request: CommandRequest) -> Self {
        Self {
            command_no: request.command_no,
            answered_up_to: request.answered_up_to,
            device: actor.device,
            local_no: request.local_no,
            sent_at: request.sent_at,
            hash: request.hash,
            work: request.command.into(),
        }
    }
}
