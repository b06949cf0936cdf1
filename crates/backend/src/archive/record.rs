//! The records of an archive: nineteen subjects, each with its key and its row.

use std::fmt;

use anser_types::{ChangeNo, ConversationId, Seq, Sha256, UserNo};

use crate::codec::{
    ContentRow, DeviceRecord, Devices, FileRow, KeyRow, LastSeen, Malformed, Reader, read_change,
    read_conversation, read_edition, read_member, read_message, read_number, read_pointer,
    read_position, read_user,
};

/// What a record is about; archives are ordered by it. Keys are fixed width and big-endian but for the ends of
/// an Idempotency-Key's and an item's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Subject {
    /// The highest user number ever given; no key.
    LastUser = 1,
    /// `user_no` → user.
    User = 2,
    /// `user_no` → devices with the hashes of their tokens.
    Devices = 3,
    /// `conversation` → row.
    Conversation = 4,
    /// `conversation ‖ user_no` → membership, present or past.
    Member = 5,
    /// `conversation ‖ seq` → message or tombstone.
    Message = 6,
    /// `conversation ‖ change_no` → change.
    Change = 7,
    /// `conversation ‖ user_no` → how far a member has stored and read.
    Position = 8,
    /// `user_no` → up to where the inbox was trimmed.
    InboxFloor = 9,
    /// `user_no ‖ inbox_seq` → what the entry points at.
    InboxEntry = 10,
    /// `user_no ‖ device_no` → executed commands with the answers still kept.
    Commands = 11,
    /// `user_no ‖ device_no` → up to where the device has stored its inbox.
    Cursor = 12,
    /// `user_no ‖ key` → what an Idempotency-Key was used for.
    IdempotencyKey = 13,
    /// `conversation ‖ seq ‖ change_no` → the content that this change replaced.
    Edition = 14,
    /// `conversation ‖ item's key` → the item's last change.
    Item = 15,
    /// `user_no` → when the user's devices were connected last.
    Seen = 16,
    /// `sha256` → what is known of these bytes, and how many files have them. The bytes themselves are in no archive.
    FileContent = 17,
    /// `file` → who sent it, what it is called, which bytes it has.
    File = 18,
    /// `file ‖ conversation ‖ seq` → since which change this message holds it.
    FileHold = 19,
}

impl Subject {
    /// Every subject, in order.
    pub const ALL: [Self; 19] = [
        Self::LastUser,
        Self::User,
        Self::Devices,
        Self::Conversation,
        Self::Member,
        Self::Message,
        Self::Change,
        Self::Position,
        Self::InboxFloor,
        Self::InboxEntry,
        Self::Commands,
        Self::Cursor,
        Self::IdempotencyKey,
        Self::Edition,
        Self::Item,
        Self::Seen,
        Self::FileContent,
        Self::File,
        Self::FileHold,
    ];

    /// The subject with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| *subject as u8 == code)
    }

    /// What people call these records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastUser => "last user number",
            Self::User => "users",
            Self::Devices => "device lists",
            Self::Conversation => "conversations",
            Self::Member => "members",
            Self::Message => "messages",
            Self::Change => "changes",
            Self::Position => "positions",
            Self::InboxFloor => "inbox floors",
            Self::InboxEntry => "inbox entries",
            Self::Commands => "command records",
            Self::Cursor => "cursors",
            Self::IdempotencyKey => "idempotency keys",
            Self::Edition => "replaced contents",
            Self::Item => "items of lists",
            Self::Seen => "times devices were seen",
            Self::FileContent => "contents of files",
            Self::File => "files",
            Self::FileHold => "files in messages",
        }
    }
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is about.
    pub subject: Subject,
    /// Which one.
    pub key: &'a [u8],
    /// Its row, as [`crate::codec`] writes it.
    pub value: &'a [u8],
}

impl Entry<'_> {
    /// Reads key and row as what they say they are.
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn check(&self) -> Result<(), Malformed> {
        let mut key = Reader::new(self.key);
        let value = self.value;
        match self.subject {
            Subject::LastUser | Subject::InboxFloor | Subject::Cursor => {
                for _ in 0..self.numbers_in_key() {
                    key.u64()?;
                }
                read_number(value)?;
            }
            Subject::User => drop(read_user(UserNo(key.u64()?), value)?),
            Subject::Devices => {
                key.u64()?;
                Devices::read(value)?;
            }
            Subject::Seen => {
                key.u64()?;
                LastSeen::read(value)?;
            }
            Subject::FileContent => drop(ContentRow::read(Sha256(key.array()?), value)?),
            Subject::File => {
                key.array::<16>()?;
                FileRow::read(value)?;
            }
            Subject::FileHold => {
                key.array::<16>()?;
                let (_, _): (ConversationId, u64) = (key.conversation()?, key.u64()?);
                read_number(value)?;
            }
            Subject::Conversation => drop(read_conversation(key.conversation()?, value)?),
            Subject::Member => {
                key.conversation()?;
                read_member(UserNo(key.u64()?), value)?;
            }
            Subject::Message => drop(read_message(key.conversation()?, Seq(key.u64()?), value)?),
            Subject::Change => {
                read_change(key.conversation()?, ChangeNo(key.u64()?), value)?;
            }
            Subject::Position => {
                let (_, _): (ConversationId, u64) = (key.conversation()?, key.u64()?);
                read_position(value)?;
            }
            Subject::InboxEntry => {
                let (_, _) = (key.u64()?, key.u64()?);
                read_pointer(value)?;
            }
            Subject::Commands => {
                let (_, _) = (key.u64()?, key.u64()?);
                DeviceRecord::read(value)?;
            }
            Subject::Edition => {
                let (_, _) = (key.conversation()?, key.u64()?);
                read_edition(ChangeNo(key.u64()?), value)?;
            }
            Subject::Item => {
                key.conversation()?;
                read_number(value)?;
                return Ok(());
            }
            Subject::IdempotencyKey => {
                key.u64()?;
                let text = self.key.get(8..).unwrap_or_default();
                std::str::from_utf8(text).map_err(|_| Malformed("a text is not UTF-8"))?;
                KeyRow::read(value)?;
                return Ok(());
            }
        }
        key.end()
    }

    const fn numbers_in_key(&self) -> usize {
        match self.subject {
            Subject::InboxFloor => 1,
            Subject::Cursor => 2,
            _ => 0,
        }
    }
}

/// SHA-256 over all records of an archive; see the module above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootHash(pub [u8; 32]);

impl fmt::Display for RootHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How many records there are of each subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Subject::ALL.len()]);

impl Counts {
    /// One more.
    pub const fn add(&mut self, subject: Subject) {
        self.0[subject as usize - 1] += 1;
    }

    /// Of one subject.
    #[must_use]
    pub const fn of(&self, subject: Subject) -> u64 {
        self.0[subject as usize - 1]
    }

    /// Of one subject, as it was read.
    pub(super) const fn set(&mut self, subject: Subject, count: u64) {
        self.0[subject as usize - 1] = count;
    }

    /// Of all subjects together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every subject with its count, in order.
    pub fn each(&self) -> impl Iterator<Item = (Subject, u64)> + '_ {
        Subject::ALL.into_iter().map(|subject| (subject, self.of(subject)))
    }
}

/// What an archive as a whole is: two archives of the same content have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Records.
    pub counts: Counts,
    /// Their hash.
    pub root: RootHash,
    /// Bytes of the archive.
    pub bytes: u64,
}
