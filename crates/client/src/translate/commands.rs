//! Commands and the bytes that are kept and sent of them.

use anser_proto::values::{groups, lists, messages};
use anser_proto::{time, v1};
use anser_types::{Command, ErrorCode, LocalNo, Refusal, Seq, Target, UnixMs};
use bytes::{Bytes, BytesMut};
use prost::Message as _;

use super::{conversation_id, id_bytes, texts, user, users};

/// The bytes of a command without its transmission fields, or why there are none.
pub(crate) fn body_of_command(
    local_no: LocalNo,
    sent_at: UnixMs,
    command: &Command,
) -> Result<Bytes, Refusal> {
    use v1::command::Op;
    let op = match command {
        Command::SendMessage { to, content } => Op::Send(messages::send_message(to, content)),
        Command::MarkRead { at, up_to } => Op::MarkRead(v1::MarkRead {
            up_to_seq: up_to.0,
            at: Some(match at {
                Target::User(id) => v1::mark_read::At::User(id.as_str().to_owned()),
                Target::Conversation(id) => v1::mark_read::At::Conversation(id_bytes(*id)),
            }),
        }),
        Command::CreateGroup { title, members, history_for_new_members } => {
            Op::CreateGroup(v1::CreateGroup {
                title: title.clone(),
                members: texts(members),
                history_for_new_members: *history_for_new_members,
            })
        }
        Command::Invite { conversation, users } => {
            Op::Invite(v1::Invite { conversation: id_bytes(*conversation), users: texts(users) })
        }
        Command::Leave { conversation } => {
            Op::Leave(v1::Leave { conversation: id_bytes(*conversation) })
        }
        Command::Kick { conversation, users } => {
            Op::Kick(v1::Kick { conversation: id_bytes(*conversation), users: texts(users) })
        }
        Command::Alter { at, seq, of, alteration } => {
            Op::Alter(messages::alter(at, *seq, *of, alteration))
        }
        Command::UpdateGroup { conversation, set } => Op::UpdateGroup(v1::UpdateGroup {
            conversation: id_bytes(*conversation),
            set: Some(groups::set_group(set)),
        }),
        Command::AlterMember { conversation, user, act } => Op::AlterMember(v1::AlterMember {
            conversation: id_bytes(*conversation),
            altered: Some(groups::member_altered(user, act)),
        }),
        Command::Dismiss { conversation } => {
            Op::Dismiss(v1::Dismiss { conversation: id_bytes(*conversation) })
        }
        Command::Join { conversation, greeting } => {
            Op::Join(v1::Join { conversation: id_bytes(*conversation), greeting: greeting.clone() })
        }
        Command::AnswerJoin { conversation, user, accept } => Op::AnswerJoin(v1::AnswerJoin {
            conversation: id_bytes(*conversation),
            user: user.to_string(),
            accept: *accept,
        }),
        Command::Contact { user, act } => Op::Contact(lists::contact_act(user, act)),
        Command::SetOptions { at, set } => Op::SetOptions(lists::set_options(at, set)),
        Command::SetSettings(set) => Op::SetSettings(lists::set_settings(*set)),
        Command::Hide { at, seqs } => Op::Hide(lists::hide(at, seqs)),
        Command::Report { about, reason, text } => {
            Op::Report(messages::report(about, *reason, text))
        }
        Command::Unknown => return Err(Refusal::new(ErrorCode::Unsupported)),
        Command::Invalid(refusal) => return Err(refusal.clone()),
    };
    let command = v1::Command {
        command_no: 0,
        unanswered_before: 0,
        local_no: local_no.0,
        sent_at_ms: time::to_wire(sent_at),
        op: Some(op),
    };
    let mut body = BytesMut::with_capacity(command.encoded_len());
    command.encode(&mut body).map_err(|e| Refusal::because(ErrorCode::Internal, e.to_string()))?;
    Ok(body.freeze())
}

/// What a stored body says; `None` if a newer version wrote it.
pub(crate) fn command_of_body(body: &Bytes) -> Option<Command> {
    use v1::command::Op;
    let command = v1::Command::decode(body.clone()).ok()?;
    Some(match command.op? {
        Op::Send(send) => messages::read_send_message(send).ok()?,
        Op::MarkRead(mark) => Command::MarkRead {
            at: match mark.at? {
                v1::mark_read::At::User(id) => Target::User(user(&id)?),
                v1::mark_read::At::Conversation(id) => Target::Conversation(conversation_id(&id)?),
            },
            up_to: Seq(mark.up_to_seq),
        },
        Op::CreateGroup(group) => Command::CreateGroup {
            title: group.title,
            members: users(&group.members)?,
            history_for_new_members: group.history_for_new_members,
        },
        Op::Invite(invite) => Command::Invite {
            conversation: conversation_id(&invite.conversation)?,
            users: users(&invite.users)?,
        },
        Op::Leave(leave) => Command::Leave { conversation: conversation_id(&leave.conversation)? },
        Op::Kick(kick) => Command::Kick {
            conversation: conversation_id(&kick.conversation)?,
            users: users(&kick.users)?,
        },
        Op::Alter(alter) => messages::read_alter(alter).ok()??,
        Op::UpdateGroup(update) => Command::UpdateGroup {
            conversation: conversation_id(&update.conversation)?,
            set: groups::read_set_group(update.set?).ok()?,
        },
        Op::AlterMember(alter) => {
            let (user, act) = groups::read_member_altered(alter.altered?).ok()??;
            let conversation = conversation_id(&alter.conversation)?;
            Command::AlterMember { conversation, user, act }
        }
        Op::Dismiss(dismiss) => {
            Command::Dismiss { conversation: conversation_id(&dismiss.conversation)? }
        }
        Op::Join(join) => Command::Join {
            conversation: conversation_id(&join.conversation)?,
            greeting: join.greeting,
        },
        Op::AnswerJoin(answer) => Command::AnswerJoin {
            conversation: conversation_id(&answer.conversation)?,
            user: user(&answer.user)?,
            accept: answer.accept,
        },
        Op::Contact(contact) => {
            let (user, act) = lists::read_contact_act(contact).ok()??;
            Command::Contact { user, act }
        }
        Op::SetOptions(set) => {
            let (at, set) = lists::read_set_options(set).ok()?;
            Command::SetOptions { at, set }
        }
        Op::SetSettings(set) => Command::SetSettings(lists::read_set_settings(set).ok()?),
        Op::Report(report) => messages::read_report(report).ok()?,
        Op::Hide(hide) => {
            let (at, seqs) = lists::read_hide(hide).ok()?;
            Command::Hide { at, seqs }
        }
    })
}
