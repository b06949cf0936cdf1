//! A commit in the making: what a group of jobs would change, laid over what is committed.
//!
//! Nothing of it is visible to readers. Dropping it undoes everything.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use anser_backend::{DeviceKey, Heads, InboxBounds, Position, Roster, StoreError, User};
use anser_types::{CommandNo, ConversationId, InboxSeq, Message, Seq, UnixMs, UserNo, Version};
use bytes::Bytes;

use super::devices::{DeviceBook, Numbered, StagedDevice};
use crate::codec::{
    DeviceRecord, Kept, Malformed, Pointer, read_message, read_position, write_number,
    write_pointer, write_position,
};
use crate::commit::{CommitBuilder, Operation, Operations};
use crate::core::{Core, HeadState};
use crate::keys::{self, Key, Table};
use crate::log::HEADER_BYTES;
use crate::pending::{Scope, Touched};
use crate::tables::TableError;

/// Why a job stages nothing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The job is refused; the store is sound.
    #[error(transparent)]
    Refused(StoreError),
    /// The store cannot be trusted any more.
    #[error(transparent)]
    Broken(#[from] StoreError),
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<Malformed> for Fault {
    fn from(error: Malformed) -> Self {
        Self::Broken(TableError::from(error).into())
    }
}

/// A conversation as the group leaves it so far.
#[derive(Debug)]
pub struct StagedConversation {
    /// Last numbers and time.
    pub state: HeadState,
    /// Row and members.
    pub roster: Option<Arc<Roster>>,
    changed: bool,
}

impl StagedConversation {
    /// The version the rules compare with.
    pub fn version(&self) -> Version {
        self.roster.as_ref().map_or(Version::ZERO, |roster| roster.version())
    }

    /// The time a record gets that happens at `at`: never before the conversation's last one.
    pub fn tick(&mut self, at: UnixMs) -> UnixMs {
        self.changed = true;
        self.state.last_at = self.state.last_at.max(at);
        self.state.last_at
    }

    /// Last numbers.
    pub const fn heads(&self) -> Heads {
        self.state.heads
    }

    /// Readers must see this conversation's new state.
    pub const fn touch(&mut self) {
        self.changed = true;
    }
}

/// Rows by key as a commit leaves them so far; `None` where it removed one.
pub type Written = BTreeMap<Vec<u8>, Option<Bytes>>;

/// See the module.
#[derive(Debug)]
pub struct Stage<'a> {
    core: &'a Core,
    devices: &'a mut DeviceBook,
    staged: Staged,
}

/// What a group leaves for caches, readers and the device book once it is committed.
#[derive(Debug)]
pub struct Staged {
    commit: CommitBuilder,
    conversations: HashMap<ConversationId, StagedConversation>,
    inboxes: HashMap<UserNo, InboxBounds>,
    devices: HashMap<DeviceKey, StagedDevice>,
    rows: HashMap<Key, Option<Range<usize>>>,
    /// Messages as this commit alters them.
    altered: HashMap<(ConversationId, Seq), Message>,
    listings: Vec<UserNo>,
    users: Vec<User>,
}

impl<'a> Stage<'a> {
    /// An empty commit over what is committed.
    pub fn over(core: &'a Core, devices: &'a mut DeviceBook) -> Self {
        Self {
            core,
            devices,
            staged: Staged {
                commit: CommitBuilder::with_header(HEADER_BYTES),
                conversations: HashMap::new(),
                inboxes: HashMap::new(),
                devices: HashMap::new(),
                rows: HashMap::new(),
                altered: HashMap::new(),
                listings: Vec::new(),
                users: Vec::new(),
            },
        }
    }

    /// What is committed.
    pub const fn core(&self) -> &'a Core {
        self.core
    }

    /// The sessions of devices.
    pub const fn devices(&mut self) -> &mut DeviceBook {
        self.devices
    }

    /// The commit so far.
    pub const fn commit(&mut self) -> &mut CommitBuilder {
        &mut self.staged.commit
    }

    /// Nothing more is staged.
    pub fn finish(self) -> Staged {
        self.staged
    }

    /// A conversation.
    pub fn conversation(&mut self, id: ConversationId) -> Result<&mut StagedConversation, Fault> {
        if !self.staged.conversations.contains_key(&id) {
            let core = self.core;
            let (heads, roster) = (core.cached_heads(id), core.cached_roster(id));
            if heads.is_none() || roster.is_none() {
                core.pending.settle_blocking(Scope::Conversation(id))?;
            }
            let state = heads.map_or_else(|| core.stored_heads(id), Ok)?;
            let roster = roster.map_or_else(|| core.stored_roster(id), |found| Ok(Some(found)))?;
            self.staged
                .conversations
                .insert(id, StagedConversation { state, roster, changed: false });
        }
        self.staged
            .conversations
            .get_mut(&id)
            .ok_or_else(|| StoreError::Failed("a staged conversation vanished".into()).into())
    }

    /// Members of a channel are not at hand: this one is read, if there is one. Nobody else's are touched.
    pub fn fetch_member(&mut self, id: ConversationId, user: UserNo) -> Result<(), Fault> {
        let core = self.core;
        let Some(roster) = &mut self.conversation(id)?.roster else { return Ok(()) };
        if roster.conversation.channel().is_none() {
            return Ok(());
        }
        let at = roster.members.binary_search_by_key(&user, |member| member.user_no);
        if let Err(place) = at
            && let Some(member) = core.member(id, user)?
        {
            Arc::make_mut(roster).members.insert(place, member);
        }
        Ok(())
    }

    /// A message as the commit leaves it so far. Costs a read of the tables, and waits until they have caught up with
    /// its conversation.
    pub fn message(&self, id: ConversationId, seq: Seq) -> Result<Option<Message>, Fault> {
        if let Some(message) = self.staged.altered.get(&(id, seq)) {
            return Ok(Some(message.clone()));
        }
        self.core.pending.settle_blocking(Scope::Conversation(id))?;
        if let Some(message) = self.core.stored_message(id, seq)? {
            return Ok(Some(message));
        }
        let key = keys::message(id, seq);
        let row = self.written(Table::Messages, &key)?.remove(&key[..]).flatten();
        Ok(row.map(|row| read_message(id, seq, &row)).transpose()?)
    }

    /// The message is in this commit as it is here.
    pub fn altered(&mut self, message: Message) {
        self.staged.altered.insert((message.conversation, message.seq), message);
    }

    /// What the commit has done so far to rows whose keys begin so; `None` where it removed one. Reads all of it.
    pub fn written(&self, table: Table, prefix: &[u8]) -> Result<Written, Fault> {
        let mut written = Written::new();
        for operation in Operations::of(self.staged.commit.bytes_behind(HEADER_BYTES)) {
            match operation? {
                Operation::Put(other, key, row) if other == table && key.starts_with(prefix) => {
                    written.insert(key.to_vec(), Some(Bytes::copy_from_slice(row)));
                }
                Operation::Remove(other, key) if other == table && key.starts_with(prefix) => {
                    written.insert(key.to_vec(), None);
                }
                _ => {}
            }
        }
        Ok(written)
    }

    /// An inbox.
    pub fn inbox(&mut self, user: UserNo) -> Result<InboxBounds, Fault> {
        if let Some(bounds) = self.staged.inboxes.get(&user) {
            return Ok(*bounds);
        }
        match self.core.cached_inbox(user) {
            Some(bounds) => Ok(bounds),
            None => {
                self.core.pending.settle_blocking(Scope::User(user))?;
                Ok(self.core.stored_inbox(user)?)
            }
        }
    }

    /// Adds an inbox entry.
    pub fn deliver(&mut self, user: UserNo, pointer: &Pointer) -> Result<InboxSeq, Fault> {
        let mut bounds = self.inbox(user)?;
        bounds.head = bounds.head.next();
        self.staged.inboxes.insert(user, bounds);
        self.staged.commit.put(Table::Inbox, &keys::inbox(user, bounds.head), |out| {
            write_pointer(out, pointer);
        });
        Ok(bounds.head)
    }

    /// Removes an inbox's entries up to a new floor.
    pub fn trim(&mut self, user: UserNo, floor: InboxSeq) -> Result<u64, Fault> {
        let mut bounds = self.inbox(user)?;
        let floor = floor.min(bounds.head.previous());
        if floor <= bounds.floor {
            return Ok(0);
        }
        let removed = floor.0 - bounds.floor.0;
        for number in bounds.floor.0 + 1..=floor.0 {
            self.staged.commit.remove(Table::Inbox, &keys::inbox(user, InboxSeq(number)));
        }
        self.put_row(keys::floor(user), |out| write_number(out, floor.0));
        bounds.floor = floor;
        self.staged.inboxes.insert(user, bounds);
        Ok(removed)
    }

    /// What a command number means for a device.
    pub fn number(&mut self, device: DeviceKey, no: CommandNo) -> Result<Numbered, Fault> {
        let core = self.core;
        let record = self.devices.record(device, |key| {
            Ok(core.row(key)?.map(|row| DeviceRecord::read(&row)).transpose()?)
        })?;
        let staged =
            self.staged.devices.entry(device).or_insert_with(|| StagedDevice::over(record));
        Ok(staged.number(record, no))
    }

    /// The highest executed command of a device.
    pub fn last_command(&mut self, device: DeviceKey) -> Result<CommandNo, Fault> {
        self.number(device, CommandNo::MAX)?;
        Ok(self.staged.devices.get(&device).map(StagedDevice::last).unwrap_or_default())
    }

    /// Keeps an answer; [`Stage::number`] has just said that it is the next one.
    pub fn keep(&mut self, device: DeviceKey, answered_up_to: CommandNo, kept: Kept) {
        self.staged.commit.answer(device, answered_up_to, &kept);
        if let Some(staged) = self.staged.devices.get_mut(&device) {
            staged.note(answered_up_to, kept);
        }
    }

    /// A single row of the state table.
    pub fn row(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.staged.rows.get(key) {
            Some(Some(range)) => {
                Ok(Some(Bytes::copy_from_slice(self.staged.commit.value_at(range.clone()))))
            }
            Some(None) => Ok(None),
            None => Ok(self.core.row(key)?),
        }
    }

    /// Sets a single row of the state table.
    pub fn put_row(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        self.staged.put_row(key, write);
    }

    /// Removes a single row of the state table.
    pub fn remove_row(&mut self, key: Key) {
        self.staged.commit.remove(Table::State, &key);
        self.staged.rows.insert(key, None);
    }

    /// A member's positions, without what is only noted.
    pub fn position(&self, id: ConversationId, user: UserNo) -> Result<Position, Fault> {
        let row = self.row(&keys::position(id, user))?;
        Ok(row.map(|row| read_position(&row)).transpose()?.unwrap_or_default())
    }

    /// Raises a member's positions; what is not higher stays.
    pub fn raise(
        &mut self,
        id: ConversationId,
        user: UserNo,
        least: Position,
    ) -> Result<(), Fault> {
        let old = self.position(id, user)?;
        let new = Position {
            delivered: old.delivered.max(least.delivered),
            read: old.read.max(least.read),
        };
        if new != old {
            self.put_row(keys::position(id, user), |out| write_position(out, new));
        }
        Ok(())
    }

    /// A user came into a conversation for the first time: it is in their list.
    pub fn list(&mut self, user: UserNo, id: ConversationId) {
        self.staged.commit.put(Table::State, &keys::listing(user, id), |_| {});
        self.staged.listings.push(user);
    }

    /// A user was made or changed; remembered after the commit.
    pub fn user_changed(&mut self, user: User) {
        self.staged.users.push(user);
    }
}

/// What is remembered of a roster: of a channel, the row alone.
fn at_hand(roster: Arc<Roster>) -> Arc<Roster> {
    if roster.conversation.channel().is_none() || roster.members.is_empty() {
        return roster;
    }
    Arc::new(Roster { conversation: roster.conversation.clone(), members: Vec::new() })
}

impl Staged {
    /// Whether anything is to be committed.
    pub const fn is_empty(&self) -> bool {
        self.commit.operations() == 0
    }

    /// Sets a single row of the state table.
    pub fn put_row(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        let range = self.commit.put(Table::State, &key, write);
        self.rows.insert(key, Some(range));
    }

    /// Takes the commit's bytes and the number of its operations out.
    pub fn take_commit(mut self) -> (Vec<u8>, usize, Self) {
        let commit = std::mem::take(&mut self.commit);
        let operations = commit.operations();
        (commit.into_bytes(), operations, self)
    }

    /// Tells caches, readers and the device book that everything is durable. `sealed` is the commit as written.
    pub fn publish(self, core: &Core, devices: &mut DeviceBook, commit_no: u64, sealed: &Bytes) {
        let conversations = self.conversations.iter().filter(|(_, staged)| staged.changed);
        let scopes = conversations
            .map(|(id, _)| Scope::Conversation(*id))
            .chain(self.inboxes.keys().chain(&self.listings).map(|user| Scope::User(*user)))
            .collect();
        let rows = self
            .rows
            .into_iter()
            .map(|(key, range)| (key, range.map(|range| sealed.slice(range))))
            .collect();
        core.pending.publish(commit_no, Touched { rows, scopes });
        core.remember(
            self.conversations
                .into_iter()
                .filter(|(_, staged)| staged.roster.is_some() || staged.changed)
                .map(|(id, staged)| (id, staged.state, staged.roster.map(at_hand))),
            self.inboxes.into_iter(),
        );
        self.users.into_iter().for_each(|user| core.remember_user(user));
        for (device, staged) in self.devices {
            for (answered_up_to, kept) in staged.into_new() {
                devices.note(device, answered_up_to, kept);
            }
        }
        core.set_durable(commit_no);
    }
}
