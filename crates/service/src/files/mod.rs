//! Files: what is sent beside messages. Uploads grow until they are complete (`uploads`), are looked at and become files
//! (`complete`), which messages hold and whoever may see such a message may fetch (`access`), by a link too (`links`). Who
//! shows that they have the bytes need not send them (`possession`). What nobody needs goes (`collect`); what is kept is
//! still what it was (`intact`).
//!
//! What is known of files stands in the store; the bytes are elsewhere and are named by their hash. A file is there once
//! both are durable (guarantee G21).

pub(crate) mod access;
pub(crate) mod collect;
mod complete;
pub(crate) mod intact;
mod key;
mod links;
mod possession;
mod standing;
mod uploads;

use std::sync::Arc;

use anser_backend::{BlobError, Blobs, Files, StoreError};
use anser_types::{ErrorCode, FileId, Refusal, Sha256, limits};
use tokio::sync::MutexGuard;

use self::key::ProcessKey;
use self::uploads::Unfinished;
use crate::settings::Entropy;
use crate::stripes::Stripes;
use crate::writer::publish;

pub use self::access::FileReader;
pub use self::links::FileLink;
pub use self::possession::{Challenge, Claim};
pub use self::uploads::{NewUpload, UploadInto, UploadProgress};
pub use anser_backend::Variant;

/// Where files are kept.
#[derive(Clone)]
pub struct FilePorts {
    /// What is known of them.
    pub known: Arc<dyn Files>,
    /// Their bytes.
    pub bytes: Arc<dyn Blobs>,
}

/// How much room files may take, and how long they stay.
#[derive(Clone, Copy, Debug)]
pub struct FileSettings {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files of one user.
    pub user_bytes: u64,
    /// How long an upload waits for its next bytes.
    pub upload_keep_ms: u64,
    /// How long a file is kept that no message holds.
    pub unheld_keep_ms: u64,
    /// Time between two looks for what may go.
    pub collect_every_ms: u64,
    /// Time in which everything kept is read again; zero is never.
    pub verify_every_ms: u64,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            file_bytes: limits::FILE_MAX_BYTES,
            user_bytes: limits::FILES_PER_USER_BYTES,
            upload_keep_ms: limits::UPLOAD_KEEP_MS,
            unheld_keep_ms: limits::FILE_UNHELD_KEEP_MS,
            collect_every_ms: 60_000,
            verify_every_ms: limits::FILE_VERIFY_EVERY_MS,
        }
    }
}

/// Uploads, and contents, that can be worked on at once. Names are random, so few that are worked on share a lock.
const STRIPES: usize = 256;

/// The state of everything about files in this process.
pub(crate) struct Filing {
    pub(crate) known: Arc<dyn Files>,
    pub(crate) bytes: Arc<dyn Blobs>,
    pub(crate) settings: FileSettings,
    unfinished: Unfinished,
    /// Completing an upload or giving it up: one at a time for each.
    by_name: Stripes,
    /// Keeping bytes and removing them: one at a time for each hash.
    by_hash: Stripes,
    key: ProcessKey,
}

impl Filing {
    pub(crate) fn new(ports: FilePorts, settings: FileSettings, entropy: &dyn Entropy) -> Self {
        Self {
            known: ports.known,
            bytes: ports.bytes,
            settings,
            unfinished: Unfinished::default(),
            by_name: Stripes::new(STRIPES),
            by_hash: Stripes::new(STRIPES),
            key: ProcessKey::new(entropy),
        }
    }

    /// Waits for one's turn at an upload.
    async fn enter_upload(&self, id: FileId) -> MutexGuard<'_, ()> {
        self.by_name.enter(first_number(&id.0)).await
    }

    /// Waits for one's turn at some bytes; whoever waits may have an upload's.
    async fn enter_bytes(&self, sha256: Sha256) -> MutexGuard<'_, ()> {
        self.by_hash.enter(first_number(&sha256.0)).await
    }

    /// Refuses a file of more bytes than one may have.
    fn check_size(&self, bytes: u64) -> Result<(), Refusal> {
        let most = self.settings.file_bytes;
        if bytes <= most {
            return Ok(());
        }
        let detail = format!("{bytes} bytes; the limit is {most}");
        Err(Refusal::because(ErrorCode::FileTooLarge, detail))
    }
}

/// The number in the first eight bytes of a name.
fn first_number(name: &[u8]) -> u64 {
    name.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// The honest refusal for a store that failed while files were looked up; logged there, once.
#[expect(clippy::needless_pass_by_value, reason = "an error ends here: `map_err` gives it away")]
pub(crate) fn store_refusal(error: StoreError) -> Refusal {
    publish::store_refusal(&error)
}

/// The honest refusal for bytes that could not be kept or given; conditions of the server are logged here, once.
#[expect(clippy::needless_pass_by_value, reason = "an error ends here: `map_err` gives it away")]
pub(crate) fn bytes_refusal(error: BlobError) -> Refusal {
    let code = match &error {
        BlobError::Unknown => return Refusal::new(ErrorCode::FileUnknown),
        BlobError::Busy => return Refusal::new(ErrorCode::UploadBusy).retry_after(1_000),
        BlobError::OtherOffset(_) | BlobError::TakenOver => ErrorCode::UploadConflict,
        BlobError::TooLong(_) | BlobError::Outside(_) => ErrorCode::InvalidArgument,
        BlobError::Incomplete(_) => ErrorCode::FileIncomplete,
        BlobError::OtherHash(_) => ErrorCode::ChecksumMismatch,
        BlobError::Refused(_) => ErrorCode::PictureRefused,
        BlobError::Full(_) => ErrorCode::StorageFull,
        BlobError::Failed(_) => {
            tracing::error!(%error, "files cannot be reached");
            return Refusal::new(ErrorCode::FilesUnreachable).retry_after(5_000);
        }
    };
    Refusal::because(code, error.to_string())
}
