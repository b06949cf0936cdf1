//! What a message's content holds, by its kind: the shapes that all clients share. Servers act on none of it; a list
//! of words that may not be said is looked for in its texts.

use bytes::Bytes;

use crate::id::UserId;
use crate::message::MessageKind;
use crate::time::UnixMs;

/// Something to be fetched: where it is, and how to tell that it is the right one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRef {
    /// A link, or a file's name at the server; never empty.
    pub file: String,
    /// What it is called.
    pub name: String,
    /// As in `image/png`; may be empty.
    pub media_type: String,
    /// How large it is, in bytes; 0 if that is not known.
    pub bytes: u64,
    /// SHA-256 of it, if that is known.
    pub sha256: Option<[u8; 32]>,
}

/// A picture, still or moving.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The picture itself.
    pub file: FileRef,
    /// Pixels across; 0 if that is not known.
    pub width: u32,
    /// Pixels down; 0 if that is not known.
    pub height: u32,
    /// A small picture to show until it is fetched; at most `THUMBNAIL_MAX_BYTES`.
    pub thumbnail: Bytes,
    /// What is said with it.
    pub caption: String,
}

/// A recorded voice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voice {
    /// The recording.
    pub file: FileRef,
    /// How long it is, in milliseconds.
    pub duration_ms: u32,
    /// Loudness over time, one byte a step; at most `WAVEFORM_MAX_BYTES`.
    pub waveform: Bytes,
}

/// A place on the globe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// North, in ten millionths of a degree (WGS 84).
    pub latitude_e7: i32,
    /// East, in ten millionths of a degree.
    pub longitude_e7: i32,
    /// What it is called.
    pub name: String,
    /// How to get there by post.
    pub address: String,
}

/// Whatever an app means by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Custom {
    /// How to read the data; a name that no other app uses, as in `org.example.vote`; never empty.
    pub kind: String,
    /// The data.
    pub data: Bytes,
    /// What to show where the kind is not known.
    pub summary: String,
}

/// One message of several that are forwarded as one, as who forwards it saw it. Nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedEntry {
    /// Who is named as its sender.
    pub sender: UserId,
    /// When it was said.
    pub said_at: UnixMs,
    /// What it is, kept also if this version does not know it.
    pub kind: MessageKind,
    /// Its content, as it was.
    pub body: Bytes,
}

/// What a content holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Text.
    Text(String),
    /// An image.
    Image(Picture),
    /// A recorded voice.
    Voice(Voice),
    /// A video, and how long it is in milliseconds.
    Video(Picture, u32),
    /// Any file, and what is said with it.
    File(FileRef, String),
    /// A place.
    Location(Location),
    /// A person's card: who, and how the sender calls them.
    Card(UserId, String),
    /// Whatever the app means by it.
    Custom(Custom),
    /// A notice made by the server.
    System(String),
    /// Several messages forwarded as one, under a title.
    Merged(String, Vec<MergedEntry>),
    /// A kind this version does not know, with its content.
    Unknown(u32, Bytes),
}

impl Body {
    /// The kind that a message with this body has.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Image(_) => MessageKind::Image,
            Self::Voice(_) => MessageKind::Voice,
            Self::Video(..) => MessageKind::Video,
            Self::File(..) => MessageKind::File,
            Self::Location(_) => MessageKind::Location,
            Self::Card(..) => MessageKind::Card,
            Self::Custom(_) => MessageKind::Custom,
            Self::System(_) => MessageKind::System,
            Self::Merged(..) => MessageKind::Merged,
            Self::Unknown(code, _) => MessageKind::Unknown(*code),
        }
    }
}

/// Who said first what somebody forwards, and when. A word of who forwards it: nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Who said it.
    pub from: UserId,
    /// When.
    pub said_at: UnixMs,
}
