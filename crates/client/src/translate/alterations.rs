//! Alterations of messages on the wire: commands, changes, and what a message became by them.

use anser_proto::{time, v1};
use anser_types::{
    Alteration, Altered, ChangeNo, Content, Edition, MessageKind, Reaction, Seq, Target,
};
use v1::alteration::How;

use super::{conversation_id, id_bytes, optional_user, texts, user, users};

/// The command that alters a message.
pub(super) fn command(at: &Target, seq: Seq, alteration: &Alteration) -> v1::Alter {
    v1::Alter {
        at: Some(match at {
            Target::User(id) => v1::alter::At::User(id.as_str().to_owned()),
            Target::Conversation(id) => v1::alter::At::Conversation(id_bytes(*id)),
        }),
        seq: seq.0,
        alteration: Some(v1::Alteration {
            how: Some(match alteration {
                Alteration::Edit(content) => {
                    How::Edit(v1::Edit { content: Some(to_wire(content)) })
                }
                Alteration::Gone => How::Edit(v1::Edit { content: None }),
                Alteration::Revoke => How::Revoke(v1::Revoke {}),
                Alteration::React { emoji, on } => {
                    How::React(v1::React { emoji: emoji.clone(), off: !on })
                }
                Alteration::Pin { on } => How::Pin(v1::Pin { off: !on }),
            }),
        }),
    }
}

/// Where such a command goes and what it says.
pub(super) fn command_parts(alter: v1::Alter) -> Option<(Target, Seq, Alteration)> {
    let at = match alter.at? {
        v1::alter::At::User(id) => Target::User(user(&id)?),
        v1::alter::At::Conversation(id) => Target::Conversation(conversation_id(&id)?),
    };
    Some((at, Seq(alter.seq), alteration(alter.alteration?)?))
}

/// What a change or command does to a message. `None` if this version does not know it.
pub(super) fn alteration(wire: v1::Alteration) -> Option<Alteration> {
    Some(match wire.how? {
        How::Edit(edit) => match edit.content {
            Some(content) => Alteration::Edit(from_wire(content)?),
            None => Alteration::Gone,
        },
        How::Revoke(v1::Revoke {}) => Alteration::Revoke,
        How::React(react) => Alteration::React { emoji: react.emoji, on: !react.off },
        How::Pin(pin) => Alteration::Pin { on: !pin.off },
    })
}

/// What changes made of a message.
pub(super) fn altered(wire: v1::Altered) -> Option<Box<Altered>> {
    let reactions = wire.reactions.into_iter().map(|one| {
        let users = users(&one.users)?;
        Some(Reaction { emoji: one.emoji, users })
    });
    Some(Box::new(Altered {
        by: ChangeNo(wire.change_no),
        edits: wire.edits,
        edited_at: (wire.edited_at_ms > 0).then(|| time::from_wire(wire.edited_at_ms)),
        revoked_by: optional_user(&wire.revoked_by)?,
        reactions: reactions.collect::<Option<_>>()?,
    }))
}

/// A content that was replaced.
pub(super) fn edition(wire: v1::Edition) -> Option<Edition> {
    Some(Edition {
        until: ChangeNo(wire.until_change_no),
        since: time::from_wire(wire.since_ms),
        content: from_wire(wire.content?)?,
    })
}

fn to_wire(content: &Content) -> v1::EditedContent {
    v1::EditedContent {
        content: content.body.clone(),
        kind: content.kind.code(),
        mentions: texts(&content.mentions),
        mention_all: content.mention_all,
        reply_to: content.reply_to.map_or(0, |seq| seq.0),
        expires_at_ms: content.expires_at.map_or(0, time::to_wire),
    }
}

fn from_wire(wire: v1::EditedContent) -> Option<Content> {
    Some(Content {
        kind: MessageKind::from_code(wire.kind),
        body: wire.content,
        mentions: users(&wire.mentions)?,
        mention_all: wire.mention_all,
        reply_to: (wire.reply_to > 0).then_some(Seq(wire.reply_to)),
        expires_at: (wire.expires_at_ms > 0).then(|| time::from_wire(wire.expires_at_ms)),
    })
}
