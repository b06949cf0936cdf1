//! What a client asks to change, and how it introduces itself: wire → domain.

use anser_proto::values::{groups, lists, messages};
use anser_proto::{time, v1};
use anser_service::{Arrival, CommandRequest, Hello};
use anser_types::{
    Command, CommandNo, DeviceNo, InboxSeq, LocalNo, LogEpoch, Refusal, Seq, Target,
};
use v1::{command::Op, mark_read::At};

use super::{conversation, missing, user, users};

/// What a device says to open a session, on a connection that came then.
#[must_use]
pub(crate) fn hello(hello: v1::Hello, arrived: Arrival) -> Hello {
    Hello {
        token: hello.token,
        device: DeviceNo(hello.device_no),
        log_epoch: LogEpoch(hello.log_epoch),
        inbox_cursor: InboxSeq(hello.inbox_cursor),
        rebuild_above: hello.rebuild_above,
        arrived,
    }
}

/// A numbered command. Fields that cannot be read become [`Command::Invalid`], a command this version does not know
/// becomes [`Command::Unknown`]: both use up their number, so that numbers stay dense.
#[must_use]
pub(crate) fn command(command: v1::Command, hash: [u8; 16]) -> CommandRequest {
    let answered = command.command_no.saturating_sub(1).saturating_sub(command.unanswered_before);
    CommandRequest {
        command_no: CommandNo(command.command_no),
        answered_up_to: CommandNo(answered),
        local_no: LocalNo(command.local_no),
        sent_at: time::from_wire(command.sent_at_ms),
        hash,
        command: operation(command.op).unwrap_or_else(Command::Invalid),
    }
}

fn operation(op: Option<Op>) -> Result<Command, Refusal> {
    Ok(match op {
        None => Command::Unknown,
        Some(Op::Send(send)) => messages::read_send_message(send)?,
        Some(Op::MarkRead(mark)) => Command::MarkRead {
            at: match mark.at.ok_or_else(|| missing("at"))? {
                At::User(peer) => Target::User(user("user", &peer)?),
                At::Conversation(id) => Target::Conversation(conversation("conversation", &id)?),
            },
            up_to: Seq(mark.up_to_seq),
        },
        Some(Op::CreateGroup(group)) => Command::CreateGroup {
            members: users("members", &group.members)?,
            title: group.title,
            history_for_new_members: group.history_for_new_members,
        },
        Some(Op::Invite(invite)) => Command::Invite {
            conversation: conversation("conversation", &invite.conversation)?,
            users: users("users", &invite.users)?,
        },
        Some(Op::Leave(leave)) => {
            Command::Leave { conversation: conversation("conversation", &leave.conversation)? }
        }
        Some(Op::Kick(kick)) => Command::Kick {
            conversation: conversation("conversation", &kick.conversation)?,
            users: users("users", &kick.users)?,
        },
        Some(Op::Alter(alter)) => messages::read_alter(alter)?.unwrap_or(Command::Unknown),
        Some(Op::UpdateGroup(update)) => Command::UpdateGroup {
            conversation: conversation("conversation", &update.conversation)?,
            set: groups::read_set_group(update.set.unwrap_or_default())?,
        },
        Some(Op::AlterMember(alter)) => {
            let altered = alter.altered.ok_or_else(|| missing("altered"))?;
            match groups::read_member_altered(altered)? {
                Some((user, act)) => Command::AlterMember {
                    conversation: conversation("conversation", &alter.conversation)?,
                    user,
                    act,
                },
                None => Command::Unknown,
            }
        }
        Some(Op::Dismiss(dismiss)) => {
            Command::Dismiss { conversation: conversation("conversation", &dismiss.conversation)? }
        }
        Some(Op::Join(join)) => Command::Join {
            conversation: conversation("conversation", &join.conversation)?,
            greeting: join.greeting,
        },
        Some(Op::AnswerJoin(answer)) => Command::AnswerJoin {
            conversation: conversation("conversation", &answer.conversation)?,
            user: user("user", &answer.user)?,
            accept: answer.accept,
        },
        Some(op) => own_lists(op)?,
    })
}

/// Commands about one's own lists.
fn own_lists(op: Op) -> Result<Command, Refusal> {
    Ok(match op {
        Op::Contact(contact) => match lists::read_contact_act(contact)? {
            Some((user, act)) => Command::Contact { user, act },
            None => Command::Unknown,
        },
        Op::SetOptions(set) => {
            let (at, set) = lists::read_set_options(set)?;
            Command::SetOptions { at, set }
        }
        Op::SetSettings(set) => Command::SetSettings(lists::read_set_settings(set)?),
        Op::Hide(hide) => {
            let (at, seqs) = lists::read_hide(hide)?;
            Command::Hide { at, seqs }
        }
        Op::Report(report) => messages::read_report(report)?,
        _ => Command::Unknown,
    })
}
