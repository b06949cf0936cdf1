//! Opening a directory: lock, format, log, tables, replay, start counter, threads. Nothing in the tables is scanned.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;

use crate::applier::Applier;
use crate::codec::read_number;
use crate::commit::{Operation, Operations};
use crate::core::Core;
use crate::disk::{Directory, Disk};
use crate::format::{FORMAT, FORMAT_FILE, Format, FormatError};
use crate::keys::{self, Table};
use crate::log::{Checkpoint, CommitLog, Damage, DurableMark, has_segments, recover};
use crate::marker::Marker;
use crate::options::{OpenError, Options};
use crate::pending::Pending;
use crate::table_files::TableFiles;
use crate::tables::{TableBatch, TableError, Tables};
use crate::writer::{self, DeviceBook, Handle, Parts};

/// Table operations replayed together.
const REPLAY_OPERATIONS: usize = 4_000;

/// The lock on a directory; ends with the process at the latest.
#[derive(Debug)]
pub struct LockFile(#[expect(dead_code, reason = "held for its lock")] File);

/// A store that runs.
#[derive(Debug)]
pub struct Opened {
    /// Shared with the readers.
    pub core: Arc<Core>,
    /// The way to the store's thread.
    pub writer: Handle,
    /// The store's thread.
    pub thread: JoinHandle<()>,
    /// Notes the last durable commit.
    pub marker: Marker,
    /// Keeps others out.
    pub lock: LockFile,
}

impl From<Damage> for OpenError {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::Io(error) => Self::Io(error),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<TableError> for OpenError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Fjall(fjall::Error::Locked) => Self::InUse("tables".into()),
            error if error.is_of_the_system() => Self::Io(std::io::Error::other(error)),
            other => Self::Damaged(format!(
                "{other}; copy the data directory before anything else, then restore a backup"
            )),
        }
    }
}

/// Opens a directory.
pub fn open(dir: &Path, options: Options) -> Result<Opened, OpenError> {
    std::fs::create_dir_all(dir)?;
    let lock = lock(dir)?;
    let format = read_format(dir)?;
    let disk = match options.disk {
        Some(disk) => disk,
        None => Arc::new(Directory::open(&dir.join("log"))?),
    };
    let checkpoint = Checkpoint::read(&*disk).map_err(Damage::from)?;
    let (mark, marked) = DurableMark::open(&disk).map_err(Damage::from)?;
    let is_untouched = checkpoint == 0 && marked == 0 && !has_segments(&*disk)?;
    // Read twice: the tables are touched only when the log is known to hold everything behind the checkpoint.
    recover(&*disk, format.salt, checkpoint, marked, |_, _| Ok(()))?;
    let tables = Arc::new(open_tables(dir, is_untouched)?);
    let applied = tables.applied()?;
    if applied < checkpoint {
        return Err(Damage::Tables { applied, checkpoint }.into());
    }
    let mut replay = Replay::new(&tables);
    let recovered = recover(&*disk, format.salt, checkpoint, marked, |commit_no, payload| {
        replay.commit(commit_no, payload)
    })?;
    if applied > recovered.last {
        let text = format!(
            "the tables hold commit {applied}, the commit log ends at {} ({} acknowledged commits are concerned)",
            recovered.last,
            applied - recovered.last
        );
        return Err(OpenError::Damaged(text));
    }
    let mut devices = replay.finish(recovered.last)?;
    let starts = tables.get(Table::State, &keys::starts())?;
    let starts = starts.map(|row| read_number(&row)).transpose().map_err(TableError::from)?;
    let start = starts.unwrap_or(0) + 1;
    devices.set_start(start);
    let min_free_bytes = options.min_free_bytes.max(2 * options.segment_bytes);
    let log = CommitLog::resume(Arc::clone(&disk), format.salt, options.segment_bytes, recovered);
    let pending = Arc::new(Pending::new(log.last()));
    let core = Core::new(Arc::clone(&tables), Arc::clone(&pending), format.log_epoch, log.last());
    let core = Arc::new(core);
    let parts = Parts {
        core: Arc::clone(&core),
        log,
        applier: Applier::start(tables, pending, Arc::clone(&disk), checkpoint)?,
        devices,
        disk,
        min_free_bytes,
        checkpoint_bytes: options.checkpoint_bytes,
        unnoted_start: Some(start),
    };
    let marker = Marker::start(Arc::clone(&core), mark)?;
    let (writer, thread) = writer::start(parts)?;
    Ok(Opened { core, writer, thread, marker, lock })
}

/// Keeps every other process out of a directory.
pub fn lock(dir: &Path) -> Result<LockFile, OpenError> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(LockFile(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Opens the tables as the last checkpoint left them, or later. If there never was a commit, tables that cannot be opened are those of a first start that was
/// killed while it made them: they are put aside (nothing is ever thrown away here) and made again.
fn open_tables(dir: &Path, is_untouched: bool) -> Result<Tables, OpenError> {
    let path = dir.join("tables");
    let checked = || -> Result<Tables, TableError> {
        let files = TableFiles::of(&path);
        if path.exists() {
            files.check(is_untouched)?;
            files.forget_journal().map_err(fjall::Error::from)?;
        }
        Tables::open(&path)
    };
    match checked() {
        Err(TableError::Fjall(fjall::Error::Locked)) => Err(OpenError::InUse(path)),
        Err(error) if is_untouched => {
            let aside = (1..).map(|n| dir.join(format!("tables.unfinished-{n}")));
            let Some(aside) = { aside }.find(|aside| !aside.exists()) else {
                return Err(error.into());
            };
            tracing::warn!(%error, aside = %aside.display(), "the first start was interrupted; its tables are made again");
            std::fs::rename(&path, aside)?;
            Ok(Tables::open(&path)?)
        }
        other => Ok(other?),
    }
}

fn read_format(dir: &Path) -> Result<Format, OpenError> {
    let directory = Directory::open(dir)?;
    let Some(content) = directory.read(FORMAT_FILE)? else {
        // A directory without this file but with a log is no new store: its salt is lost.
        if dir.join("log").exists() || dir.join("tables").exists() {
            let text = "the store's file 'format' is missing; restore it from a backup";
            return Err(OpenError::Damaged(text.into()));
        }
        let format = Format::fresh();
        format.create_in(dir)?;
        return Ok(format);
    };
    Format::read(&content).map_err(|error| match error {
        FormatError::TooNew(found) => OpenError::TooNew { found, known: FORMAT },
        FormatError::Damaged => {
            let text = "the store's file 'format' is damaged; restore it from a backup";
            OpenError::Damaged(text.into())
        }
    })
}

/// Brings the tables and device records to the end of the log.
struct Replay<'a> {
    tables: &'a Tables,
    batch: TableBatch,
    devices: DeviceBook,
}

impl<'a> Replay<'a> {
    fn new(tables: &'a Tables) -> Self {
        Self { tables, batch: TableBatch::default(), devices: DeviceBook::default() }
    }

    fn commit(&mut self, commit_no: u64, payload: &[u8]) -> Result<(), Damage> {
        let nonsense = |error: TableError| Damage::Nonsense(format!("commit {commit_no}: {error}"));
        for operation in Operations::of(payload) {
            let operation = operation.map_err(|error| nonsense(error.into()))?;
            let Operation::Answer(device, answered_up_to, kept) = operation else { continue };
            // A record that was handed to the tables later than this commit has the answer already.
            self.devices.load(device, self.tables).map_err(nonsense)?;
            self.devices.note(device, answered_up_to, *kept);
        }
        self.batch.commit(&Bytes::copy_from_slice(payload)).map_err(nonsense)?;
        let gone = self.devices.evict();
        let evicted = !gone.is_empty();
        for (key, row) in gone {
            self.batch.put(Table::State, key.into(), row.into());
        }
        if self.batch.len() >= REPLAY_OPERATIONS || evicted {
            self.apply(commit_no).map_err(nonsense)?;
        }
        Ok(())
    }

    fn apply(&mut self, commit_no: u64) -> Result<(), TableError> {
        std::mem::take(&mut self.batch).apply(self.tables, Some(commit_no))
    }

    fn finish(mut self, last: u64) -> Result<DeviceBook, TableError> {
        if self.batch.len() > 0 {
            self.apply(last)?;
        }
        Ok(self.devices)
    }
}
