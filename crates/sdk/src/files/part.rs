//! The part of a download: a file beside its target. What comes is written, hashed and made durable at the same time, so
//! that a large file is there soon after its last byte.
//!
//! Two tasks own what they do: one writes, in order, so that a crash leaves a beginning of the file; the other one hashes.
//! Both go on while nobody fetches, and end with the part.

use std::convert::Infallible;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anser_types::{ErrorCode, Refusal, Sha256};
use bytes::Bytes;
use rustix::fs::OFlags;
use sha2::Digest as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::opened::{Fault, Opened, Stamp, blocking};

/// Blocks that wait for the disk, and as many that wait to be hashed.
const BLOCKS: usize = 4;
/// Bytes between two syncs on the way: the last one is not left with everything.
const SYNC_BYTES: u64 = 32 << 20;

/// How long a download that was just ended may take for its last sync, and how often its lock is asked for meanwhile.
const LET_GO_TIMEOUT: Duration = Duration::from_secs(5);
const LOCK_EVERY: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct Part {
    /// So many bytes lie in it, or are on their way into it.
    have: u64,
    /// So many it may have.
    most: u64,
    writer: mpsc::Sender<Write>,
    hasher: mpsc::Sender<Hash>,
    hashed: watch::Receiver<u64>,
    fault: Fault,
}

/// What the task that writes is told.
enum Write {
    Block(u64, Bytes),
    /// Everything is to be durable.
    Finish(oneshot::Sender<()>),
}

/// What the task that hashes is told.
enum Hash {
    Block(Bytes),
    /// The hash of everything is wanted.
    Finish(oneshot::Sender<Sha256>),
}

impl Part {
    /// Goes on with what lies in a file; what is longer than `most` cannot be the beginning of what is fetched.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) async fn of(path: PathBuf, file: Arc<File>, most: u64) -> Result<Self, Refusal> {
        let (at, looked_at) = (path.clone(), Arc::clone(&file));
        let have = blocking(move || beginning(&at, &looked_at, most)).await?;
        let fault = Fault::default();
        let (writer, to_write) = mpsc::channel(BLOCKS);
        let (hasher, to_hash) = mpsc::channel(BLOCKS);
        let (tell, hashed) = watch::channel(0);
        let stamp = Stamp { bytes: have, modified_ns: 0 };
        let before = Opened::File { path: path.clone(), file: Arc::clone(&file), stamp };
        tokio::spawn(Writer::new(path, file).run(to_write, fault.clone()));
        tokio::spawn(hash(before, to_hash, tell, fault.clone()));
        Ok(Self { have, most, writer, hasher, hashed, fault })
    }

    /// How many bytes lie in it, or are on their way into it.
    pub(super) const fn have(&self) -> u64 {
        self.have
    }

    /// Whether the disk has failed: then another one goes on with what lies in the file.
    pub(super) fn is_broken(&self) -> bool {
        self.writer.is_closed() || self.hasher.is_closed()
    }

    /// Takes the next bytes; waits while earlier ones are still being written or hashed. Dropped while it waits, it has
    /// taken nothing.
    ///
    /// # Errors
    /// `CHECKSUM_MISMATCH` when there would be more than it may have; what the disk said of these bytes or earlier ones.
    pub(super) async fn write(&mut self, block: Bytes) -> Result<(), Refusal> {
        let bytes = block.len() as u64;
        if self.have + bytes > self.most {
            let why = format!("more than its {} bytes came", self.most);
            return Err(Refusal::because(ErrorCode::ChecksumMismatch, why));
        }
        // Written twice if it is not hashed after all: to the same place.
        let write = Write::Block(self.have, block.clone());
        let taken = self.writer.send(write).await.is_ok()
            && self.hasher.send(Hash::Block(block)).await.is_ok();
        if !taken {
            return Err(self.fault());
        }
        self.have += bytes;
        Ok(())
    }

    /// Waits until everything is durable, and gives its hash. `hashed` hears how far that is.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) async fn finish(&mut self, hashed: impl Fn(u64)) -> Result<Sha256, Refusal> {
        let (durable, written) = oneshot::channel();
        let (answer, hash) = oneshot::channel();
        let asked = self.writer.send(Write::Finish(durable)).await.is_ok()
            && self.hasher.send(Hash::Finish(answer)).await.is_ok();
        if !asked {
            return Err(self.fault());
        }
        let mut progress = self.hashed.clone();
        let listening = async {
            while progress.changed().await.is_ok() {
                hashed(*progress.borrow_and_update());
            }
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            both = async { tokio::join!(written, hash) } => match both {
                (Ok(()), Ok(hash)) => Ok(hash),
                _ => Err(self.fault()),
            },
            never = listening => match never {},
        }
    }

    fn fault(&self) -> Refusal {
        let ended = || Refusal::because(ErrorCode::Internal, "writing a download ended");
        self.fault.take().unwrap_or_else(ended)
    }
}

/// The task that writes.
struct Writer {
    path: PathBuf,
    file: Arc<File>,
    unsynced: u64,
    syncing: Option<JoinHandle<Result<(), Refusal>>>,
}

impl Writer {
    const fn new(path: PathBuf, file: Arc<File>) -> Self {
        Self { path, file, unsynced: 0, syncing: None }
    }

    async fn run(mut self, mut steps: mpsc::Receiver<Write>, fault: Fault) {
        while let Some(step) = steps.recv().await {
            let done = match step {
                Write::Block(at, block) => self.write(at, block).await,
                Write::Finish(durable) => self.finish().await.map(|()| {
                    // Who asked may have gone; they ask again.
                    durable.send(()).ok();
                }),
            };
            if let Err(refusal) = done {
                // Before whoever hands over finds nobody here.
                fault.set(refusal);
                return;
            }
        }
    }

    async fn finish(&mut self) -> Result<(), Refusal> {
        self.synced().await?;
        self.sync(File::sync_all);
        self.synced().await
    }

    async fn write(&mut self, at: u64, block: Bytes) -> Result<(), Refusal> {
        self.unsynced += block.len() as u64;
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        blocking(move || {
            file.write_all_at(&block, at).map_err(|error| cannot_write(&path, &error))
        })
        .await?;
        if self.unsynced >= SYNC_BYTES {
            self.synced().await?;
            self.unsynced = 0;
            self.sync(File::sync_data);
        }
        Ok(())
    }

    /// Begins to make everything durable that was written so far.
    fn sync(&mut self, how: fn(&File) -> io::Result<()>) {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        let sync = move || {
            how(&file).map_err(|error| {
                // What was written is in doubt, also if it reads well: nobody may go on with it.
                if let Err(error) = file.set_len(0) {
                    tracing::error!(path = %path.display(), %error, "a part that is in doubt stays");
                }
                cannot_write(&path, &error)
            })
        };
        self.syncing = Some(spawn_blocking(sync));
    }

    /// Waits for that.
    async fn synced(&mut self) -> Result<(), Refusal> {
        let Some(syncing) = self.syncing.take() else { return Ok(()) };
        syncing.await.unwrap_or_else(|_| {
            Err(Refusal::because(ErrorCode::Internal, "making a download durable ended"))
        })
    }
}

/// The task that hashes: first what lay there before.
async fn hash(
    before: Opened,
    mut steps: mpsc::Receiver<Hash>,
    tell: watch::Sender<u64>,
    fault: Fault,
) {
    let hashing = before.hash(|hashed| {
        tell.send_replace(hashed);
    });
    let mut now = tokio::select! {
        hash = hashing => hash,
        // The part is dropped.
        () = tell.closed() => return,
    };
    drop(before);
    while let Ok(hash) = now {
        now = match steps.recv().await {
            None => return,
            Some(Hash::Block(block)) => blocking(move || Ok(hash.chain_update(&block))).await,
            Some(Hash::Finish(answer)) => {
                // Who asked may have gone; they ask again.
                answer.send(Sha256(hash.clone().finalize().into())).ok();
                Ok(hash)
            }
        };
    }
    // Before whoever hands over finds nobody here.
    now.map_or_else(|refusal| fault.set(refusal), drop);
}

/// Opens the file for a part, for one task alone.
///
/// # Errors
/// `NOT_EMPTY` when a link lies there, or somebody else writes to it; what the disk says.
pub(super) async fn lock(path: PathBuf) -> Result<Arc<File>, Refusal> {
    let until = Instant::now() + LET_GO_TIMEOUT;
    loop {
        let at = path.clone();
        if let Some(file) = blocking(move || open(&at)).await? {
            return Ok(Arc::new(file));
        }
        if Instant::now() >= until {
            let why = format!("{} is being written to already", path.display());
            return Err(Refusal::because(ErrorCode::NotEmpty, why));
        }
        // Nobody tells when a lock of another process, or of a task that has not ended yet, is let go.
        tokio::time::sleep(LOCK_EVERY).await;
    }
}

/// Opens and locks; `None` while somebody else has it.
fn open(path: &Path) -> Result<Option<File>, Refusal> {
    let failed = |error: io::Error| cannot_write(path, &error);
    // A link that lies there would have another file written to.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|error| if path.is_symlink() { is_link(path) } else { failed(error) })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        // A file system without locks.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "no lock"),
    }
    Ok(Some(file))
}

/// How much of what is fetched may lie in the file.
fn beginning(path: &Path, file: &File, most: u64) -> Result<u64, Refusal> {
    let failed = |error: io::Error| cannot_write(path, &error);
    let have = file.metadata().map_err(failed)?.len();
    if have <= most {
        return Ok(have);
    }
    file.set_len(0).map_err(failed)?;
    Ok(0)
}

fn is_link(part: &Path) -> Refusal {
    let why = format!("{} is a symbolic link; nothing is written through it", part.display());
    Refusal::because(ErrorCode::NotEmpty, why)
}

/// What the system said of a file that is written to.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Refusal {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::LocalDiskFull,
        _ => ErrorCode::InvalidArgument,
    };
    Refusal::because(code, format!("{} cannot be written: {error}", path.display()))
}
