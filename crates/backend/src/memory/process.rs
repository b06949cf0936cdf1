//! What a crash loses: sessions, soft positions that were not written, and the store's mood.

use std::collections::BTreeMap;

use anser_types::{ConversationId, DeviceNo, InboxSeq, Seq, SessionEpoch, UnixMs, UserNo};

use super::state::Durable;
use crate::ledger::{DeviceKey, SoftPosition, StoreError};
use crate::reads::Position;

/// The memory of one run of the store.
#[derive(Debug)]
pub(super) struct Process {
    /// Which start this is; a handle of another start finds the store closed.
    pub start: u64,
    opened: u64,
    sessions: BTreeMap<DeviceKey, SessionEpoch>,
    pub soft: Soft,
    /// The trimmer goes on behind this user.
    pub trimmed_up_to: UserNo,
    /// Keys are looked at from behind this one on.
    pub expired_up_to: Option<(UserNo, String)>,
    pub full: Option<String>,
    pub poisoned: Option<String>,
}

impl Process {
    pub fn started(start: u64) -> Self {
        Self {
            start,
            opened: 0,
            sessions: BTreeMap::new(),
            soft: Soft::default(),
            trimmed_up_to: UserNo(0),
            expired_up_to: None,
            full: None,
            poisoned: None,
        }
    }

    /// No process runs: every handle finds the store closed (starts count from 1).
    pub fn dead() -> Self {
        Self::started(0)
    }

    /// Fails if the store was poisoned or is not run by the start `by` any more.
    pub fn check(&self, by: u64) -> Result<(), StoreError> {
        if self.start != by {
            return Err(StoreError::Closed);
        }
        match &self.poisoned {
            Some(text) => Err(StoreError::Failed(text.clone())),
            None => Ok(()),
        }
    }

    /// A session epoch above every earlier one of the device, of this start and of earlier ones.
    pub fn open_session(&mut self, device: DeviceKey) -> SessionEpoch {
        self.opened += 1;
        let epoch = SessionEpoch((self.start << 32) | self.opened);
        self.sessions.insert(device, epoch);
        epoch
    }

    /// The lowest epoch that may still append for the device.
    pub fn fence(&self, device: DeviceKey) -> SessionEpoch {
        self.sessions.get(&device).copied().unwrap_or(SessionEpoch(self.start << 32))
    }
}

/// Soft positions that no commit has carried yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Soft {
    pub cursors: BTreeMap<DeviceKey, InboxSeq>,
    pub delivered: BTreeMap<(ConversationId, UserNo), Seq>,
    pub seen: BTreeMap<DeviceKey, UnixMs>,
}

impl Soft {
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty() && self.delivered.is_empty() && self.seen.is_empty()
    }

    pub fn note(&mut self, position: SoftPosition) {
        match position {
            SoftPosition::Cursor { device, up_to } => {
                let noted = self.cursors.entry(device).or_default();
                *noted = up_to.max(*noted);
            }
            SoftPosition::Delivered { conversation, user, up_to } => {
                let noted = self.delivered.entry((conversation, user)).or_default();
                *noted = up_to.max(*noted);
            }
            SoftPosition::Seen { device, at } => {
                let noted = self.seen.entry(device).or_default();
                *noted = at.max(*noted);
            }
        }
    }

    /// Forgets what a commit has carried; what was noted since stays.
    pub fn forget(&mut self, carried: &Self) {
        self.cursors
            .retain(|device, up_to| carried.cursors.get(device).is_none_or(|c| *up_to > *c));
        self.delivered.retain(|of, up_to| carried.delivered.get(of).is_none_or(|c| *up_to > *c));
        self.seen.retain(|device, at| carried.seen.get(device).is_none_or(|c| *at > *c));
    }

    /// Makes these positions durable.
    pub fn write_to(self, durable: &mut Durable) {
        for (device, up_to) in self.cursors {
            let stored = durable.cursors.entry(device).or_default();
            *stored = up_to.max(*stored);
        }
        for ((conversation, user), up_to) in self.delivered {
            let log = durable.conversations.entry(conversation).or_default();
            let stored = &mut log.positions.entry(user).or_default().delivered;
            *stored = up_to.max(*stored);
        }
        for (device, at) in self.seen {
            durable.seen.entry(device.user).or_default().raise(device.device, at);
        }
    }

    /// When each of a user's devices was connected last, durable or noted.
    pub fn seen(&self, durable: &Durable, user: UserNo) -> Vec<(DeviceNo, UnixMs)> {
        let mut seen = durable.seen.get(&user).cloned().unwrap_or_default();
        let noted = self.seen.iter().filter(|(device, _)| device.user == user);
        for (device, at) in noted {
            seen.raise(device.device, *at);
        }
        seen.listed()
    }

    /// A device's cursor, durable or noted.
    pub fn cursor(&self, durable: &Durable, device: DeviceKey) -> InboxSeq {
        let stored = durable.cursors.get(&device).copied().unwrap_or_default();
        let noted = self.cursors.get(&device).copied().unwrap_or_default();
        stored.max(noted)
    }

    /// A user's positions in a conversation, durable or noted.
    pub fn position(&self, durable: &Durable, id: ConversationId, user: UserNo) -> Position {
        let stored = durable
            .conversations
            .get(&id)
            .and_then(|log| log.positions.get(&user).copied())
            .unwrap_or_default();
        let noted = self.delivered.get(&(id, user)).copied().unwrap_or_default();
        Position { delivered: stored.delivered.max(noted), ..stored }
    }
}
