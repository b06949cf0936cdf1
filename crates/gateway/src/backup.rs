//! Where the admin door gets its backups from: the gateway itself never reaches a store.

use std::future::Future;
use std::io;
use std::pin::Pin;

use anser_types::Refusal;
use bytes::Bytes;
use tokio::sync::mpsc;

/// An archive on its way, piece by piece. It is whole only if the last piece was no error; the archive itself says so
/// too, in its trailer. Dropping the receiver ends the backup.
pub type BackupStream = mpsc::Receiver<io::Result<Bytes>>;

/// A beginning backup.
pub type BeginBackup<'a> = Pin<Box<dyn Future<Output = Result<BackupStream, Refusal>> + Send + 'a>>;

/// Gives backups of the running server.
pub trait BackupSource: Send + Sync {
    /// Freezes everything that is durable now and begins to send it.
    ///
    /// # Errors
    /// Why there is no backup now, for example because another one is under way.
    fn begin(&self) -> BeginBackup<'_>;
}
