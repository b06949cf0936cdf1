//! The admin door's source: a snapshot of the running store, written piece by piece into a response.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use anser_backend::StoreError;
use anser_embedded::{EmbeddedStore, Snapshot};
use anser_gateway::{BackupSource, BeginBackup};
use anser_types::{Clock, ErrorCode, Refusal};
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::{info, warn};

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 * 1024;
/// Pieces waiting for the receiver; the reader of the store waits when there are so many.
const PIECES: usize = 4;
/// A receiver that takes nothing for so long is gone: a snapshot holds disk space that the store could free.
const STALLED: Duration = Duration::from_secs(60);
const TRY_AGAIN_MS: u32 = 10_000;

/// Gives one backup at a time of this store.
pub struct Door {
    store: EmbeddedStore,
    clock: Arc<dyn Clock>,
    one: Arc<Semaphore>,
}

impl Door {
    /// Of a store that runs.
    #[must_use]
    pub fn new(store: EmbeddedStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, one: Arc::new(Semaphore::new(1)) }
    }
}

impl BackupSource for Door {
    fn begin(&self) -> BeginBackup<'_> {
        Box::pin(async move {
            let permit = Arc::clone(&self.one).try_acquire_owned().map_err(|_| {
                let text = "another backup is under way";
                Refusal::because(ErrorCode::Overloaded, text).retry_after(TRY_AGAIN_MS)
            })?;
            let snapshot = self.store.snapshot().await.map_err(|error| refusal(&error))?;
            let (sender, pieces) = mpsc::channel(PIECES);
            let clock = Arc::clone(&self.clock);
            let runtime = Handle::current();
            tokio::task::spawn_blocking(move || {
                send(&snapshot, &*clock, Sending { sender, runtime }, permit);
            });
            Ok(pieces)
        })
    }
}

fn refusal(error: &StoreError) -> Refusal {
    let code = match error {
        StoreError::Full(_) => ErrorCode::StorageFull,
        StoreError::Failed(_) | StoreError::Damaged(_) => ErrorCode::StoreFailed,
        StoreError::Closed => ErrorCode::Draining,
    };
    Refusal::because(code, error.to_string())
}

fn send(snapshot: &Snapshot, clock: &dyn Clock, sending: Sending, permit: OwnedSemaphorePermit) {
    let end = Sending { sender: sending.sender.clone(), runtime: sending.runtime.clone() };
    let out = BufWriter::with_capacity(PIECE_BYTES, sending);
    match snapshot.write_archive(out, clock.now()) {
        Ok((_, summary)) => {
            info!(commit_no = %snapshot.commit_no(), bytes = summary.bytes, root = %summary.root, "a backup was sent");
        }
        Err(error) => {
            warn!(%error, "a backup was not finished");
            // Without this the response would end as if it were whole. Whoever asked may be gone.
            end.piece(Err(io::Error::other(error.to_string()))).unwrap_or_default();
        }
    }
    drop(permit);
}

/// Sends what is written as pieces of a response.
struct Sending {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Sending {
    fn piece(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        let sent = self.runtime.block_on(tokio::time::timeout(STALLED, self.sender.send(piece)));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the receiver is gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the receiver takes nothing")),
        }
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece(Ok(Bytes::copy_from_slice(bytes)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
