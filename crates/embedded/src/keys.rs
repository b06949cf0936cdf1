//! The keys of the tables: fixed width (but for public ids, idempotency keys and items, which stand last) and big-endian,
//! so that the order of keys is the order of numbers and no key is a prefix of another one's family.

use anser_backend::DeviceKey;
use anser_types::{
    ChangeNo, ConversationId, FileId, InboxSeq, ItemKey, Seq, Sha256, UnixMs, UserId, UserNo,
};

/// A table: one keyspace of the tree store. Few, and all written regularly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `conversation ‖ seq` → message.
    Messages,
    /// `user_no ‖ inbox_seq` → pointer.
    Inbox,
    /// Everything else, by a leading tag.
    State,
}

impl Table {
    /// Every table, in code order.
    pub const ALL: [Self; 3] = [Self::Messages, Self::Inbox, Self::State];

    /// Stable number in the commit log.
    pub const fn code(self) -> u8 {
        match self {
            Self::Messages => 0,
            Self::Inbox => 1,
            Self::State => 2,
        }
    }

    /// The table with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.code() == code)
    }

    /// The keyspace's name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Inbox => "inbox",
            Self::State => "state",
        }
    }
}

/// The first byte of a key of [`Table::State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// The last commit that reached the tables.
    Applied = 1,
    /// How often the store was started.
    Starts = 2,
    /// `conversation` → row.
    Conversation = 10,
    /// `conversation ‖ user_no` → membership.
    Member = 11,
    /// `conversation ‖ user_no` → positions.
    Position = 12,
    /// `conversation ‖ change_no` → change.
    Change = 13,
    /// `user_no ‖ conversation` → nothing: the conversations of a user.
    Listing = 14,
    /// `conversation ‖ seq ‖ change_no` → the content that this change replaced.
    Edition = 15,
    /// `conversation ‖ item's key` → the item's last change.
    Item = 16,
    /// `time ‖ conversation ‖ seq` → nothing: the messages that are over at a time.
    Expiring = 17,
    /// `user_no ‖ device_no` → executed commands.
    Device = 20,
    /// `user_no ‖ device_no` → cursor.
    Cursor = 21,
    /// `user_no ‖ key` → answer.
    IdempotencyKey = 22,
    /// `user_no` → inbox floor.
    Floor = 23,
    /// `user_no` → when the user's devices were connected last.
    Seen = 24,
    /// `file` → who sent it, what it is called, which bytes it has.
    File = 25,
    /// `file ‖ conversation ‖ seq` → since which change this message holds it.
    FileHold = 26,
    /// `time ‖ file` → nothing: the files that no message has held since a time.
    FileUnheld = 27,
    /// `user_no` → how much of the user's room is taken.
    FileUsage = 28,
    /// The highest user number ever given.
    LastUser = 29,
    /// `user_no` → user.
    User = 30,
    /// `user id` → user_no.
    UserId = 31,
    /// `user_no` → devices.
    Devices = 32,
    /// `hash` → token.
    Token = 33,
    /// `sha256` → what is known of these bytes.
    FileContent = 40,
    /// `sha256` → nothing: bytes that no file has any more, and that are to be removed.
    FileDoomed = 41,
}

/// A key, built on the stack as far as possible.
pub type Key = Vec<u8>;

fn tagged(tag: Tag, parts: &[&[u8]]) -> Key {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(tag as u8);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// A message's key in [`Table::Messages`].
pub fn message(conversation: ConversationId, seq: Seq) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&conversation.0);
    key[16..].copy_from_slice(&seq.0.to_be_bytes());
    key
}

/// An entry's key in [`Table::Inbox`].
pub fn inbox(user: UserNo, inbox_seq: InboxSeq) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&user.0.to_be_bytes());
    key[8..].copy_from_slice(&inbox_seq.0.to_be_bytes());
    key
}

/// The row of the last applied commit.
pub fn applied() -> Key {
    tagged(Tag::Applied, &[])
}

/// The start counter.
pub fn starts() -> Key {
    tagged(Tag::Starts, &[])
}

/// A conversation's row.
pub fn conversation(id: ConversationId) -> Key {
    tagged(Tag::Conversation, &[&id.0])
}

/// A membership.
pub fn member(id: ConversationId, user: UserNo) -> Key {
    tagged(Tag::Member, &[&id.0, &user.0.to_be_bytes()])
}

/// A member's positions.
pub fn position(id: ConversationId, user: UserNo) -> Key {
    tagged(Tag::Position, &[&id.0, &user.0.to_be_bytes()])
}

/// A change.
pub fn change(id: ConversationId, change_no: ChangeNo) -> Key {
    tagged(Tag::Change, &[&id.0, &change_no.0.to_be_bytes()])
}

/// A content that was replaced.
pub fn edition(id: ConversationId, seq: Seq, until: ChangeNo) -> Key {
    tagged(Tag::Edition, &[&id.0, &seq.0.to_be_bytes(), &until.0.to_be_bytes()])
}

/// What the keys of all contents of one message that were replaced begin with.
pub fn editions(id: ConversationId, seq: Seq) -> Key {
    tagged(Tag::Edition, &[&id.0, &seq.0.to_be_bytes()])
}

/// An item of a list, or what the keys of several begin with.
pub fn item(id: ConversationId, key: &ItemKey) -> Key {
    tagged(Tag::Item, &[&id.0, &key.0])
}

/// A message among those that are over at a time.
pub fn expiring(at: UnixMs, id: ConversationId, seq: Seq) -> Key {
    tagged(Tag::Expiring, &[&at.0.to_be_bytes(), &id.0, &seq.0.to_be_bytes()])
}

/// The message at the end of such a key, or of one that [`file_hold`] makes.
pub fn last_message(key: &[u8]) -> Option<(ConversationId, Seq)> {
    let (rest, seq) = key.split_last_chunk()?;
    Some((last_conversation(rest)?, Seq(u64::from_be_bytes(*seq))))
}

/// A conversation in a user's list.
pub fn listing(user: UserNo, id: ConversationId) -> Key {
    tagged(Tag::Listing, &[&user.0.to_be_bytes(), &id.0])
}

fn by_device(tag: Tag, device: DeviceKey) -> Key {
    tagged(tag, &[&device.user.0.to_be_bytes(), &device.device.0.to_be_bytes()])
}

/// A device's executed commands.
pub fn device(device: DeviceKey) -> Key {
    by_device(Tag::Device, device)
}

/// A device's cursor.
pub fn cursor(device: DeviceKey) -> Key {
    by_device(Tag::Cursor, device)
}

/// When a user's devices were connected last.
pub fn seen(user: UserNo) -> Key {
    tagged(Tag::Seen, &[&user.0.to_be_bytes()])
}

/// What an Idempotency-Key was used for.
pub fn idempotency(user: UserNo, key: &str) -> Key {
    tagged(Tag::IdempotencyKey, &[&user.0.to_be_bytes(), key.as_bytes()])
}

/// The least and the greatest key that what an Idempotency-Key was used for may have.
pub fn all_idempotency() -> (Key, Key) {
    // Behind the user's number stands text, which has no byte 0xff.
    (tagged(Tag::IdempotencyKey, &[]), tagged(Tag::IdempotencyKey, &[&[0xff; 9]]))
}

/// An inbox's floor.
pub fn floor(user: UserNo) -> Key {
    tagged(Tag::Floor, &[&user.0.to_be_bytes()])
}

/// A file.
pub fn file(id: FileId) -> Key {
    tagged(Tag::File, &[&id.0])
}

/// A message that holds a file.
pub fn file_hold(id: FileId, conversation: ConversationId, seq: Seq) -> Key {
    tagged(Tag::FileHold, &[&id.0, &conversation.0, &seq.0.to_be_bytes()])
}

/// A file among those that no message has held since a time.
pub fn file_unheld(since: UnixMs, id: FileId) -> Key {
    tagged(Tag::FileUnheld, &[&since.0.to_be_bytes(), &id.0])
}

/// How much of a user's room is taken.
pub fn file_usage(user: UserNo) -> Key {
    tagged(Tag::FileUsage, &[&user.0.to_be_bytes()])
}

/// What is known of the bytes of files.
pub fn file_content(sha256: Sha256) -> Key {
    tagged(Tag::FileContent, &[&sha256.0])
}

/// Bytes that are to be removed.
pub fn file_doomed(sha256: Sha256) -> Key {
    tagged(Tag::FileDoomed, &[&sha256.0])
}

/// The highest user number ever given.
pub fn last_user() -> Key {
    tagged(Tag::LastUser, &[])
}

/// A user by number.
pub fn user(no: UserNo) -> Key {
    tagged(Tag::User, &[&no.0.to_be_bytes()])
}

/// A user by public id.
pub fn user_id(id: &UserId) -> Key {
    tagged(Tag::UserId, &[id.as_str().as_bytes()])
}

/// A user's devices.
pub fn devices(no: UserNo) -> Key {
    tagged(Tag::Devices, &[&no.0.to_be_bytes()])
}

/// A token.
pub fn token(hash: &[u8; 32]) -> Key {
    tagged(Tag::Token, &[hash])
}

/// The number in a key's last eight bytes.
pub fn last_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk()?))
}

/// The conversation in a key's last sixteen bytes.
pub fn last_conversation(key: &[u8]) -> Option<ConversationId> {
    Some(ConversationId(*key.last_chunk()?))
}
