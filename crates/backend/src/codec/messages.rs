//! The rows of messages: what was said, what changes made of it, and the contents it had before.

use anser_types::body::Forwarded;
use anser_types::{
    Alteration, Altered, ChangeNo, Content, ConversationId, DeviceNo, Edition, FileId, LocalNo,
    Message, MessageId, MessageKind, Reaction, Seq, UnixMs, UserId,
};
use bytes::Bytes;

use super::primitives::{
    Malformed, ROW_FORMAT, Reader, put_bytes, put_text, put_users, put_varint,
};

const HAS_CONTENT: u8 = 1;
const HAS_REPLY: u8 = 2;
const HAS_EXPIRY: u8 = 4;
const MENTIONS_ALL: u8 = 8;
const HAS_ALTERED: u8 = 16;
const BURNS: u8 = 32;
const FORWARDED: u8 = 64;
const HAS_FILES: u8 = 128;
const CONTENT_FLAGS: u8 =
    HAS_CONTENT | HAS_REPLY | HAS_EXPIRY | MENTIONS_ALL | BURNS | FORWARDED | HAS_FILES;

/// Appends the row of a message that was just said; everything is borrowed, so that a commit clones nothing.
pub fn write_new_message(
    out: &mut Vec<u8>,
    sender: &UserId,
    id: MessageId,
    sent_at: UnixMs,
    server_time: UnixMs,
    content: &Content,
) {
    out.push(ROW_FORMAT);
    out.push(content_flags(content));
    write_envelope(out, sender, id, (sent_at, server_time));
    write_content(out, content);
}

/// Appends a message's row: what it holds beyond its key.
pub fn write_message(out: &mut Vec<u8>, message: &Message) {
    let altered = if message.altered.is_some() { HAS_ALTERED } else { 0 };
    out.push(ROW_FORMAT);
    out.push(message.content.as_ref().map_or(0, content_flags) | altered);
    write_envelope(out, &message.sender, message.id, (message.sent_at, message.server_time));
    if let Some(content) = &message.content {
        write_content(out, content);
    }
    if let Some(altered) = &message.altered {
        write_altered(out, altered);
    }
}

fn write_envelope(
    out: &mut Vec<u8>,
    sender: &UserId,
    id: MessageId,
    (sent_at, server_time): (UnixMs, UnixMs),
) {
    put_text(out, sender.as_str());
    for number in [id.device.0, id.local_no.0, sent_at.0, server_time.0] {
        put_varint(out, number);
    }
}

fn content_flags(content: &Content) -> u8 {
    HAS_CONTENT
        | if content.reply_to.is_some() { HAS_REPLY } else { 0 }
        | if content.expires_at.is_some() { HAS_EXPIRY } else { 0 }
        | if content.mention_all { MENTIONS_ALL } else { 0 }
        | if content.burn_after_ms.is_some() { BURNS } else { 0 }
        | if content.forwarded.is_some() { FORWARDED } else { 0 }
        | if content.files.is_empty() { 0 } else { HAS_FILES }
}

fn write_content(out: &mut Vec<u8>, content: &Content) {
    put_varint(out, u64::from(content.kind.code()));
    if let Some(Seq(seq)) = content.reply_to {
        put_varint(out, seq);
    }
    if let Some(UnixMs(at)) = content.expires_at {
        put_varint(out, at);
    }
    if let Some(ms) = content.burn_after_ms {
        put_varint(out, u64::from(ms));
    }
    if let Some(forwarded) = &content.forwarded {
        put_text(out, forwarded.from.as_str());
        put_varint(out, forwarded.said_at.0);
    }
    put_users(out, &content.mentions);
    if !content.files.is_empty() {
        put_varint(out, content.files.len() as u64);
        content.files.iter().for_each(|file| out.extend_from_slice(&file.0));
    }
    put_bytes(out, &content.body);
}

/// A content with its flags in front, where no message row carries them.
pub(super) fn write_flagged_content(out: &mut Vec<u8>, content: &Content) {
    out.push(content_flags(content));
    write_content(out, content);
}

pub(super) fn read_flagged_content(reader: &mut Reader<'_>) -> Result<Content, Malformed> {
    match reader.u8()? {
        flags if flags & !CONTENT_FLAGS != 0 || flags & HAS_CONTENT == 0 => {
            Err(Malformed("a content has unknown flags"))
        }
        flags => read_content(reader, flags),
    }
}

fn write_altered(out: &mut Vec<u8>, altered: &Altered) {
    put_varint(out, altered.by.0);
    put_varint(out, u64::from(altered.edits));
    // Zero is no time of a server.
    put_varint(out, altered.edited_at.map_or(0, |at| at.0));
    put_users(out, altered.revoked_by.as_slice());
    put_varint(out, altered.reactions.len() as u64);
    for reaction in &altered.reactions {
        put_text(out, &reaction.emoji);
        put_users(out, &reaction.users);
    }
}

fn read_altered(reader: &mut Reader<'_>) -> Result<Altered, Malformed> {
    let by = ChangeNo(reader.varint()?);
    let edits = u32::try_from(reader.varint()?).map_err(|_| Malformed("too many edits"))?;
    let edited_at = Some(UnixMs(reader.varint()?)).filter(|at| at.0 > 0);
    let revoked_by = reader.at_most_one_user()?;
    let count = reader.count()?;
    let mut reactions = Vec::with_capacity(count);
    for _ in 0..count {
        reactions.push(Reaction { emoji: reader.text()?.to_owned(), users: reader.users()? });
    }
    Ok(Altered { by, edits, edited_at, revoked_by, reactions })
}

/// Appends the row of a content that was replaced.
pub fn write_edition(out: &mut Vec<u8>, since: UnixMs, content: &Content) {
    out.push(ROW_FORMAT);
    put_varint(out, since.0);
    write_flagged_content(out, content);
}

/// Reads the row of a content that the change `until` replaced.
pub fn read_edition(until: ChangeNo, bytes: &[u8]) -> Result<Edition, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let since = UnixMs(reader.varint()?);
    let content = read_flagged_content(&mut reader)?;
    reader.end()?;
    Ok(Edition { until, since, content })
}

/// Reads a message row.
pub fn read_message(
    conversation: ConversationId,
    seq: Seq,
    bytes: &[u8],
) -> Result<Message, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let flags = reader.u8()?;
    let sender = reader.user()?;
    let id = MessageId { device: DeviceNo(reader.varint()?), local_no: LocalNo(reader.varint()?) };
    let sent_at = UnixMs(reader.varint()?);
    let server_time = UnixMs(reader.varint()?);
    let content = match flags & !HAS_ALTERED {
        0 => None,
        flags if flags & !CONTENT_FLAGS != 0 || flags & HAS_CONTENT == 0 => {
            return Err(Malformed("a message has unknown flags"));
        }
        flags => Some(read_content(&mut reader, flags)?),
    };
    let altered = match flags & HAS_ALTERED {
        0 => None,
        _ => Some(Box::new(read_altered(&mut reader)?)),
    };
    reader.end()?;
    Ok(Message { conversation, seq, sender, id, sent_at, server_time, content, altered })
}

fn read_content(reader: &mut Reader<'_>, flags: u8) -> Result<Content, Malformed> {
    let code = u32::try_from(reader.varint()?).map_err(|_| Malformed("a kind is too large"))?;
    Ok(Content {
        kind: MessageKind::from_code(code),
        reply_to: if flags & HAS_REPLY == 0 { None } else { Some(Seq(reader.varint()?)) },
        expires_at: if flags & HAS_EXPIRY == 0 { None } else { Some(UnixMs(reader.varint()?)) },
        burn_after_ms: if flags & BURNS == 0 { None } else { Some(read_burn(reader)?) },
        forwarded: if flags & FORWARDED == 0 { None } else { Some(read_forwarded(reader)?) },
        mentions: reader.users()?,
        mention_all: flags & MENTIONS_ALL != 0,
        files: if flags & HAS_FILES == 0 { Vec::new() } else { read_files(reader)? },
        body: Bytes::copy_from_slice(reader.bytes()?),
    })
}

fn read_forwarded(reader: &mut Reader<'_>) -> Result<Box<Forwarded>, Malformed> {
    let (from, said_at) = (reader.user()?, UnixMs(reader.varint()?));
    Ok(Box::new(Forwarded { from, said_at }))
}

fn read_files(reader: &mut Reader<'_>) -> Result<Vec<FileId>, Malformed> {
    let count = reader.count()?;
    if count == 0 {
        return Err(Malformed("a message holds files and none"));
    }
    (0..count).map(|_| reader.array().map(FileId)).collect()
}

fn read_burn(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    u32::try_from(reader.varint()?).map_err(|_| Malformed("a message burns too late"))
}

const EDIT: u8 = 1;
const REVOKE: u8 = 2;
const REACT: u8 = 3;
const UNREACT: u8 = 4;
const PIN: u8 = 5;
const UNPIN: u8 = 6;
const GONE: u8 = 7;
const BURN: u8 = 8;
const EXPIRE: u8 = 9;

pub(super) fn write_alteration(out: &mut Vec<u8>, alteration: &Alteration) {
    match alteration {
        Alteration::Edit(content) => {
            out.push(EDIT);
            write_flagged_content(out, content);
        }
        Alteration::Revoke => out.push(REVOKE),
        Alteration::React { emoji, on } => {
            out.push(if *on { REACT } else { UNREACT });
            put_text(out, emoji);
        }
        Alteration::Pin { on } => out.push(if *on { PIN } else { UNPIN }),
        Alteration::Gone => out.push(GONE),
        Alteration::Burn(at) => {
            out.push(BURN);
            put_varint(out, at.0);
        }
        Alteration::Expire => out.push(EXPIRE),
    }
}

pub(super) fn read_alteration(reader: &mut Reader<'_>) -> Result<Alteration, Malformed> {
    Ok(match reader.u8()? {
        EDIT => Alteration::Edit(read_flagged_content(reader)?),
        REVOKE => Alteration::Revoke,
        code @ (REACT | UNREACT) => {
            Alteration::React { emoji: reader.text()?.to_owned(), on: code == REACT }
        }
        code @ (PIN | UNPIN) => Alteration::Pin { on: code == PIN },
        GONE => Alteration::Gone,
        BURN => Alteration::Burn(UnixMs(reader.varint()?)),
        EXPIRE => Alteration::Expire,
        _ => return Err(Malformed("an alteration is of no known kind")),
    })
}
