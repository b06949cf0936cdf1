//! A source whose bytes are all there: read at any place, hashed, and looked at whether it is still the same.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anser_types::{ErrorCode, Refusal, Sha256};
use bytes::Bytes;
use futures::StreamExt as _;
use parking_lot::Mutex;
use sha2::Digest;
use tokio::sync::mpsc;

use crate::http::{Challenge, PieceBytes};

/// Bytes hashed between two looks at whether anybody still wants it.
const HASHED_AT_A_TIME: u64 = 32 << 20;
/// Bytes read at a time for that.
const READ_AT_A_TIME: usize = 256 << 10;

/// Bytes handed over at a time, and how many of them wait to be sent: 1 MiB.
const SENT_AT_A_TIME: usize = 128 << 10;
const READ_AHEAD: usize = 8;

/// Why a source could not be read to its end, if it could not.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Arc<Mutex<Option<Refusal>>>);

impl Fault {
    pub(super) fn take(&self) -> Option<Refusal> {
        self.0.lock().take()
    }

    /// The first one counts.
    pub(super) fn set(&self, refusal: Refusal) {
        self.0.lock().get_or_insert(refusal);
    }
}

/// By what one sees that a file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its bytes.
    pub(crate) bytes: u64,
    /// When it was written to last, in nanoseconds since 1970.
    pub(crate) modified_ns: i64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified_ns = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        Self { bytes: metadata.len(), modified_ns }
    }
}

/// The source.
#[derive(Clone, Debug)]
pub(super) enum Opened {
    File { path: PathBuf, file: Arc<File>, stamp: Stamp },
    Memory(Bytes),
}

impl Opened {
    /// Opens a file.
    pub(super) async fn file(path: PathBuf) -> Result<Self, Refusal> {
        blocking(move || {
            let unreadable = |error: io::Error| cannot_read(&path, &error);
            let file = File::open(&path).map_err(unreadable)?;
            let metadata = file.metadata().map_err(unreadable)?;
            if !metadata.is_file() {
                let why = format!("{} is no file", path.display());
                return Err(Refusal::because(ErrorCode::InvalidArgument, why));
            }
            Ok(Self::File { file: Arc::new(file), stamp: Stamp::of(&metadata), path })
        })
        .await
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::File { stamp, .. } => stamp.bytes,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    const fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::File { stamp, .. } => Some(*stamp),
            Self::Memory(_) => None,
        }
    }

    /// The file is taken for the one of this stamp: if it is not, [`Self::changed`] tells.
    pub(super) const fn taken_for(&mut self, of: Stamp) {
        if let Self::File { stamp, .. } = self {
            *stamp = of;
        }
    }

    /// The same source as it is now, if it is another one than before: the path may lead to another file.
    pub(super) async fn changed(&self) -> Result<Option<Self>, Refusal> {
        let Self::File { path, stamp, .. } = self else { return Ok(None) };
        let now = Self::file(path.clone()).await?;
        Ok((now.stamp() != Some(*stamp)).then_some(now))
    }

    /// All of it; for what is small.
    pub(super) async fn all(&self) -> Result<Bytes, Refusal> {
        let (source, length) = (self.clone(), usize::try_from(self.bytes()).unwrap_or(usize::MAX));
        blocking(move || source.read(0, length)).await
    }

    /// So many bytes from this offset on, read while those before them are on their way. What cannot be read is told by
    /// the second value when the first has ended with an error.
    pub(super) fn stream(&self, mut from: u64, bytes: u64) -> (PieceBytes, Fault) {
        let (chunks, queue) = mpsc::channel(READ_AHEAD);
        let fault = Fault::default();
        let (source, to, told) = (self.clone(), from + bytes, fault.clone());
        tokio::spawn(async move {
            while from < to {
                let left = usize::try_from(to - from).unwrap_or(usize::MAX);
                let (source, length) = (source.clone(), left.min(SENT_AT_A_TIME));
                let chunk = match blocking(move || source.read(from, length)).await {
                    Ok(chunk) => Ok(chunk),
                    Err(refusal) => {
                        told.set(refusal);
                        Err(io::ErrorKind::Other.into())
                    }
                };
                from += length as u64;
                let failed = chunk.is_err();
                // Nobody takes them any more: the request has ended.
                if chunks.send(chunk).await.is_err() || failed {
                    return;
                }
            }
        });
        let queue = futures::stream::unfold(queue, |mut queue| async {
            queue.recv().await.map(|chunk| (chunk, queue))
        });
        (queue.boxed(), fault)
    }

    /// The hash of all of it. `hashed` hears how far it is.
    pub(super) async fn sha256(&self, hashed: impl Fn(u64)) -> Result<Sha256, Refusal> {
        Ok(Sha256(self.hash(hashed).await?.finalize().into()))
    }

    /// The same, to be gone on with.
    pub(super) async fn hash(&self, hashed: impl Fn(u64)) -> Result<sha2::Sha256, Refusal> {
        let mut hash = sha2::Sha256::new();
        let mut from = 0;
        while from < self.bytes() {
            let to = self.bytes().min(from + HASHED_AT_A_TIME);
            let source = self.clone();
            hash = blocking(move || source.hash_into(hash, from, to)).await?;
            hashed(to);
            from = to;
        }
        Ok(hash)
    }

    /// The answer to what the server asks.
    pub(super) async fn proof(&self, challenge: Challenge) -> Result<Sha256, Refusal> {
        let source = self.clone();
        blocking(move || {
            let mut hash = sha2::Sha256::new().chain_update(&challenge.nonce);
            for (offset, bytes) in challenge.places {
                let end = offset.saturating_add(bytes).min(source.bytes());
                hash = source.hash_into(hash, offset, end)?;
            }
            Ok(Sha256(hash.finalize().into()))
        })
        .await
    }

    fn hash_into(
        &self,
        mut hash: sha2::Sha256,
        mut from: u64,
        to: u64,
    ) -> Result<sha2::Sha256, Refusal> {
        while from < to {
            let length =
                usize::try_from(to - from).map_or(READ_AT_A_TIME, |left| left.min(READ_AT_A_TIME));
            hash.update(self.read(from, length)?);
            from += length as u64;
        }
        Ok(hash)
    }

    fn read(&self, offset: u64, length: usize) -> Result<Bytes, Refusal> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(from..bytes.len().min(from.saturating_add(length))))
            }
            Self::File { path, file, .. } => {
                let mut bytes = vec![0; length];
                match file.read_exact_at(&mut bytes, offset) {
                    Ok(()) => Ok(bytes.into()),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        Err(source_changed(path))
                    }
                    Err(error) => Err(cannot_read(path, &error)),
                }
            }
        }
    }
}

/// Runs what waits for the disk on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Refusal::because(ErrorCode::Internal, format!("reading a file ended: {error}")))
    })
}

fn cannot_read(path: &Path, error: &io::Error) -> Refusal {
    let why = format!("{} cannot be read: {error}", path.display());
    Refusal::because(ErrorCode::InvalidArgument, why)
}

/// What was read is not what was begun with: as a wrong checksum, it is begun anew.
pub(super) fn source_changed(path: &Path) -> Refusal {
    let why = format!("{} was changed while it was sent", path.display());
    Refusal::because(ErrorCode::ChecksumMismatch, why)
}
