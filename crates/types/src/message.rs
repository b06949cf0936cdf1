//! A message, as stored in its conversation's log and as given to every entitled reader.

use bytes::Bytes;

use crate::alteration::Altered;
use crate::body::Forwarded;
use crate::file::FileId;
use crate::id::{ConversationId, MessageId, UserId};
use crate::number::Seq;
use crate::time::UnixMs;

/// What a message carries. The server acts on the envelope; into the content it looks only for words that may not
/// be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// UTF-8 text.
    #[default]
    Text,
    /// An image.
    Image,
    /// A recorded voice.
    Voice,
    /// A video.
    Video,
    /// Any file.
    File,
    /// A place.
    Location,
    /// A person's card.
    Card,
    /// Whatever the app means by it.
    Custom,
    /// A notice made by the server; refused from clients.
    System,
    /// Several messages of another conversation, forwarded as one.
    Merged,
    /// A kind this version does not know: kept and shown as such, never lost.
    Unknown(u32),
}

impl MessageKind {
    /// The kinds that are sent, in the order in which they are listed.
    pub const SENT: [Self; 9] = [
        Self::Text,
        Self::Image,
        Self::Voice,
        Self::Video,
        Self::File,
        Self::Location,
        Self::Card,
        Self::Custom,
        Self::Merged,
    ];

    /// Stable number on the wire and in stores; text is 0.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Text => 0,
            Self::Image => 1,
            Self::Voice => 2,
            Self::Video => 3,
            Self::File => 4,
            Self::Location => 5,
            Self::Card => 6,
            Self::Custom => 7,
            Self::System => 8,
            Self::Merged => 9,
            Self::Unknown(code) => code,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Text,
            1 => Self::Image,
            2 => Self::Voice,
            3 => Self::Video,
            4 => Self::File,
            5 => Self::Location,
            6 => Self::Card,
            7 => Self::Custom,
            8 => Self::System,
            9 => Self::Merged,
            other => Self::Unknown(other),
        }
    }

    /// Its name in JSON and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::File => "file",
            Self::Location => "location",
            Self::Card => "card",
            Self::Custom => "custom",
            Self::System => "system",
            Self::Merged => "merged",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What the sender composes: everything but the numbers and times the server gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What the content is.
    pub kind: MessageKind,
    /// Kept and given as it is; UTF-8 for [`MessageKind::Text`].
    pub body: Bytes,
    /// Users called by name.
    pub mentions: Vec<UserId>,
    /// Everybody in the conversation is called.
    pub mention_all: bool,
    /// The message of the same conversation this one answers.
    pub reply_to: Option<Seq>,
    /// When everybody must have forgotten it.
    pub expires_at: Option<UnixMs>,
    /// How long after its receiver has read it everybody must have forgotten it, in milliseconds.
    pub burn_after_ms: Option<u32>,
    /// Whose words these are, if they are forwarded.
    pub forwarded: Option<Box<Forwarded>>,
    /// Files at the server that this message holds: its readers may fetch them as long as they may see it. At most
    /// `FILES_PER_MESSAGE`. The server does not look for them in the body, which may be sealed.
    pub files: Vec<FileId>,
}

impl Content {
    /// Whether this user is called, by name or with everybody.
    #[must_use]
    pub fn mentions(&self, user: &UserId) -> bool {
        self.mention_all || self.mentions.contains(user)
    }

    /// Plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: MessageKind::Text,
            body: Bytes::from(text.into()),
            mentions: Vec::new(),
            mention_all: false,
            reply_to: None,
            expires_at: None,
            burn_after_ms: None,
            forwarded: None,
            files: Vec::new(),
        }
    }
}

/// One message of a conversation: `(conversation, seq)` names it for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its place, given by the ledger.
    pub seq: Seq,
    /// Who said it.
    pub sender: UserId,
    /// Its identity since it was composed: the sending device and its compose counter.
    pub id: MessageId,
    /// The sender's clock when it was composed; shown, never compared.
    pub sent_at: UnixMs,
    /// The server's clock at the commit; never goes back within a conversation.
    pub server_time: UnixMs,
    /// What was said; `None` is a tombstone (expired, revoked or erased): the seq stays taken.
    pub content: Option<Content>,
    /// What changes made of it since; `None` if nothing did.
    pub altered: Option<Box<Altered>>,
}

impl Message {
    /// When its content must be forgotten, if it has one that must.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixMs> {
        self.content.as_ref().and_then(|content| content.expires_at)
    }

    /// Whether it has content whose time is over: from then on it is shown to nobody.
    #[must_use]
    pub fn is_over(&self, now: UnixMs) -> bool {
        self.expires_at().is_some_and(|at| at <= now)
    }

    /// What is left once its time is over: its place, with nothing that was said or done to it.
    #[must_use]
    pub fn forgotten(&self) -> Self {
        let altered = self.altered.as_ref().map(|altered| {
            Box::new(Altered {
                by: altered.by,
                revoked_by: altered.revoked_by.clone(),
                ..Altered::default()
            })
        });
        Self { content: None, altered, ..self.clone() }
    }
}
