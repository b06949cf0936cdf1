//! What survives a crash: every log, inbox, device record, key, user and token.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use anser_types::{
    Answer, Change, ChangeNo, CommandNo, CommitNo, Conversation, ConversationId, DeviceNo, Edition,
    InboxSeq, ItemKey, LogEpoch, Member, Message, Seq, UnixMs, UserId, UserNo, Version,
};

use super::files::FileTables;
use crate::accounts::{Device, User};
use crate::codec::LastSeen;
use crate::ledger::{DeviceKey, InboxBounds};
use crate::reads::{Heads, Position};

/// Everything durable.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    /// Raised by every start; the upper half of every session epoch.
    pub starts: u64,
    pub log_epoch: LogEpoch,
    pub commit_no: CommitNo,
    pub conversations: BTreeMap<ConversationId, Log>,
    /// Which conversations each user is or was in.
    pub memberships: BTreeMap<UserNo, BTreeSet<ConversationId>>,
    pub inboxes: BTreeMap<UserNo, Inbox>,
    pub devices: BTreeMap<DeviceKey, DeviceRecord>,
    pub keys: BTreeMap<(UserNo, String), KeyRecord>,
    pub cursors: BTreeMap<DeviceKey, InboxSeq>,
    pub seen: BTreeMap<UserNo, LastSeen>,
    pub accounts: AccountTables,
    pub files: FileTables,
}

impl Durable {
    pub fn new() -> Self {
        Self {
            starts: 0,
            log_epoch: LogEpoch(1),
            commit_no: CommitNo::ZERO,
            conversations: BTreeMap::new(),
            memberships: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            devices: BTreeMap::new(),
            keys: BTreeMap::new(),
            cursors: BTreeMap::new(),
            seen: BTreeMap::new(),
            accounts: AccountTables::default(),
            files: FileTables::default(),
        }
    }

    pub fn heads(&self, id: ConversationId) -> Heads {
        self.conversations.get(&id).map_or_else(Heads::default, Log::heads)
    }

    pub fn inbox_bounds(&self, user: UserNo) -> InboxBounds {
        self.inboxes.get(&user).map_or_else(InboxBounds::default, Inbox::bounds)
    }
}

/// A conversation: its row, members, positions and both counters' logs.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub row: Option<Conversation>,
    pub members: BTreeMap<UserNo, Member>,
    pub positions: BTreeMap<UserNo, Position>,
    /// `messages[i]` has seq `i + 1`; `None` is a record that was damaged on purpose.
    pub messages: Vec<Option<Arc<Message>>>,
    /// `changes[i]` has number `i + 1`.
    pub changes: Vec<Arc<Change>>,
    /// The last change of each item.
    pub items: BTreeMap<ItemKey, ChangeNo>,
    /// Contents that were replaced, oldest first.
    pub editions: BTreeMap<Seq, Vec<Edition>>,
    /// Server time of the last message or change.
    pub last_at: UnixMs,
}

impl Log {
    pub const fn heads(&self) -> Heads {
        Heads {
            seq: Seq(self.messages.len() as u64),
            change_no: ChangeNo(self.changes.len() as u64),
        }
    }

    pub fn version(&self) -> Version {
        self.row.as_ref().map_or(Version::ZERO, |row| row.version)
    }

    pub fn message(&self, seq: Seq) -> Option<&Arc<Message>> {
        self.messages.get(index(seq.0)?)?.as_ref()
    }

    pub fn change(&self, change_no: ChangeNo) -> Option<&Arc<Change>> {
        self.changes.get(index(change_no.0)?)
    }
}

/// Where number `n` (from 1) stands in a list; `None` for zero and for what no list can hold.
pub(super) fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

/// One user's inbox: entries `(floor, floor + len]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    pub floor: InboxSeq,
    pub entries: VecDeque<InboxRow>,
}

impl Inbox {
    pub fn bounds(&self) -> InboxBounds {
        InboxBounds { floor: self.floor, head: InboxSeq(self.floor.0 + self.entries.len() as u64) }
    }
}

/// One entry of an inbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct InboxRow {
    pub at: UnixMs,
    pub target: InboxTarget,
}

/// What an entry points at.
#[derive(Clone, Copy, Debug)]
pub(super) enum InboxTarget {
    Message(ConversationId, Seq),
    Change(ConversationId, ChangeNo),
    ReadSync(ConversationId, Seq),
}

/// The exactly-once record of one device.
#[derive(Clone, Debug, Default)]
pub(super) struct DeviceRecord {
    /// Highest executed command.
    pub highest: CommandNo,
    /// The client has stored all answers up to here.
    pub answered_up_to: CommandNo,
    /// The answers that are kept, ascending.
    pub answers: VecDeque<KeptAnswer>,
}

/// An answer with the hash of the bytes it answers.
#[derive(Clone, Debug)]
pub(super) struct KeptAnswer {
    pub hash: [u8; 16],
    pub answer: Answer,
}

/// The answer to a request with an idempotency key.
#[derive(Clone, Debug)]
pub(super) struct KeyRecord {
    pub kept: KeptAnswer,
    /// When it was executed; it is new again `IDEMPOTENCY_KEEP_MS` later.
    pub at: UnixMs,
}

/// Users, devices and tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct AccountTables {
    pub users: BTreeMap<UserNo, User>,
    pub numbers: BTreeMap<UserId, UserNo>,
    /// The highest device number ever used by each user.
    pub last_device: BTreeMap<UserNo, DeviceNo>,
    pub tokens: BTreeMap<[u8; 32], StoredToken>,
}

/// A token and the device it belongs to.
#[derive(Clone, Debug)]
pub(super) struct StoredToken {
    pub user: UserNo,
    pub device: Device,
    /// Counts the device's tokens: the lowest is the one it is known to hold.
    pub age: u64,
    /// A newer one was used in its place: the how manieth of the device it was, and when.
    pub superseded: Option<(u64, UnixMs)>,
}
