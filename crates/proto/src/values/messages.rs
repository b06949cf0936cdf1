//! What messages carry, and what is done to them once they were said.

use anser_types::body::Forwarded;
use anser_types::limits::FILES_PER_MESSAGE;
use anser_types::report::{ReportReason, Reported};
use anser_types::{
    Alteration, Altered, ChangeNo, Command, Content, DeviceNo, Edition, FileId, LocalNo, MessageId,
    MessageKind, Reaction, Seq, Target, UserId,
};
use bytes::Bytes;
use v1::alteration::How;

use super::{Unreadable, id_bytes, target, user};
use crate::{time, v1};

fn names(users: &[UserId]) -> Vec<String> {
    users.iter().map(UserId::to_string).collect()
}

fn users(field: &'static str, texts: &[String]) -> Result<Vec<UserId>, Unreadable> {
    texts.iter().map(|text| user(field, text)).collect()
}

/// The command that says something.
#[must_use]
pub fn send_message(to: &Target, content: &Content) -> v1::SendMessage {
    use v1::send_message::To;
    v1::SendMessage {
        content: content.body.clone(),
        kind: content.kind.code(),
        mentions: names(&content.mentions),
        reply_to: content.reply_to.map_or(0, |seq| seq.0),
        expires_at_ms: content.expires_at.map_or(0, time::to_wire),
        mention_all: content.mention_all,
        burn_after_ms: content.burn_after_ms.unwrap_or(0),
        forwarded: forwarded(content),
        files: files(&content.files),
        to: Some(match to {
            Target::User(id) => To::User(id.to_string()),
            Target::Conversation(id) => To::Conversation(id_bytes(*id)),
        }),
    }
}

/// The same, read.
///
/// # Errors
/// A field that cannot be read, here and below.
pub fn read_send_message(send: v1::SendMessage) -> Result<Command, Unreadable> {
    use v1::send_message::To;
    let to = match &send.to {
        Some(To::User(id)) => target(Some(id), None),
        Some(To::Conversation(id)) => target(None, Some(id)),
        None => Err(Unreadable::new("to", "a user or a conversation")),
    }?;
    let content = read_content(v1::EditedContent {
        content: send.content,
        kind: send.kind,
        mentions: send.mentions,
        reply_to: send.reply_to,
        expires_at_ms: send.expires_at_ms,
        mention_all: send.mention_all,
        burn_after_ms: send.burn_after_ms,
        forwarded: send.forwarded,
        files: send.files,
    })?;
    Ok(Command::SendMessage { to, content })
}

/// A content by itself: in an edit, or one that an edit replaced.
#[must_use]
pub fn content(content: &Content) -> v1::EditedContent {
    v1::EditedContent {
        content: content.body.clone(),
        kind: content.kind.code(),
        mentions: names(&content.mentions),
        mention_all: content.mention_all,
        reply_to: content.reply_to.map_or(0, |seq| seq.0),
        expires_at_ms: content.expires_at.map_or(0, time::to_wire),
        burn_after_ms: content.burn_after_ms.unwrap_or(0),
        forwarded: forwarded(content),
        files: files(&content.files),
    }
}

/// The same, read.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_content(content: v1::EditedContent) -> Result<Content, Unreadable> {
    Ok(Content {
        kind: MessageKind::from_code(content.kind),
        body: content.content,
        mentions: users("mentions", &content.mentions)?,
        mention_all: content.mention_all,
        reply_to: (content.reply_to > 0).then_some(Seq(content.reply_to)),
        expires_at: (content.expires_at_ms > 0).then(|| time::from_wire(content.expires_at_ms)),
        burn_after_ms: (content.burn_after_ms > 0).then_some(content.burn_after_ms),
        forwarded: content.forwarded.as_ref().map(read_forwarded).transpose()?.map(Box::new),
        files: read_files(&content.files)?,
    })
}

/// The files that a message holds.
#[must_use]
pub fn files_of(content: &Content) -> Option<v1::Files> {
    (!content.files.is_empty()).then(|| v1::Files { names: files(&content.files) })
}

/// The names of files, one after the other.
#[must_use]
pub fn files(files: &[FileId]) -> Bytes {
    let names = files.iter().flat_map(|file| file.0);
    if files.is_empty() { Bytes::new() } else { names.collect() }
}

fn read_files(names: &[u8]) -> Result<Vec<FileId>, Unreadable> {
    let (names, rest) = names.as_chunks();
    if !rest.is_empty() || names.len() > FILES_PER_MESSAGE {
        let rule = format!("at most {FILES_PER_MESSAGE} names of 16 bytes each");
        return Err(Unreadable::new("files", rule));
    }
    Ok(names.iter().copied().map(FileId).collect())
}

/// Whose words a content holds, if they are forwarded.
#[must_use]
pub fn forwarded(content: &Content) -> Option<v1::Forwarded> {
    content.forwarded.as_ref().map(|forwarded| v1::Forwarded {
        from: forwarded.from.to_string(),
        said_at_ms: time::to_wire(forwarded.said_at),
    })
}

fn read_forwarded(wire: &v1::Forwarded) -> Result<Forwarded, Unreadable> {
    Ok(Forwarded {
        from: user("forwarded", &wire.from)?,
        said_at: time::from_wire(wire.said_at_ms),
    })
}

/// The content of a message that has one.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_content_of(message: &mut v1::Message) -> Result<Content, Unreadable> {
    read_content(v1::EditedContent {
        content: std::mem::take(&mut message.content),
        kind: message.kind,
        mentions: std::mem::take(&mut message.mentions),
        reply_to: message.reply_to,
        expires_at_ms: message.expires_at_ms,
        mention_all: message.mention_all,
        burn_after_ms: message.burn_after_ms,
        forwarded: message.forwarded.take().map(|forwarded| *forwarded),
        files: message.files.take().map(|files| files.names).unwrap_or_default(),
    })
}

/// What is done to a message.
#[must_use]
pub fn alteration(alteration: &Alteration) -> v1::Alteration {
    let how = match alteration {
        Alteration::Edit(new) => How::Edit(v1::Edit { content: Some(content(new)) }),
        Alteration::Gone => How::Edit(v1::Edit { content: None }),
        Alteration::Revoke => How::Revoke(v1::Revoke {}),
        Alteration::React { emoji, on } => How::React(v1::React { emoji: emoji.clone(), off: !on }),
        Alteration::Pin { on } => How::Pin(v1::Pin { off: !on }),
        Alteration::Burn(at) => How::Burn(v1::Burn { expires_at_ms: time::to_wire(*at) }),
        Alteration::Expire => How::Expire(v1::Expire {}),
    };
    v1::Alteration { how: Some(how) }
}

/// The same, read; `None` if it is something this version does not know.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_alteration(wire: v1::Alteration) -> Result<Option<Alteration>, Unreadable> {
    let Some(how) = wire.how else { return Ok(None) };
    Ok(Some(match how {
        How::Edit(v1::Edit { content: Some(content) }) => Alteration::Edit(read_content(content)?),
        How::Edit(v1::Edit { content: None }) => Alteration::Gone,
        How::Revoke(v1::Revoke {}) => Alteration::Revoke,
        How::React(react) => Alteration::React { emoji: react.emoji, on: !react.off },
        How::Pin(pin) => Alteration::Pin { on: !pin.off },
        How::Burn(burn) => Alteration::Burn(time::from_wire(burn.expires_at_ms)),
        How::Expire(v1::Expire {}) => Alteration::Expire,
    }))
}

/// The command that alters a message.
#[must_use]
pub fn alter(at: &Target, seq: Seq, of: Option<MessageId>, how: &Alteration) -> v1::Alter {
    use v1::alter::At;
    v1::Alter {
        at: Some(match at {
            Target::User(id) => At::User(id.to_string()),
            Target::Conversation(id) => At::Conversation(id_bytes(*id)),
        }),
        seq: seq.0,
        alteration: Some(alteration(how)),
        device_no: of.map_or(0, |id| id.device.0),
        local_no: of.map_or(0, |id| id.local_no.0),
    }
}

/// The same, read; `None` if it alters in a way this version does not know.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_alter(alter: v1::Alter) -> Result<Option<Command>, Unreadable> {
    use v1::alter::At;
    let at = match &alter.at {
        Some(At::User(id)) => target(Some(id), None),
        Some(At::Conversation(id)) => target(None, Some(id)),
        None => target(None, None),
    }?;
    let Some(alteration) = alter.alteration.map(read_alteration).transpose()?.flatten() else {
        return Ok(None);
    };
    let id = MessageId { device: DeviceNo(alter.device_no), local_no: LocalNo(alter.local_no) };
    let of = (alter.local_no > 0).then_some(id);
    Ok(Some(Command::Alter { at, seq: Seq(alter.seq), of, alteration }))
}

/// What changes made of a message.
#[must_use]
pub fn altered(altered: &Altered) -> v1::Altered {
    let reactions = altered.reactions.iter();
    v1::Altered {
        change_no: altered.by.0,
        edits: altered.edits,
        edited_at_ms: altered.edited_at.map_or(0, time::to_wire),
        revoked_by: altered.revoked_by.as_ref().map(UserId::to_string).unwrap_or_default(),
        reactions: reactions
            .map(|one| v1::Reaction { emoji: one.emoji.clone(), users: names(&one.users) })
            .collect(),
    }
}

/// The same, read.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_altered(wire: v1::Altered) -> Result<Altered, Unreadable> {
    let reactions = wire
        .reactions
        .into_iter()
        .map(|one| Ok(Reaction { users: users("reactions", &one.users)?, emoji: one.emoji }));
    let revoked_by = Some(&wire.revoked_by).filter(|text| !text.is_empty());
    Ok(Altered {
        by: ChangeNo(wire.change_no),
        edits: wire.edits,
        edited_at: (wire.edited_at_ms > 0).then(|| time::from_wire(wire.edited_at_ms)),
        revoked_by: revoked_by.map(|text| user("revoked_by", text)).transpose()?,
        reactions: reactions.collect::<Result<_, _>>()?,
    })
}

/// A content that was replaced.
#[must_use]
pub fn edition(edition: &Edition) -> v1::Edition {
    v1::Edition {
        until_change_no: edition.until.0,
        since_ms: time::to_wire(edition.since),
        content: Some(content(&edition.content)),
    }
}

/// The same, read.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_edition(wire: v1::Edition) -> Result<Edition, Unreadable> {
    let content = wire.content.ok_or_else(|| Unreadable::new("content", "it is missing"))?;
    Ok(Edition {
        until: ChangeNo(wire.until_change_no),
        since: time::from_wire(wire.since_ms),
        content: read_content(content)?,
    })
}

/// The command that reports something.
#[must_use]
pub fn report(about: &Reported, reason: ReportReason, text: &str) -> v1::Report {
    use v1::report::At;
    let at = |target: &Target| match target {
        Target::User(id) => At::User(id.to_string()),
        Target::Conversation(id) => At::Conversation(id_bytes(*id)),
    };
    let (at, seq) = match about {
        Reported::User(user) => (At::User(user.to_string()), 0),
        Reported::Conversation(of) => (at(of), 0),
        Reported::Message { at: of, seq } => (at(of), seq.0),
    };
    v1::Report { at: Some(at), seq, reason: u32::from(reason.code()), text: text.to_owned() }
}

/// The same, read. A reason this version does not know is another one.
///
/// # Errors
/// See [`read_send_message`].
pub fn read_report(report: v1::Report) -> Result<Command, Unreadable> {
    use v1::report::At;
    let at = match &report.at {
        Some(At::User(id)) => target(Some(id), None),
        Some(At::Conversation(id)) => target(None, Some(id)),
        None => target(None, None),
    }?;
    let about = match (at, report.seq) {
        (Target::User(user), 0) => Reported::User(user),
        (of, 0) => Reported::Conversation(of),
        (at, seq) => Reported::Message { at, seq: Seq(seq) },
    };
    let reason = u8::try_from(report.reason).ok().and_then(ReportReason::from_code);
    Ok(Command::Report { about, reason: reason.unwrap_or_default(), text: report.text })
}
