//! What groups are, what is done about members, and the items of lists.

use anser_types::report::{About, Report, ReportId, ReportReason};
use anser_types::{
    Audience, Channel, Contact, Group, Item, JoinMode, JoinRequest, JoinState, LocalNo, MemberAct,
    Notify, Options, Relation, Role, Seq, SetGroup, Settings, Staff, UnixMs, UserNo,
};

use super::messages::{read_flagged_content, write_flagged_content};
use super::primitives::{Malformed, Reader, put_text, put_varint};

const CONTACT: u8 = 1;
const OPTIONS: u8 = 2;
const SETTINGS: u8 = 3;
const HIDDEN: u8 = 4;
const JOIN_REQUEST: u8 = 5;
const REPORT: u8 = 6;

/// Appends an item.
pub fn write_item(out: &mut Vec<u8>, item: &Item) {
    match item {
        Item::Contact(contact) => {
            out.push(CONTACT);
            put_text(out, contact.user.as_str());
            out.push(contact.relation.code());
            out.push(u8::from(contact.blocked));
            put_text(out, &contact.remark);
            put_text(out, &contact.greeting);
        }
        Item::Options(options) => {
            out.push(OPTIONS);
            out.extend_from_slice(&options.conversation.0);
            out.push(u8::from(options.pinned));
            out.push(options.notify.code());
            put_varint(out, options.hidden_up_to.0);
            put_varint(out, options.cleared_up_to.0);
            put_text(out, &options.draft);
        }
        Item::Settings(settings) => {
            let Settings { write_first, last_seen, show_read } = settings;
            out.extend([SETTINGS, write_first.code(), last_seen.code(), u8::from(*show_read)]);
        }
        Item::Hidden { conversation, seq } => {
            out.push(HIDDEN);
            out.extend_from_slice(&conversation.0);
            put_varint(out, seq.0);
        }
        Item::JoinRequest(request) => {
            out.push(JOIN_REQUEST);
            put_text(out, request.user.as_str());
            put_text(out, &request.greeting);
            out.push(request.state.code());
        }
        Item::Report(report) => {
            out.push(REPORT);
            write_report(out, report);
        }
    }
}

/// Reads an item.
pub fn read_item(reader: &mut Reader<'_>) -> Result<Item, Malformed> {
    Ok(match reader.u8()? {
        CONTACT => Item::Contact(Contact {
            user: reader.user()?,
            relation: case(reader, Relation::from_code)?,
            blocked: flag(reader)?,
            remark: reader.text()?.to_owned(),
            greeting: reader.text()?.to_owned(),
        }),
        OPTIONS => Item::Options(Options {
            conversation: reader.conversation()?,
            pinned: flag(reader)?,
            notify: case(reader, Notify::from_code)?,
            hidden_up_to: Seq(reader.varint()?),
            cleared_up_to: Seq(reader.varint()?),
            draft: reader.text()?.to_owned(),
        }),
        SETTINGS => Item::Settings(Settings {
            write_first: case(reader, Audience::from_code)?,
            last_seen: case(reader, Audience::from_code)?,
            show_read: flag(reader)?,
        }),
        HIDDEN => Item::Hidden { conversation: reader.conversation()?, seq: Seq(reader.varint()?) },
        JOIN_REQUEST => Item::JoinRequest(JoinRequest {
            user: reader.user()?,
            greeting: reader.text()?.to_owned(),
            state: case(reader, JoinState::from_code)?,
        }),
        REPORT => Item::Report(Box::new(read_report(reader)?)),
        _ => return Err(Malformed("an item is of no known kind")),
    })
}

const ABOUT_USER: u8 = 1;
const ABOUT_CONVERSATION: u8 = 2;
const ABOUT_MESSAGE: u8 = 3;

fn write_report(out: &mut Vec<u8>, report: &Report) {
    let ReportId { at, by, local_no } = report.id;
    for number in [at.0, by.0, local_no.0] {
        put_varint(out, number);
    }
    put_text(out, report.by.as_str());
    match &report.about {
        About::User(user) => {
            out.push(ABOUT_USER);
            put_text(out, user.as_str());
        }
        About::Conversation(id) => {
            out.push(ABOUT_CONVERSATION);
            out.extend_from_slice(&id.0);
        }
        About::Message { conversation, seq, sender, said_at, content } => {
            out.push(ABOUT_MESSAGE);
            out.extend_from_slice(&conversation.0);
            put_varint(out, seq.0);
            put_text(out, sender.as_str());
            put_varint(out, said_at.0);
            write_flagged_content(out, content);
        }
    }
    out.push(report.reason.code());
    put_text(out, &report.text);
    match report.closed_at {
        Some(at) => {
            out.push(1);
            put_varint(out, at.0);
        }
        None => out.push(0),
    }
    put_text(out, &report.note);
}

fn read_report(reader: &mut Reader<'_>) -> Result<Report, Malformed> {
    let id = ReportId {
        at: UnixMs(reader.varint()?),
        by: UserNo(reader.varint()?),
        local_no: LocalNo(reader.varint()?),
    };
    Ok(Report {
        id,
        by: reader.user()?,
        about: match reader.u8()? {
            ABOUT_USER => About::User(reader.user()?),
            ABOUT_CONVERSATION => About::Conversation(reader.conversation()?),
            ABOUT_MESSAGE => About::Message {
                conversation: reader.conversation()?,
                seq: Seq(reader.varint()?),
                sender: reader.user()?,
                said_at: UnixMs(reader.varint()?),
                content: read_flagged_content(reader)?,
            },
            _ => return Err(Malformed("a report is about nothing that is known")),
        },
        reason: case(reader, ReportReason::from_code)?,
        text: reader.text()?.to_owned(),
        closed_at: if flag(reader)? { Some(UnixMs(reader.varint()?)) } else { None },
        note: reader.text()?.to_owned(),
    })
}

/// Appends a group's own state, but for what it is as a channel.
pub fn write_group(out: &mut Vec<u8>, group: &Group) {
    for text in [&group.title, &group.avatar, &group.announcement] {
        put_text(out, text);
    }
    out.push(group.join.code());
    let flags = [group.history_for_new_members, group.admins_invite, group.muted, group.dismissed];
    out.extend(flags.map(u8::from));
}

/// Reads a group's own state, but for what it is as a channel.
pub fn read_group(reader: &mut Reader<'_>) -> Result<Group, Malformed> {
    Ok(Group {
        title: reader.text()?.to_owned(),
        avatar: reader.text()?.to_owned(),
        announcement: reader.text()?.to_owned(),
        join: case(reader, JoinMode::from_code)?,
        history_for_new_members: flag(reader)?,
        admins_invite: flag(reader)?,
        muted: flag(reader)?,
        dismissed: flag(reader)?,
        channel: None,
    })
}

/// Appends what a group is as a channel.
pub fn write_channel(out: &mut Vec<u8>, channel: &Channel) {
    put_varint(out, channel.members);
    put_varint(out, channel.staff.len() as u64);
    for staff in &channel.staff {
        put_varint(out, staff.user_no.0);
        put_text(out, staff.user.as_str());
    }
}

/// Reads what a group is as a channel.
pub fn read_channel(reader: &mut Reader<'_>) -> Result<Channel, Malformed> {
    let members = reader.varint()?;
    let staff = (0..reader.count()?)
        .map(|_| Ok(Staff { user_no: UserNo(reader.varint()?), user: reader.user()? }))
        .collect::<Result<_, Malformed>>()?;
    Ok(Channel { members, staff })
}

/// Added to the way to come in of a change that makes a group a channel.
const BECOMES_CHANNEL: u8 = 128;

/// Appends what of a group was changed.
pub fn write_set_group(out: &mut Vec<u8>, set: &SetGroup) {
    for text in [&set.title, &set.avatar, &set.announcement] {
        match text {
            Some(text) => {
                out.push(1);
                put_text(out, text);
            }
            None => out.push(0),
        }
    }
    let channel = if set.channel { BECOMES_CHANNEL } else { 0 };
    out.push(channel | set.join.map_or(0, |join| join.code() + 1));
    for flag in [set.history_for_new_members, set.admins_invite, set.muted] {
        out.push(flag.map_or(0, |on| u8::from(on) + 1));
    }
}

/// Reads what of a group was changed.
pub fn read_set_group(reader: &mut Reader<'_>) -> Result<SetGroup, Malformed> {
    let text = |reader: &mut Reader<'_>| {
        Ok(if flag(reader)? { Some(reader.text()?.to_owned()) } else { None })
    };
    let (title, avatar, announcement) = (text(reader)?, text(reader)?, text(reader)?);
    let code = reader.u8()?;
    let join = match code & !BECOMES_CHANNEL {
        0 => None,
        more => Some(JoinMode::from_code(more - 1).ok_or(NO_CASE)?),
    };
    Ok(SetGroup {
        title,
        avatar,
        announcement,
        join,
        history_for_new_members: optional_flag(reader)?,
        admins_invite: optional_flag(reader)?,
        muted: optional_flag(reader)?,
        channel: code & BECOMES_CHANNEL > 0,
    })
}

const ROLE: u8 = 1;
const MUTE: u8 = 2;
const ALIAS: u8 = 3;

/// Appends what was done about a member.
pub fn write_member_act(out: &mut Vec<u8>, act: &MemberAct) {
    match act {
        MemberAct::Role(role) => out.extend([ROLE, role.code()]),
        MemberAct::MuteUntil(until) => {
            out.push(MUTE);
            put_varint(out, until.0);
        }
        MemberAct::Alias(alias) => {
            out.push(ALIAS);
            put_text(out, alias);
        }
    }
}

/// Reads what was done about a member.
pub fn read_member_act(reader: &mut Reader<'_>) -> Result<MemberAct, Malformed> {
    Ok(match reader.u8()? {
        ROLE => MemberAct::Role(read_role(reader)?),
        MUTE => MemberAct::MuteUntil(UnixMs(reader.varint()?)),
        ALIAS => MemberAct::Alias(reader.text()?.to_owned()),
        _ => return Err(Malformed("what was done about a member is of no known kind")),
    })
}

fn read_role(reader: &mut Reader<'_>) -> Result<Role, Malformed> {
    let code = reader.u8()?;
    let role = Role::from_code(code);
    if role.code() == code { Ok(role) } else { Err(Malformed("a member has no known role")) }
}

const NO_CASE: Malformed = Malformed("a number stands for no known case");

fn case<T>(reader: &mut Reader<'_>, of: fn(u8) -> Option<T>) -> Result<T, Malformed> {
    of(reader.u8()?).ok_or(NO_CASE)
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(NO_CASE),
    }
}

fn optional_flag(reader: &mut Reader<'_>) -> Result<Option<bool>, Malformed> {
    match reader.u8()? {
        0 => Ok(None),
        1 => Ok(Some(false)),
        2 => Ok(Some(true)),
        _ => Err(NO_CASE),
    }
}
