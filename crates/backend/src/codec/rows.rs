//! The rows of conversations and inboxes: changes, conversations, members, positions, pointers.

use crate::Position;
use anser_types::{
    Change, ChangeKind, ChangeNo, Conversation, ConversationId, ConversationKind, Cut, Group,
    LogEpoch, Member, Period, Role, Seq, UnixMs, UserNo, Version,
};
use bytes::Bytes;

use super::lists::{
    read_channel, read_group, read_item, read_member_act, read_set_group, write_channel,
    write_group, write_item, write_member_act, write_set_group,
};
use super::messages::{read_alteration, write_alteration};
use super::primitives::{
    Malformed, ROW_FORMAT, Reader, put_bytes, put_text, put_users, put_varint,
};

const GROUP_CREATED: u8 = 1;
const MEMBERS_JOINED: u8 = 2;
const MEMBER_LEFT: u8 = 3;
const MEMBERS_REMOVED: u8 = 4;
const MESSAGE_ALTERED: u8 = 5;
const GROUP_UPDATED: u8 = 6;
const MEMBER_ALTERED: u8 = 7;
const GROUP_DISMISSED: u8 = 8;
const ITEM: u8 = 9;
/// Members joined, and what they joined is a channel.
const CHANNEL_JOINED: u8 = 10;
const UNKNOWN_CHANGE: u8 = 255;

/// Appends a change row.
pub fn write_change(out: &mut Vec<u8>, change: &Change) {
    out.push(ROW_FORMAT);
    for number in [change.after_seq.0, change.version.0, change.at.0] {
        put_varint(out, number);
    }
    put_text(out, change.actor.as_str());
    match &change.kind {
        ChangeKind::GroupCreated { title, members } => {
            out.push(GROUP_CREATED);
            put_text(out, title);
            put_users(out, members);
        }
        ChangeKind::MembersJoined { title, users, channel } => {
            out.push(if *channel { CHANNEL_JOINED } else { MEMBERS_JOINED });
            put_text(out, title);
            put_users(out, users);
        }
        ChangeKind::MemberLeft { new_owner } => {
            out.push(MEMBER_LEFT);
            put_users(out, new_owner.as_slice());
        }
        ChangeKind::MembersRemoved { users } => {
            out.push(MEMBERS_REMOVED);
            put_users(out, users);
        }
        ChangeKind::MessageAltered { seq, alteration } => {
            out.push(MESSAGE_ALTERED);
            put_varint(out, seq.0);
            write_alteration(out, alteration);
        }
        ChangeKind::GroupUpdated(set) => {
            out.push(GROUP_UPDATED);
            write_set_group(out, set);
        }
        ChangeKind::MemberAltered { user, act } => {
            out.push(MEMBER_ALTERED);
            put_text(out, user.as_str());
            write_member_act(out, act);
        }
        ChangeKind::GroupDismissed => out.push(GROUP_DISMISSED),
        ChangeKind::Item(item) => {
            out.push(ITEM);
            write_item(out, item);
        }
        ChangeKind::Unknown { kind, raw } => {
            out.push(UNKNOWN_CHANGE);
            put_varint(out, u64::from(*kind));
            put_bytes(out, raw);
        }
    }
}

/// Reads a change row.
pub fn read_change(
    conversation: ConversationId,
    change_no: ChangeNo,
    bytes: &[u8],
) -> Result<Change, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let after_seq = Seq(reader.varint()?);
    let version = Version(reader.varint()?);
    let at = UnixMs(reader.varint()?);
    let actor = reader.user()?;
    let kind = match reader.u8()? {
        GROUP_CREATED => {
            ChangeKind::GroupCreated { title: reader.text()?.to_owned(), members: reader.users()? }
        }
        code @ (MEMBERS_JOINED | CHANNEL_JOINED) => {
            let (title, users) = (reader.text()?.to_owned(), reader.users()?);
            ChangeKind::MembersJoined { title, users, channel: code == CHANNEL_JOINED }
        }
        MEMBER_LEFT => ChangeKind::MemberLeft { new_owner: reader.at_most_one_user()? },
        MEMBERS_REMOVED => ChangeKind::MembersRemoved { users: reader.users()? },
        MESSAGE_ALTERED => ChangeKind::MessageAltered {
            seq: Seq(reader.varint()?),
            alteration: read_alteration(&mut reader)?,
        },
        GROUP_UPDATED => ChangeKind::GroupUpdated(read_set_group(&mut reader)?),
        MEMBER_ALTERED => {
            ChangeKind::MemberAltered { user: reader.user()?, act: read_member_act(&mut reader)? }
        }
        GROUP_DISMISSED => ChangeKind::GroupDismissed,
        ITEM => ChangeKind::Item(read_item(&mut reader)?),
        UNKNOWN_CHANGE => ChangeKind::Unknown {
            kind: u32::try_from(reader.varint()?)
                .map_err(|_| Malformed("a change's kind is too large"))?,
            raw: Bytes::copy_from_slice(reader.bytes()?),
        },
        _ => return Err(Malformed("a change is of no known kind")),
    };
    reader.end()?;
    Ok(Change { conversation, change_no, after_seq, version, actor, at, kind })
}

const DIRECT: u8 = 0;
const GROUP: u8 = 1;
const GROUP_WITH_HISTORY: u8 = 2;
/// A group of which more is to be said than these two.
const GROUP_IN_FULL: u8 = 3;
/// The same, and what it is as a channel.
const CHANNEL: u8 = 4;
/// Added to the kind of a row that says where its log was cut.
const HAS_CUTS: u8 = 128;
/// Added to the kind of a row that ends with the pinned messages.
const HAS_PINNED: u8 = 64;
/// Added to the kind of a conversation in which a message that burns was said.
const BURNS: u8 = 32;

/// Appends a conversation's row.
pub fn write_conversation(out: &mut Vec<u8>, row: &Conversation) {
    out.push(ROW_FORMAT);
    put_varint(out, row.version.0);
    put_varint(out, row.created_at.0);
    let more = if row.cuts.is_empty() { 0 } else { HAS_CUTS }
        | if row.pinned.is_empty() { 0 } else { HAS_PINNED }
        | if row.burns { BURNS } else { 0 };
    match &row.kind {
        ConversationKind::Direct { a, b } => {
            out.push(DIRECT | more);
            put_text(out, a.as_str());
            put_text(out, b.as_str());
        }
        ConversationKind::Group(group) if *group == plain(&group.title, group) => {
            let kind = if group.history_for_new_members { GROUP_WITH_HISTORY } else { GROUP };
            out.push(kind | more);
            put_text(out, &group.title);
        }
        ConversationKind::Group(group) => {
            let kind = if group.channel.is_some() { CHANNEL } else { GROUP_IN_FULL };
            out.push(kind | more);
            write_group(out, group);
            group.channel.iter().for_each(|channel| write_channel(out, channel));
        }
    }
    if !row.cuts.is_empty() {
        put_varint(out, row.cuts.len() as u64);
        for cut in &row.cuts {
            put_varint(out, cut.epoch.0);
            put_varint(out, cut.head.0);
        }
    }
    if !row.pinned.is_empty() {
        put_varint(out, row.pinned.len() as u64);
        row.pinned.iter().for_each(|seq| put_varint(out, seq.0));
    }
}

/// The group of which nothing is said but its name and whether newcomers see its history.
fn plain(title: &str, group: &Group) -> Group {
    Group {
        title: title.to_owned(),
        history_for_new_members: group.history_for_new_members,
        ..Group::default()
    }
}

/// Reads a conversation's row.
pub fn read_conversation(id: ConversationId, bytes: &[u8]) -> Result<Conversation, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let version = Version(reader.varint()?);
    let created_at = UnixMs(reader.varint()?);
    let code = reader.u8()?;
    let kind = match code & !(HAS_CUTS | HAS_PINNED | BURNS) {
        DIRECT => ConversationKind::Direct { a: reader.user()?, b: reader.user()? },
        code @ (GROUP | GROUP_WITH_HISTORY) => ConversationKind::Group(Group {
            title: reader.text()?.to_owned(),
            history_for_new_members: code == GROUP_WITH_HISTORY,
            ..Group::default()
        }),
        GROUP_IN_FULL => {
            let group = read_group(&mut reader)?;
            if group == plain(&group.title, &group) {
                return Err(Malformed("a group is said in full that need not be"));
            }
            ConversationKind::Group(group)
        }
        CHANNEL => {
            let group = read_group(&mut reader)?;
            let channel = Some(read_channel(&mut reader)?);
            ConversationKind::Group(Group { channel, ..group })
        }
        _ => return Err(Malformed("a conversation is of no known kind")),
    };
    let count = if code & HAS_CUTS > 0 { reader.count()? } else { 0 };
    if code & HAS_CUTS > 0 && count == 0 {
        return Err(Malformed("a conversation was cut nowhere"));
    }
    let cut = |_| Ok(Cut { epoch: LogEpoch(reader.varint()?), head: Seq(reader.varint()?) });
    let cuts = (0..count).map(cut).collect::<Result<_, Malformed>>()?;
    let count = if code & HAS_PINNED > 0 { reader.count()? } else { 0 };
    if code & HAS_PINNED > 0 && count == 0 {
        return Err(Malformed("a conversation has pins and none"));
    }
    let pinned = (0..count).map(|_| reader.varint().map(Seq)).collect::<Result<_, _>>()?;
    reader.end()?;
    let burns = code & BURNS > 0;
    Ok(Conversation { id, kind, version, created_at, cuts, pinned, burns })
}

/// Added to the role of a member of whom more is said.
const HAS_MORE: u8 = 128;

/// Appends a membership's row.
pub fn write_member(out: &mut Vec<u8>, member: &Member) {
    out.push(ROW_FORMAT);
    put_text(out, member.user.as_str());
    let more = !member.alias.is_empty() || member.muted_until > UnixMs(0) || member.refuses;
    out.push(member.role.code() | if more { HAS_MORE } else { 0 });
    put_varint(out, member.periods.len() as u64);
    for period in &member.periods {
        put_varint(out, period.after_seq.0);
        put_varint(out, period.after_change.0);
        match period.until {
            None => out.push(0),
            Some((Seq(seq), ChangeNo(change))) => {
                out.push(1);
                put_varint(out, seq);
                put_varint(out, change);
            }
        }
    }
    if more {
        put_text(out, &member.alias);
        put_varint(out, member.muted_until.0);
        out.push(u8::from(member.refuses));
    }
}

/// A role, and whether more is said of its member.
fn read_role(reader: &mut Reader<'_>) -> Result<(Role, bool), Malformed> {
    let code = reader.u8()?;
    let role = Role::from_code(code & !HAS_MORE);
    if role.code() != code & !HAS_MORE {
        // A wire may bring newer roles; a row has only those that were written.
        return Err(Malformed("a member has no known role"));
    }
    Ok((role, code & HAS_MORE > 0))
}

/// Reads a membership's row.
pub fn read_member(user_no: UserNo, bytes: &[u8]) -> Result<Member, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let user = reader.user()?;
    let (role, more) = read_role(&mut reader)?;
    let count = reader.count()?;
    let mut periods = Vec::new();
    for _ in 0..count {
        let after_seq = Seq(reader.varint()?);
        let after_change = ChangeNo(reader.varint()?);
        let until = match reader.u8()? {
            0 => None,
            1 => Some((Seq(reader.varint()?), ChangeNo(reader.varint()?))),
            _ => return Err(Malformed("a period has no known end")),
        };
        periods.push(Period { after_seq, after_change, until });
    }
    let mut member = Member::plain(user_no, user, role, periods);
    if more {
        member.alias = reader.text()?.to_owned();
        member.muted_until = UnixMs(reader.varint()?);
        member.refuses = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed("a member refuses or not")),
        };
        if member.alias.is_empty() && member.muted_until == UnixMs(0) && !member.refuses {
            return Err(Malformed("more is said of a member, and nothing"));
        }
    }
    reader.end()?;
    Ok(member)
}

/// Appends a member's positions.
pub fn write_position(out: &mut Vec<u8>, position: Position) {
    out.push(ROW_FORMAT);
    put_varint(out, position.delivered.0);
    put_varint(out, position.read.0);
}

/// Reads a member's positions.
pub fn read_position(bytes: &[u8]) -> Result<Position, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let position = Position { delivered: Seq(reader.varint()?), read: Seq(reader.varint()?) };
    reader.end()?;
    Ok(position)
}

/// What an inbox entry points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointed {
    /// A message.
    Message(Seq),
    /// A change.
    Change(ChangeNo),
    /// One's own read position, which moved to here.
    ReadSync(Seq),
}

/// An inbox entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Which conversation.
    pub conversation: ConversationId,
    /// What of it.
    pub what: Pointed,
    /// When; for trimming by age.
    pub at: UnixMs,
}

/// Appends an inbox entry.
pub fn write_pointer(out: &mut Vec<u8>, pointer: &Pointer) {
    let (kind, number) = match pointer.what {
        Pointed::Message(Seq(seq)) => (0, seq),
        Pointed::Change(ChangeNo(change_no)) => (1, change_no),
        Pointed::ReadSync(Seq(seq)) => (2, seq),
    };
    out.push(ROW_FORMAT);
    out.push(kind);
    out.extend_from_slice(&pointer.conversation.0);
    put_varint(out, number);
    put_varint(out, pointer.at.0);
}

/// Reads an inbox entry.
pub fn read_pointer(bytes: &[u8]) -> Result<Pointer, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let kind = reader.u8()?;
    let conversation = reader.conversation()?;
    let number = reader.varint()?;
    let what = match kind {
        0 => Pointed::Message(Seq(number)),
        1 => Pointed::Change(ChangeNo(number)),
        2 => Pointed::ReadSync(Seq(number)),
        _ => return Err(Malformed("an inbox entry is of no known kind")),
    };
    let at = UnixMs(reader.varint()?);
    reader.end()?;
    Ok(Pointer { conversation, what, at })
}
