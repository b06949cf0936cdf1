//! The exactly-once records of devices, kept by the store's thread: in memory while in use, in the tables otherwise.
//!
//! The log carries single answers; a record changed in memory is *dirty* until it was handed to the tables, at a
//! checkpoint or when it was not used for long.

use std::collections::HashMap;
use std::sync::Arc;

use anser_backend::DeviceKey;
use anser_types::limits::COMMANDS_IN_FLIGHT;
use anser_types::{CommandNo, SessionEpoch};

use crate::codec::{DeviceRecord, Kept};
use crate::keys::{self, Key, Table};
use crate::tables::{TableError, Tables};

/// Records in memory at the most.
const RECORDS: usize = 16 * 1024;

#[derive(Debug, Default)]
struct Entry {
    record: DeviceRecord,
    dirty: bool,
}

/// All devices as the last commit left them, and their sessions.
#[derive(Debug, Default)]
pub struct DeviceBook {
    young: HashMap<DeviceKey, Entry>,
    old: HashMap<DeviceKey, Entry>,
    /// The latest session of every device that opened one since the start: two numbers each.
    sessions: HashMap<DeviceKey, SessionEpoch>,
    start: u64,
    opened: u64,
}

impl DeviceBook {
    /// Which start this is; known once the log was replayed.
    pub fn set_start(&mut self, start: u64) {
        self.start = start;
    }

    /// A session epoch above every earlier one of the device, in this start and in earlier ones.
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

    /// A device's record; `load` reads its row when it is not in memory.
    pub fn record(
        &mut self,
        device: DeviceKey,
        load: impl FnOnce(&Key) -> Result<Option<DeviceRecord>, TableError>,
    ) -> Result<&DeviceRecord, TableError> {
        let fresh = if self.young.contains_key(&device) {
            None
        } else if let Some(entry) = self.old.remove(&device) {
            Some(entry)
        } else {
            let record = load(&keys::device(device))?.unwrap_or_default();
            Some(Entry { record, dirty: false })
        };
        let entry = self.young.entry(device).or_default();
        if let Some(fresh) = fresh {
            *entry = fresh;
        }
        Ok(&entry.record)
    }

    /// Makes sure that a device's record is in memory.
    pub fn load(&mut self, device: DeviceKey, tables: &Tables) -> Result<(), TableError> {
        self.record(device, |key| {
            let row = tables.get(Table::State, key)?;
            Ok(row.map(|row| DeviceRecord::read(&row)).transpose()?)
        })?;
        Ok(())
    }

    /// A commit has executed commands of a device whose record is in memory.
    pub fn note(&mut self, device: DeviceKey, answered_up_to: CommandNo, kept: Kept) {
        let entry = self.young.entry(device).or_default();
        entry.record.note(answered_up_to, kept);
        entry.dirty = true;
    }

    /// Rows of records that leave memory because too many are in it.
    pub fn evict(&mut self) -> Vec<(Key, Vec<u8>)> {
        if self.young.len() < RECORDS / 2 {
            return Vec::new();
        }
        let gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        gone.into_iter().filter(|(_, entry)| entry.dirty).map(|(key, e)| row(key, &e)).collect()
    }

    /// Rows of all records that the tables do not hold yet; from now on they count as held.
    pub fn clean(&mut self) -> Vec<(Key, Vec<u8>)> {
        let mut rows = Vec::new();
        for (device, entry) in self.young.iter_mut().chain(&mut self.old) {
            if std::mem::take(&mut entry.dirty) {
                rows.push(row(*device, entry));
            }
        }
        rows
    }
}

fn row(device: DeviceKey, entry: &Entry) -> (Key, Vec<u8>) {
    let mut value = Vec::with_capacity(64 * entry.record.answers.len() + 16);
    entry.record.write(&mut value);
    (keys::device(device), value)
}

/// A device within a group of jobs: what was executed on top of its record.
#[derive(Debug)]
pub struct StagedDevice {
    /// The record before the group, shared with nobody but cheap to compare with.
    last: CommandNo,
    answered_up_to: CommandNo,
    new: Vec<(CommandNo, Kept)>,
}

/// What a command number means for a device.
#[derive(Debug)]
pub enum Numbered {
    /// The next one.
    Next,
    /// Executed; this was the answer.
    Kept(Arc<Kept>),
    /// Executed; the answer is gone.
    Forgotten,
    /// This one must come first.
    Missing(CommandNo),
}

impl StagedDevice {
    /// On top of a record.
    pub const fn over(record: &DeviceRecord) -> Self {
        Self { last: record.last, answered_up_to: CommandNo::ZERO, new: Vec::new() }
    }

    /// What this number means.
    pub fn number(&self, record: &DeviceRecord, command_no: CommandNo) -> Numbered {
        let expected = self.last.next();
        if command_no == expected {
            return Numbered::Next;
        }
        if command_no > expected {
            return Numbered::Missing(expected);
        }
        let pushed_out = command_no.0 + COMMANDS_IN_FLIGHT as u64 <= self.last.0;
        if command_no <= self.answered_up_to || pushed_out {
            return Numbered::Forgotten;
        }
        let staged = self.new.iter().map(|(_, kept)| kept);
        let found =
            staged.chain(record.kept(command_no)).find(|k| k.answer.command_no == command_no);
        found.map_or(Numbered::Forgotten, |kept| Numbered::Kept(Arc::new(kept.clone())))
    }

    /// A command was executed.
    pub fn note(&mut self, answered_up_to: CommandNo, kept: Kept) {
        self.last = kept.answer.command_no;
        let confirmed = answered_up_to.min(self.last.previous());
        self.answered_up_to = self.answered_up_to.max(confirmed);
        self.new.push((answered_up_to, kept));
    }

    /// What to note in the book after the commit.
    pub fn into_new(self) -> Vec<(CommandNo, Kept)> {
        self.new
    }

    /// The highest executed command.
    pub const fn last(&self) -> CommandNo {
        self.last
    }
}
