//! A new store from an archive: built beside its place, checked, and moved there whole or not at all.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anser_backend::archive::{ArchiveError, Entry, Header, Reader, Subject, Summary};
use anser_backend::codec::{
    ContentRow, Devices, FileRow, read_message, read_user, write_number, write_token, write_usage,
};
use anser_backend::{DeviceKey, StoreError, Token, Usage};
use anser_types::{ConversationId, ErrorCode, FileId, LogEpoch, Seq, Sha256, UserNo};
use bytes::Bytes;

use super::export::BackupError;
use super::places::place_of;
use crate::format::Format;
use crate::keys::{self, Table};
use crate::options::{OpenError, Options};
use crate::store::EmbeddedStore;
use crate::tables::{TableBatch, TableError, Tables};

/// Rows of the state table that are written together.
const ROWS_TOGETHER: usize = 8_000;

/// What a restore is told.
#[derive(Clone, Debug)]
pub struct RestoreOptions {
    /// The new store's log epoch is above the archive's and at least this. Give the present time in seconds: then an
    /// archive that is restored a second time does not repeat an epoch that clients have seen.
    pub least_log_epoch: LogEpoch,
    /// Read everything back from the new store and compare root hashes.
    pub verify: bool,
    /// How the new store is opened for that.
    pub store: Options,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The moment the archive holds.
    pub header: Header,
    /// Counts and root hash of the archive.
    pub archive: Summary,
    /// The same of the new store, if it was read back; equal to the archive's.
    pub store: Option<Summary>,
    /// The new store's log epoch: clients that know another one resync.
    pub log_epoch: LogEpoch,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The archive is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There is something already.
    #[error("{} exists already", .0.display())]
    NotEmpty(PathBuf),
    /// The new store cannot be written or read.
    #[error("the new store: {0}")]
    Store(#[from] StoreError),
    /// The new store cannot be opened.
    #[error("the new store: {0}")]
    Open(#[from] OpenError),
    /// What was read back is not what the archive holds.
    #[error(
        "the new store does not hold what the archive holds: root hash {found} instead of {expected}"
    )]
    Differs {
        /// The archive's root hash.
        expected: String,
        /// The new store's.
        found: String,
    },
    /// The system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<TableError> for RestoreError {
    fn from(error: TableError) -> Self {
        Self::Store(error.into())
    }
}

impl From<BackupError> for RestoreError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => Self::Store(error),
            BackupError::Archive(error) => Self::Archive(error),
        }
    }
}

impl RestoreError {
    /// The catalogued error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Archive(error) => error.code(),
            Self::NotEmpty(_) => ErrorCode::NotEmpty,
            Self::Open(error) => error.code(),
            Self::Store(_) | Self::Differs { .. } | Self::Io(_) => ErrorCode::StoreFailed,
        }
    }
}

/// Makes a store in `dir`, which must not exist or be empty, from an archive. Blocks. When it returns, everything is
/// on the disk; when it fails, `dir` is as it was. Nothing of an archive that is damaged, cut off or too new is ever
/// seen under the name `dir`.
///
/// # Errors
/// [`RestoreError`] says why nothing was restored.
pub fn restore<R: Read>(
    input: R,
    dir: &Path,
    options: &RestoreOptions,
) -> Result<Restored, RestoreError> {
    let reader = Reader::begin(input)?;
    if dir.exists() && (!dir.is_dir() || fs::read_dir(dir)?.next().is_some()) {
        return Err(RestoreError::NotEmpty(dir.to_owned()));
    }
    let mut beside = dir.as_os_str().to_owned();
    beside.push(".restoring");
    let building = Building::begin(PathBuf::from(beside))?;
    let restored = build(reader, &building.path, options)?;
    building.move_to(dir)?;
    Ok(restored)
}

/// A directory that goes away unless it is moved to its place.
struct Building {
    path: PathBuf,
    moved: bool,
}

impl Building {
    fn begin(path: PathBuf) -> io::Result<Self> {
        if path.exists() {
            // Left by a restore that was killed; it was never a store.
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self { path, moved: false })
    }

    fn move_to(mut self, dir: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        if dir.exists() {
            fs::remove_dir(dir)?;
        }
        fs::rename(&self.path, dir)?;
        self.moved = true;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.moved
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished restore is left behind");
        }
    }
}

fn build<R: Read>(
    mut reader: Reader<R>,
    dir: &Path,
    options: &RestoreOptions,
) -> Result<Restored, RestoreError> {
    let header = reader.header().clone();
    let log_epoch = header.log_epoch.next().max(options.least_log_epoch);
    Format { log_epoch, ..Format::fresh() }.create_in(dir)?;
    let tables = Tables::open(&dir.join("tables"))?;
    let archive = fill(&mut reader, &tables)?;
    tables.seal()?;
    if !tables.wait_flushed() {
        return Err(StoreError::Failed("the tables cannot be flushed".into()).into());
    }
    tables.persist()?;
    drop(tables);
    // From here on it is an ordinary store. Its first start is noted as a commit, so that a checkpoint guards the
    // tables from the first day.
    let store = EmbeddedStore::open(dir, options.store.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let found =
        if options.verify { Some(runtime.block_on(store.snapshot())?.summary()?) } else { None };
    runtime.block_on(store.close())?;
    drop(store);
    if let Some(found) = found
        && (found.root, found.counts) != (archive.root, archive.counts)
    {
        let (expected, found) = (archive.root.to_string(), found.root.to_string());
        return Err(RestoreError::Differs { expected, found });
    }
    Ok(Restored { header, archive, store: found, log_epoch })
}

/// Brings every record into the tables, and what derives from them.
fn fill<R: Read>(reader: &mut Reader<R>, tables: &Tables) -> Result<Summary, RestoreError> {
    let starts = reader.header().starts;
    let mut filling = Filling {
        tables,
        batch: TableBatch::default(),
        bytes: HashMap::new(),
        usages: HashMap::new(),
    };
    filling.put(keys::starts(), |row| write_number(row, starts));
    for subject in Subject::ALL {
        let place = place_of(subject);
        if place.table == Table::State {
            while let Some(entry) = reader.next_of(subject)? {
                filling.take(&entry)?;
            }
        } else {
            // Its rows come in the order of its keys.
            tables.fill(place.table, |take| {
                while let Some(entry) = reader.next_of(subject)? {
                    take(entry.key, entry.value)?;
                    filling.derive_expiry(&entry)?;
                }
                Ok::<_, RestoreError>(())
            })?;
        }
    }
    for (user, usage) in std::mem::take(&mut filling.usages) {
        filling.put(keys::file_usage(user), |row| write_usage(row, usage));
    }
    filling.flush()?;
    // Nothing is left, or it is out of order.
    reader.next()?;
    let summary = reader.summary();
    Ok(summary.ok_or(ArchiveError::Contradiction("its records are out of order"))?)
}

/// Writes rows of the state table, which come in the order of subjects, not of its keys.
struct Filling<'a> {
    tables: &'a Tables,
    batch: TableBatch,
    /// How many bytes each content of files has.
    bytes: HashMap<Sha256, u64>,
    /// How much room each user's files take.
    usages: HashMap<UserNo, Usage>,
}

const NAMELESS_BYTES: ArchiveError = ArchiveError::Contradiction("a file has bytes without a name");
const NAMELESS_FILE: ArchiveError = ArchiveError::Contradiction("a file has no name");

impl Filling<'_> {
    fn put(&mut self, key: keys::Key, write: impl FnOnce(&mut Vec<u8>)) {
        let mut row = Vec::new();
        write(&mut row);
        self.batch.put(Table::State, key.into(), row.into());
    }

    fn take(&mut self, entry: &Entry<'_>) -> Result<(), RestoreError> {
        let key = place_of(entry.subject).key_in_table(entry.key);
        self.batch.put(Table::State, key.into(), Bytes::copy_from_slice(entry.value));
        self.derive(entry)?;
        if self.batch.len() >= ROWS_TOGETHER {
            self.flush()?;
        }
        Ok(())
    }

    /// Rows that are only another way to find a record.
    fn derive(&mut self, entry: &Entry<'_>) -> Result<(), RestoreError> {
        let number = |key: &[u8]| keys::last_number(key).map(UserNo);
        match entry.subject {
            Subject::User => {
                let no =
                    number(entry.key).ok_or(ArchiveError::Contradiction("a user has no number"))?;
                let user = read_user(no, entry.value).map_err(TableError::from)?;
                self.put(keys::user_id(&user.id), |row| write_number(row, no.0));
            }
            Subject::Devices => {
                let no =
                    number(entry.key).ok_or(ArchiveError::Contradiction("devices have no user"))?;
                self.derive_tokens(no, &Devices::read(entry.value).map_err(TableError::from)?)?;
            }
            Subject::Member => {
                let (id, user) = (entry.key.first_chunk(), number(entry.key));
                let (Some(id), Some(user)) = (id, user) else {
                    return Err(ArchiveError::Contradiction(
                        "a membership has no conversation or user",
                    )
                    .into());
                };
                self.put(keys::listing(user, ConversationId(*id)), |_| {});
            }
            Subject::FileContent => {
                let sha256 = entry.key.try_into().map(Sha256).map_err(|_| NAMELESS_BYTES)?;
                let row = ContentRow::read(sha256, entry.value).map_err(TableError::from)?;
                self.bytes.insert(sha256, row.content.bytes);
            }
            Subject::File => {
                let id = entry.key.try_into().map(FileId).map_err(|_| NAMELESS_FILE)?;
                let row = FileRow::read(entry.value).map_err(TableError::from)?;
                if row.holds == 0 {
                    self.put(keys::file_unheld(row.unheld_since, id), |_| {});
                }
                let bytes = self.bytes.get(&row.sha256).ok_or(NAMELESS_BYTES)?;
                let usage = self.usages.entry(row.owner).or_default();
                usage.files += 1;
                usage.bytes += bytes;
            }
            _ => {}
        }
        Ok(())
    }

    /// The way from a time to a message that is over then.
    fn derive_expiry(&mut self, entry: &Entry<'_>) -> Result<(), RestoreError> {
        if entry.subject != Subject::Message {
            return Ok(());
        }
        let (id, seq) = (entry.key.first_chunk(), keys::last_number(entry.key));
        let (Some(id), Some(seq)) = (id, seq) else {
            return Err(ArchiveError::Contradiction("a message has no place").into());
        };
        let (id, seq) = (ConversationId(*id), Seq(seq));
        let message = read_message(id, seq, entry.value).map_err(TableError::from)?;
        if let Some(at) = message.expires_at() {
            self.put(keys::expiring(at, id, seq), |_| {});
            if self.batch.len() >= ROWS_TOGETHER {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn derive_tokens(&mut self, no: UserNo, devices: &Devices) -> Result<(), RestoreError> {
        // All users stand before all devices; what is still in the batch must be readable now.
        let stored = |tables: &Tables| tables.get(Table::State, &keys::user(no));
        let mut row = stored(self.tables)?;
        if row.is_none() {
            self.flush()?;
            row = stored(self.tables)?;
        }
        let row =
            row.ok_or(ArchiveError::Contradiction("there are devices of a user who is not in it"))?;
        let user = read_user(no, &row).map_err(TableError::from)?;
        let present = devices.present.iter().map(|(device, hash)| (device, hash, None));
        let superseded =
            devices.superseded.iter().map(|one| (&one.device, &one.hash, Some(one.at)));
        for (device, hash, superseded_at) in present.chain(superseded) {
            let token = Token {
                device: DeviceKey { user: no, device: device.device },
                user_id: user.id.clone(),
                class: device.class,
                expires_at: device.expires_at,
                superseded_at,
            };
            self.put(keys::token(hash), |row| write_token(row, &token));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        std::mem::take(&mut self.batch).apply(self.tables, None)
    }
}
