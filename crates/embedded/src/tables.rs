//! The tables: three keyspaces of fjall, fed from the commit log and read by everybody.
//!
//! Nothing here is fsynced per commit; the log is what makes a commit durable. A checkpoint flushes every memtable
//! to (synced) table files, after which the log's part before it is not needed any more.

use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anser_backend::StoreError;
use bytes::Bytes;
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, LsmError, PersistMode, Slice,
};

use crate::backup::Frozen;
use crate::codec::{Malformed, read_number, write_number};
use crate::commit::{Operation, Operations};
use crate::keys::{self, Table};
use crate::table_files::{BadFile, FilesError};

const MEMTABLE_BYTES: u64 = 16 << 20;
const CACHE_BYTES: u64 = 64 << 20;

/// Why the tables could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// fjall says so.
    #[error("the tables failed: {0}")]
    Fjall(#[from] fjall::Error),
    /// A row makes no sense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A file is not as it was written.
    #[error("the tables failed: {}: {}", .0.place, .0.why)]
    File(BadFile),
}

impl From<FilesError> for TableError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Bad(bad) => Self::File(bad),
            FilesError::Io(error) => Self::Fjall(error.into()),
        }
    }
}

impl TableError {
    /// Whether the system refused to read or write, rather than that what was read makes no sense or is missing.
    pub fn is_of_the_system(&self) -> bool {
        match self {
            Self::Fjall(fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error))) => {
                error.raw_os_error().is_some() && error.kind() != std::io::ErrorKind::NotFound
            }
            Self::Fjall(fjall::Error::Poisoned) => true,
            Self::Fjall(_) | Self::Malformed(_) | Self::File(_) => false,
        }
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        if error.is_of_the_system() {
            Self::Failed(error.to_string())
        } else {
            Self::Damaged(error.to_string())
        }
    }
}

/// How often the tables were read: nothing may be scanned at open, and a direct message costs four operations.
#[derive(Debug, Default)]
pub struct TableCounters {
    reads: AtomicU64,
    writes: AtomicU64,
}

/// A range of keys, both ends included.
pub type KeyRange = RangeInclusive<Vec<u8>>;

/// All keys that begin with `prefix` and go on with eight bytes of number: from `first` to `last`.
pub fn numbered(prefix: &[u8], first: u64, last: u64) -> KeyRange {
    [prefix, &first.to_be_bytes()].concat()..=[prefix, &last.to_be_bytes()].concat()
}

/// Takes one row.
pub type TakeRow<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), TableError> + 'a;

/// The three keyspaces.
pub struct Tables {
    database: Database,
    keyspaces: [Keyspace; 3],
    counters: TableCounters,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl Tables {
    /// Opens or makes the tables, whose files were checked.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        // With two, one of them spins while the other one compacts.
        Self::open_with(path, 1)
    }

    /// The same for somebody who only looks: nothing is flushed or compacted.
    pub fn open_to_look(path: &Path) -> Result<Self, TableError> {
        Self::open_with(path, 0)
    }

    fn open_with(path: &Path, workers: usize) -> Result<Self, TableError> {
        let database = Database::builder(path)
            .worker_threads_unchecked(workers)
            .cache_size(CACHE_BYTES)
            .manual_journal_persist(true)
            .journal_compression(CompressionType::None)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let open = |table: Table| database.keyspace(table.name(), options);
        let keyspaces = [open(Table::Messages)?, open(Table::Inbox)?, open(Table::State)?];
        Ok(Self { database, keyspaces, counters: TableCounters::default() })
    }

    fn keyspace(&self, table: Table) -> &Keyspace {
        &self.keyspaces[usize::from(table.code())]
    }

    /// A row.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Slice>, TableError> {
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self.keyspace(table).get(key)?)
    }

    /// Gives rows in key order (or backwards) until `take` breaks.
    pub fn scan(
        &self,
        table: Table,
        range: KeyRange,
        backwards: bool,
        mut take: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, TableError>,
    ) -> Result<(), TableError> {
        if range.is_empty() {
            return Ok(());
        }
        let mut rows = self.keyspace(table).range(range);
        loop {
            self.counters.reads.fetch_add(1, Ordering::Relaxed);
            let row = if backwards { rows.next_back() } else { rows.next() };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.into_inner()?;
            if take(&key, &value)?.is_break() {
                return Ok(());
            }
        }
    }

    /// The last row of a range: one reverse seek.
    pub fn last(
        &self,
        table: Table,
        range: KeyRange,
    ) -> Result<Option<(Slice, Slice)>, TableError> {
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        self.keyspace(table).range(range).next_back().map(|row| Ok(row.into_inner()?)).transpose()
    }

    /// The first row of a range.
    pub fn first(
        &self,
        table: Table,
        range: KeyRange,
    ) -> Result<Option<(Slice, Slice)>, TableError> {
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        self.keyspace(table).range(range).next().map(|row| Ok(row.into_inner()?)).transpose()
    }

    /// The last commit that reached the tables.
    pub fn applied(&self) -> Result<u64, TableError> {
        let Some(row) = self.get(Table::State, &keys::applied())? else { return Ok(0) };
        Ok(read_number(&row)?)
    }

    /// Everything as it is now; see [`Frozen`]. Only the thread that applies commits knows which one was the last.
    pub fn freeze(&self) -> Frozen {
        Frozen::new(self.database.snapshot(), self.keyspaces.clone())
    }

    /// Fills an empty table with the rows that `feed` gives in key order, much faster than by batches. They are there,
    /// and synced, only when this returns.
    pub fn fill<E: From<TableError>>(
        &self,
        table: Table,
        feed: impl FnOnce(&mut TakeRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ingestion = self.keyspace(table).start_ingestion().map_err(TableError::from)?;
        feed(&mut |key, value| Ok(ingestion.write(key, value)?))?;
        Ok(ingestion.finish().map_err(TableError::from)?)
    }

    /// Seals every memtable, so that [`Tables::wait_flushed`] can wait for what was applied so far.
    pub fn seal(&self) -> Result<(), TableError> {
        for keyspace in &self.keyspaces {
            keyspace.rotate_memtable()?;
        }
        Ok(())
    }

    /// Waits until every sealed memtable has become a synced table file. Returns `false` if that will never be.
    pub fn wait_flushed(&self) -> bool {
        while self.keyspaces.iter().any(|keyspace| keyspace.sealed_memtable_count() > 0) {
            // The only public question that a poisoned database answers with an error.
            if self.database.persist(PersistMode::Buffer).is_err() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Makes fjall's own journal durable; at shutdown only, so that the next open finds no torn tail there.
    pub fn persist(&self) -> Result<(), TableError> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// Reads and writes so far.
    pub fn counts(&self) -> (u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.counters.reads), load(&self.counters.writes))
    }
}

/// Writes that reach the tables together, the last one of each row.
#[derive(Debug, Default)]
pub struct TableBatch {
    writes: Vec<(Table, Bytes, Option<Bytes>)>,
}

impl TableBatch {
    /// Sets a row.
    pub fn put(&mut self, table: Table, key: Bytes, value: Bytes) {
        self.writes.push((table, key, Some(value)));
    }

    /// Adds a commit's table operations. Answers are for the keeper of device records, not for the tables.
    pub fn commit(&mut self, payload: &Bytes) -> Result<(), TableError> {
        for operation in Operations::of(payload) {
            match operation? {
                Operation::Put(table, key, value) => {
                    self.put(table, payload.slice_ref(key), payload.slice_ref(value));
                }
                Operation::Remove(table, key) => {
                    self.writes.push((table, payload.slice_ref(key), None));
                }
                Operation::Answer(..) => {}
            }
        }
        Ok(())
    }

    /// Writes so far.
    pub const fn len(&self) -> usize {
        self.writes.len()
    }

    /// Applies the batch, as the state up to `applied` if that is said.
    pub fn apply(mut self, tables: &Tables, applied: Option<u64>) -> Result<(), TableError> {
        if let Some(commit_no) = applied {
            let mut row = Vec::with_capacity(11);
            write_number(&mut row, commit_no);
            self.put(Table::State, keys::applied().into(), row.into());
        }
        // In key order the memtable is searched along paths that are in the processor's cache.
        self.writes.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut batch = tables.database.batch();
        let mut written = 0;
        for (at, (table, key, value)) in self.writes.iter().enumerate() {
            // All writes of a batch have one sequence number in the tables: only a row's last one may go there.
            if self.writes.get(at + 1).is_some_and(|next| (next.0, &next.1) == (*table, key)) {
                continue;
            }
            written += 1;
            match value {
                Some(value) => batch.insert(tables.keyspace(*table), &key[..], &value[..]),
                None => batch.remove(tables.keyspace(*table), &key[..]),
            }
        }
        tables.counters.writes.fetch_add(written, Ordering::Relaxed);
        Ok(batch.commit()?)
    }
}
