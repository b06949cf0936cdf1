//! Alterations of messages as evidence: what somebody asked for, what a change did, what a message became by it.

use std::fmt;

use anser_types::{Alteration, Altered, ChangeNo, Message, UnixMs};

use super::evidence::BodyHash;

/// What was to be done to a message, or was done to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It got this body.
    Edit(BodyHash),
    /// It was taken back.
    Revoke,
    /// A reaction was added or taken away.
    React {
        /// Which.
        emoji: String,
        /// Added.
        on: bool,
    },
    /// It was pinned or unpinned.
    Pin {
        /// Pinned.
        on: bool,
    },
    /// It got a body that is gone since: it was taken back, or its time was over.
    Gone,
    /// It was read, and must be forgotten at this time.
    Burn(UnixMs),
    /// Its time was over, and it was erased.
    Expire,
}

impl From<&Alteration> for How {
    fn from(alteration: &Alteration) -> Self {
        match alteration {
            Alteration::Edit(content) => Self::Edit(BodyHash::of(&content.body)),
            Alteration::Revoke => Self::Revoke,
            Alteration::React { emoji, on } => Self::React { emoji: emoji.clone(), on: *on },
            Alteration::Pin { on } => Self::Pin { on: *on },
            Alteration::Gone => Self::Gone,
            Alteration::Burn(at) => Self::Burn(*at),
            Alteration::Expire => Self::Expire,
        }
    }
}

impl How {
    /// Whether a change that says this may be what was asked for: of an edit of a message that was taken back nothing
    /// else is left.
    #[must_use]
    pub fn is_told_by(&self, change: &Self) -> bool {
        self == change || matches!((self, change), (Self::Edit(_), Self::Gone))
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = |on: &bool| if *on { "on" } else { "off" };
        match self {
            Self::Edit(body) => write!(f, "edit {body}"),
            Self::Revoke => f.write_str("revoke"),
            Self::React { emoji, on } => write!(f, "react {emoji} {}", switch(on)),
            Self::Pin { on } => write!(f, "pin {}", switch(on)),
            Self::Gone => f.write_str("gone"),
            Self::Burn(at) => write!(f, "burn {}", at.0),
            Self::Expire => f.write_str("expire"),
        }
    }
}

/// A message as somebody shows it after changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The last change that altered it; zero if none did.
    pub by: ChangeNo,
    /// Its body; `None` for a tombstone.
    pub body: Option<BodyHash>,
    /// Everything else that changes made of it, see [`rest_of`].
    pub rest: BodyHash,
    /// When it must be forgotten, if it has a body that must.
    pub over_at: Option<UnixMs>,
}

impl From<&Message> for Shape {
    fn from(message: &Message) -> Self {
        Self {
            by: message.altered_by(),
            body: message.content.as_ref().map(|content| BodyHash::of(&content.body)),
            rest: message.altered.as_deref().map(rest_of).unwrap_or_default(),
            over_at: message.expires_at(),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, body, rest, over_at } = self;
        match body {
            Some(body) => write!(f, "change {by}, body {body}, rest {rest}")?,
            None => write!(f, "change {by}, no body, rest {rest}")?,
        }
        over_at.map_or(Ok(()), |at| write!(f, ", over at {}", at.0))
    }
}

/// A hash of how often and when a message was edited, who took it back and who reacted; zero if nobody did anything.
#[must_use]
pub fn rest_of(altered: &Altered) -> BodyHash {
    let Altered { by: _, edits, edited_at, revoked_by, reactions } = altered;
    if *edits == 0 && revoked_by.is_none() && reactions.is_empty() {
        return BodyHash::default();
    }
    BodyHash::of(format!("{edits} {edited_at:?} {revoked_by:?} {reactions:?}").as_bytes())
}
