//! What a client asks to change, and how it introduces itself: wire → domain.

use anser_proto::values::{groups, lists};
use anser_proto::{time, v1};
use anser_service::{Arrival, CommandRequest, Hello};
use anser_types::{
    Alteration, Command, CommandNo, Content, DeviceNo, InboxSeq, LocalNo, LogEpoch, MessageKind,
    Refusal, Seq, Target,
};
use v1::{alteration::How, command::Op, mark_read::At, send_message::To};

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
        Some(Op::Send(send)) => send_message(send)?,
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
        Some(Op::Alter(alter)) => alter_message(alter)?,
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
        _ => Command::Unknown,
    })
}

fn alter_message(alter: v1::Alter) -> Result<Command, Refusal> {
    let at = match alter.at.ok_or_else(|| missing("at"))? {
        v1::alter::At::User(peer) => Target::User(user("user", &peer)?),
        v1::alter::At::Conversation(id) => Target::Conversation(conversation("conversation", &id)?),
    };
    // Another way to alter, of a newer version, is a command this version does not know.
    let Some(how) = alter.alteration.and_then(|alteration| alteration.how) else {
        return Ok(Command::Unknown);
    };
    let alteration = match how {
        How::Edit(edit) => {
            Alteration::Edit(edited_content(edit.content.ok_or_else(|| missing("content"))?)?)
        }
        How::Revoke(v1::Revoke {}) => Alteration::Revoke,
        How::React(react) => Alteration::React { emoji: react.emoji, on: !react.off },
        How::Pin(pin) => Alteration::Pin { on: !pin.off },
    };
    Ok(Command::Alter { at, seq: Seq(alter.seq), alteration })
}

fn edited_content(content: v1::EditedContent) -> Result<Content, Refusal> {
    Ok(Content {
        kind: MessageKind::from_code(content.kind),
        body: content.content,
        mentions: users("mentions", &content.mentions)?,
        mention_all: content.mention_all,
        reply_to: (content.reply_to > 0).then_some(Seq(content.reply_to)),
        expires_at: (content.expires_at_ms > 0).then(|| time::from_wire(content.expires_at_ms)),
    })
}

fn send_message(send: v1::SendMessage) -> Result<Command, Refusal> {
    let to = match send.to.ok_or_else(|| missing("to"))? {
        To::User(peer) => Target::User(user("to", &peer)?),
        To::Conversation(id) => Target::Conversation(conversation("to", &id)?),
    };
    let content = Content {
        kind: MessageKind::from_code(send.kind),
        body: send.content,
        mentions: users("mentions", &send.mentions)?,
        mention_all: send.mention_all,
        reply_to: (send.reply_to > 0).then_some(Seq(send.reply_to)),
        expires_at: (send.expires_at_ms > 0).then(|| time::from_wire(send.expires_at_ms)),
    };
    Ok(Command::SendMessage { to, content })
}
