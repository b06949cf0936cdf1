//! What the store's thread and the readers share: tables, what is pending, bounded caches of *committed* state, and
//! the store's condition. Only the store's thread writes here, and only after the commit.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anser_backend::{Heads, InboxBounds, Position, Roster, StoreError, User};
use anser_types::{
    ChangeNo, ConversationId, Edition, InboxSeq, LogEpoch, Member, Message, Seq, UnixMs, UserId,
    UserNo,
};
use bytes::Bytes;
use parking_lot::Mutex;

use crate::cache::Cache;
use crate::codec::{
    Malformed, read_change, read_conversation, read_edition, read_member, read_message, read_number,
};
use crate::keys::{self, Table};
use crate::pending::Pending;
use crate::soft::Soft;
use crate::tables::{TableError, Tables, numbered};

/// Conversations whose heads are remembered, some 64 bytes each: at least half as many active ones cost no reads.
const HEADS: usize = 256 * 1024;
/// Members of all rosters that are remembered, some 250 bytes each: two in each direct conversation.
const ROSTER_MEMBERS: usize = 512 * 1024;
/// Inboxes whose bounds are remembered, some 48 bytes each: two for each direct conversation.
const INBOXES: usize = 512 * 1024;
/// Users who are remembered.
const USERS: usize = 64 * 1024;

/// The last numbers of a conversation and the time of its last record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadState {
    /// Last numbers.
    pub heads: Heads,
    /// Server time never goes back below this.
    pub last_at: UnixMs,
}

#[derive(Debug)]
struct Users {
    by_id: Cache<UserId, User>,
    ids: Cache<UserNo, UserId>,
    /// Raised by every change of a user: what was read before it may not be remembered after it.
    changes: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Core {
    /// The tables.
    pub tables: Arc<Tables>,
    /// What is durable but not in them yet.
    pub pending: Arc<Pending>,
    /// Positions that may be lost.
    pub soft: Mutex<Soft>,
    /// See [`LogEpoch`].
    pub log_epoch: LogEpoch,
    heads: Mutex<Cache<ConversationId, HeadState>>,
    rosters: Mutex<Cache<ConversationId, Arc<Roster>>>,
    inboxes: Mutex<Cache<UserNo, InboxBounds>>,
    users: Mutex<Users>,
    durable: AtomicU64,
    full: Mutex<Option<String>>,
    failed: Mutex<Option<StoreError>>,
}

impl Core {
    /// Over tables that hold everything up to `applied`; the log ends at `durable`.
    pub fn new(
        tables: Arc<Tables>,
        pending: Arc<Pending>,
        log_epoch: LogEpoch,
        durable: u64,
    ) -> Self {
        Self {
            tables,
            pending,
            soft: Mutex::default(),
            log_epoch,
            heads: Mutex::new(Cache::new(HEADS)),
            rosters: Mutex::new(Cache::new(ROSTER_MEMBERS)),
            inboxes: Mutex::new(Cache::new(INBOXES)),
            users: Mutex::new(Users {
                by_id: Cache::new(USERS),
                ids: Cache::new(USERS),
                changes: 0,
            }),
            durable: AtomicU64::new(durable),
            full: Mutex::new(None),
            failed: Mutex::new(None),
        }
    }

    /// The last durable commit.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Notes a durable commit.
    pub fn set_durable(&self, commit_no: u64) {
        self.durable.store(commit_no, Ordering::Release);
    }

    /// Why appends are refused, if they are.
    pub fn full(&self) -> Option<String> {
        self.full.lock().clone()
    }

    /// Notes whether there is space.
    pub fn set_full(&self, full: Option<String>) {
        let mut noted = self.full.lock();
        if noted.is_some() != full.is_some() {
            match &full {
                Some(text) => tracing::warn!("the store refuses writes: {text}"),
                None => tracing::info!("the store has space again and accepts writes"),
            }
        }
        *noted = full;
    }

    /// Stops the store for good; the first reason stays. Returns what everybody is told.
    pub fn poison(&self, error: StoreError) -> StoreError {
        self.failed.lock().get_or_insert(error).clone()
    }

    /// Refuses if the store was stopped for good, by a write, by the tables, or by its owner.
    pub fn check(&self) -> Result<(), StoreError> {
        let failed = self.failed.lock().clone();
        failed.or_else(|| self.pending.failure()).map_or(Ok(()), Err)
    }

    /// A single row of the state table, with everything durable.
    pub fn row(&self, key: &[u8]) -> Result<Option<Bytes>, TableError> {
        if let Some(pending) = self.pending.row(key) {
            return Ok(pending);
        }
        Ok(self.tables.get(Table::State, key)?.map(|row| Bytes::copy_from_slice(&row)))
    }

    /// Heads from memory.
    pub fn cached_heads(&self, id: ConversationId) -> Option<HeadState> {
        self.heads.lock().get(&id)
    }

    /// Heads from the tables, which must be settled for the conversation.
    pub fn stored_heads(&self, id: ConversationId) -> Result<HeadState, TableError> {
        let mut state = HeadState::default();
        let last = self.tables.last(Table::Messages, numbered(&id.0, 0, u64::MAX))?;
        if let Some((key, row)) = last {
            state.heads.seq = Seq(number_of(&key)?);
            state.last_at = read_message(id, state.heads.seq, &row)?.server_time;
        }
        let range = keys::change(id, ChangeNo::ZERO)..=keys::change(id, ChangeNo::MAX);
        if let Some((key, row)) = self.tables.last(Table::State, range)? {
            state.heads.change_no = ChangeNo(number_of(&key)?);
            let change = read_change(id, state.heads.change_no, &row)?;
            state.last_at = state.last_at.max(change.at);
        }
        Ok(state)
    }

    /// A roster from memory.
    pub fn cached_roster(&self, id: ConversationId) -> Option<Arc<Roster>> {
        self.rosters.lock().get(&id)
    }

    /// A roster from the tables, which must be settled for the conversation; of a channel, the row alone.
    pub fn stored_roster(&self, id: ConversationId) -> Result<Option<Arc<Roster>>, TableError> {
        let Some(row) = self.tables.get(Table::State, &keys::conversation(id))? else {
            return Ok(None);
        };
        let conversation = read_conversation(id, &row)?;
        let mut members = Vec::new();
        if conversation.channel().is_some() {
            return Ok(Some(Arc::new(Roster { conversation, members })));
        }
        let range = keys::member(id, UserNo(0))..=keys::member(id, UserNo(u64::MAX));
        self.tables.scan(Table::State, range, false, |key, row| {
            members.push(read_member(UserNo(number_of(key)?), row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Some(Arc::new(Roster { conversation, members })))
    }

    /// A membership, with everything durable.
    pub fn member(&self, id: ConversationId, user: UserNo) -> Result<Option<Member>, TableError> {
        let row = self.row(&keys::member(id, user))?;
        Ok(row.map(|row| read_member(user, &row)).transpose()?)
    }

    /// A message from the tables, which must be settled for its conversation.
    pub fn stored_message(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Result<Option<Message>, TableError> {
        let row = self.tables.get(Table::Messages, &keys::message(id, seq))?;
        Ok(row.map(|row| read_message(id, seq, &row)).transpose()?)
    }

    /// The contents a message had before, oldest first, from the tables, which must be settled for its conversation.
    pub fn stored_editions(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Result<Vec<Edition>, TableError> {
        let mut found = Vec::new();
        let range = keys::edition(id, seq, ChangeNo::ZERO)..=keys::edition(id, seq, ChangeNo::MAX);
        self.tables.scan(Table::State, range, false, |key, row| {
            found.push(read_edition(ChangeNo(number_of(key)?), row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Inbox bounds from memory.
    pub fn cached_inbox(&self, user: UserNo) -> Option<InboxBounds> {
        self.inboxes.lock().get(&user)
    }

    /// Inbox bounds from the tables, which must be settled for the user.
    pub fn stored_inbox(&self, user: UserNo) -> Result<InboxBounds, TableError> {
        let last = self.tables.last(Table::Inbox, numbered(&user.0.to_be_bytes(), 0, u64::MAX))?;
        let Some((key, _)) = last else { return Ok(InboxBounds::default()) };
        let floor = self.tables.get(Table::State, &keys::floor(user))?;
        let floor = floor.map(|row| read_number(&row)).transpose()?.unwrap_or(0);
        Ok(InboxBounds { floor: InboxSeq(floor), head: InboxSeq(number_of(&key)?) })
    }

    /// Puts what a commit left into the caches.
    pub fn remember(
        &self,
        conversations: impl Iterator<Item = (ConversationId, HeadState, Option<Arc<Roster>>)>,
        inboxes: impl Iterator<Item = (UserNo, InboxBounds)>,
    ) {
        let mut heads = self.heads.lock();
        let mut rosters = self.rosters.lock();
        for (id, state, roster) in conversations {
            heads.insert(id, state);
            if let Some(roster) = roster {
                let weight = roster.members.len().max(1);
                rosters.insert_weighing(id, roster, weight);
            }
        }
        drop((heads, rosters));
        let mut cache = self.inboxes.lock();
        inboxes.for_each(|(user, bounds)| cache.insert(user, bounds));
    }

    /// A user by public id.
    pub fn user(&self, id: &UserId) -> Result<Option<User>, TableError> {
        let changes = {
            let mut users = self.users.lock();
            if let Some(user) = users.by_id.get(id) {
                return Ok(Some(user));
            }
            users.changes
        };
        let Some(row) = self.row(&keys::user_id(id))? else { return Ok(None) };
        self.load_user(UserNo(read_number(&row)?), changes)
    }

    /// A user by number.
    pub fn user_by_no(&self, no: UserNo) -> Result<Option<User>, TableError> {
        let changes = {
            let mut users = self.users.lock();
            let id = users.ids.get(&no);
            if let Some(user) = id.and_then(|id| users.by_id.get(&id)) {
                return Ok(Some(user));
            }
            users.changes
        };
        self.load_user(no, changes)
    }

    fn load_user(&self, no: UserNo, changes: u64) -> Result<Option<User>, TableError> {
        let Some(row) = self.row(&keys::user(no))? else { return Ok(None) };
        let user = crate::codec::read_user(no, &row)?;
        let mut users = self.users.lock();
        if users.changes == changes {
            users.ids.insert(no, user.id.clone());
            users.by_id.insert(user.id.clone(), user.clone());
        }
        Ok(Some(user))
    }

    /// A commit has changed a user.
    pub fn remember_user(&self, user: User) {
        let mut users = self.users.lock();
        users.changes += 1;
        users.ids.insert(user.no, user.id.clone());
        users.by_id.insert(user.id.clone(), user);
    }

    /// A member's positions, durable and noted.
    pub fn position(&self, id: ConversationId, user: UserNo) -> Result<Position, TableError> {
        // Noted first: what a flush moves from memory to disk meanwhile is then seen at least once.
        let noted = self.soft.lock().delivered(id, user);
        let row = self.row(&keys::position(id, user))?;
        let stored = row.map(|row| crate::codec::read_position(&row)).transpose()?;
        let stored = stored.unwrap_or_default();
        Ok(Position { delivered: stored.delivered.max(noted), read: stored.read })
    }
}

/// The number at the end of a key.
pub fn number_of(key: &[u8]) -> Result<u64, Malformed> {
    keys::last_number(key).ok_or(Malformed("a key is too short"))
}
