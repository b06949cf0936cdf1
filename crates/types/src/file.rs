//! Files: what is sent beside messages and fetched when it is looked at.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::id::{InvalidId, UserNo, read_hex, write_hex};
use crate::time::UnixMs;

/// A file's name at the server: random, made by the server, never given again. Knowing it gives nobody the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 16]);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({self})")
    }
}

impl FromStr for FileId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read_hex(text).map(Self).ok_or(InvalidId::NotAFile)
    }
}

/// The SHA-256 of a file's bytes, which is also where the bytes are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read_hex(text).map(Self).ok_or(InvalidId::NotAHash)
    }
}

/// What a browser may show where it stands: formats of which no browser runs anything, and of pictures only those out of
/// which it can be taken where they were made.
const SHOWN: [&str; 12] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/mp4",
    "audio/aac",
    "audio/flac",
];

/// Whether a browser may show a file of this media type by itself. Everything else is saved.
#[must_use]
pub fn may_be_shown(media_type: &str) -> bool {
    SHOWN.contains(&media_type)
}

/// A complete file: its bytes are all there and have this hash (guarantee G21).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name at the server.
    pub id: FileId,
    /// Who sent it here.
    pub owner: UserNo,
    /// What its owner calls it; may be empty.
    pub name: String,
    /// What it is, found out from its bytes, as in `image/png`.
    pub media_type: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many bytes came: more where a picture told something beside its pixels.
    pub sent_bytes: u64,
    /// Their hash.
    pub sha256: Sha256,
    /// What it looks like, if it is a picture or a video of which a picture could be made.
    pub look: Option<Look>,
    /// When it was complete.
    pub created_at: UnixMs,
}

/// What a picture looks like, before it is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Pixels across, turned as it is shown.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How long it is, in milliseconds; 0 for what does not move.
    pub duration_ms: u32,
    /// Some 25 bytes that paint a blur of it (<https://evanw.github.io/thumbhash/>).
    pub thumbhash: Bytes,
    /// A small JPEG to travel within the message; at most `THUMBNAIL_MAX_BYTES`.
    pub preview: Bytes,
    /// The sizes in which it can be fetched.
    pub thumbnails: Vec<ThumbnailSize>,
}

coded! {
    /// A size in which a picture can be fetched: as a JPEG that fits into a square.
    ThumbnailSize {
        /// 160 pixels, for lists.
        #[default]
        Small = 1,
        /// 480 pixels, for a conversation.
        Medium = 2,
        /// 1,280 pixels, for a screen.
        Large = 3,
    }
}

impl ThumbnailSize {
    /// Every size, ascending.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The side of the square, in pixels.
    #[must_use]
    pub const fn pixels(self) -> u32 {
        match self {
            Self::Small => 160,
            Self::Medium => 480,
            Self::Large => 1_280,
        }
    }

    /// Its name in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// The size with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }
}
