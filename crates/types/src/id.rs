//! Identifiers: who, which device, which conversation, which message.

use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

use crate::limits::USER_ID_MAX_BYTES;
use crate::number::LocalNo;

/// Why a text is no valid identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Empty text.
    #[error("an id needs at least one character")]
    Empty,
    /// Longer than the limit.
    #[error("an id has at most {USER_ID_MAX_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    /// A character that would break logs, terminals or URLs.
    #[error("an id may not contain white space, control characters or '/' (found {0:?})")]
    Character(char),
    /// Not the 32 hexadecimal digits of a conversation id.
    #[error("a conversation id is 32 hexadecimal digits")]
    NotHex,
    /// Not the 32 hexadecimal digits of a file's name at the server.
    #[error("a file's name at the server is 32 hexadecimal digits")]
    NotAFile,
    /// Not the 64 hexadecimal digits of a SHA-256.
    #[error("a SHA-256 is 64 hexadecimal digits")]
    NotAHash,
}

/// A user's public name: 1–64 bytes of UTF-8, case-sensitive, validated once here, never given out again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Validates and keeps a user id.
    ///
    /// # Errors
    /// [`InvalidId`] names the rule that is broken.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            return Err(InvalidId::Empty);
        }
        if text.len() > USER_ID_MAX_BYTES {
            return Err(InvalidId::TooLong(text.len()));
        }
        match text.chars().find(|c| c.is_whitespace() || c.is_control() || *c == '/') {
            Some(c) => Err(InvalidId::Character(c)),
            None => Ok(Self(Arc::from(text))),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({})", self.0)
    }
}

impl std::str::FromStr for UserId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

/// A user's fixed-width number inside the server; keys use it so that no id is a prefix of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserNo(pub u64);

/// A device's number, scoped by its user; a new installation always takes a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNo(pub u64);

impl fmt::Display for DeviceNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a device is; decides the duplicate-login policy (newest wins per class, without limit for `Cli` and `Bot`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceClass {
    /// A phone.
    Phone,
    /// A tablet.
    Pad,
    /// A desktop program.
    Desktop,
    /// A browser.
    Web,
    /// A command line; any number at once.
    Cli,
    /// A bot or an app server; any number at once.
    Bot,
}

impl DeviceClass {
    /// Every class, in code order.
    pub const ALL: [Self; 6] =
        [Self::Phone, Self::Pad, Self::Desktop, Self::Web, Self::Cli, Self::Bot];

    /// Stable number used on the wire and in stores, from 1.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Phone => 1,
            Self::Pad => 2,
            Self::Desktop => 3,
            Self::Web => 4,
            Self::Cli => 5,
            Self::Bot => 6,
        }
    }

    /// The class with this code, if any.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }

    /// The name used in JSON, the command line and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Pad => "pad",
            Self::Desktop => "desktop",
            Self::Web => "web",
            Self::Cli => "cli",
            Self::Bot => "bot",
        }
    }

    /// The class with this name, if any.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// A message's identity from the moment it is composed: its device and that device's compose counter (requirement A3).
///
/// Scoped by the sender; shown to apps as `client_msg_id` in the form `device-local_no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// The sending device.
    pub device: DeviceNo,
    /// Its compose counter.
    pub local_no: LocalNo,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.device, self.local_no)
    }
}

/// A conversation's id. The lowest bit of the last byte is the kind bit: 0 direct, 1 made by the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub [u8; 16]);

impl ConversationId {
    /// The id of the direct conversation of two users (or of one with oneself), the same from either side:
    /// the first 16 bytes of SHA-256("anser direct 1" ‖ len a ‖ a ‖ len b ‖ b) with a ≤ b and the kind bit cleared.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "user ids have at most 64 bytes")]
    pub fn direct(one: &UserId, other: &UserId) -> Self {
        let (a, b) = if one <= other { (one, other) } else { (other, one) };
        let mut hash = Sha256::new();
        hash.update(b"anser direct 1");
        for id in [a, b] {
            hash.update([id.as_str().len() as u8]);
            hash.update(id.as_str().as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        bytes[15] &= 0xfe;
        Self(bytes)
    }

    /// A user's own conversation, with oneself: its messages are notes, its changes alter the user's own lists
    /// ([`crate::list`]).
    #[must_use]
    pub fn own(user: &UserId) -> Self {
        Self::direct(user, user)
    }

    /// A group's id from a fresh UUIDv7, with the kind bit set.
    #[must_use]
    pub const fn group(uuid_v7: [u8; 16]) -> Self {
        let mut bytes = uuid_v7;
        bytes[15] |= 1;
        Self(bytes)
    }

    /// Whether the kind bit says "direct".
    #[must_use]
    pub const fn is_direct(self) -> bool {
        self.0[15] & 1 == 0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConversationId({self})")
    }
}

impl std::str::FromStr for ConversationId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read_hex(text).map(Self).ok_or(InvalidId::NotHex)
    }
}

/// Writes bytes as hexadecimal digits, two for each.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// The bytes of exactly `2 * N` hexadecimal digits.
pub(crate) fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}
