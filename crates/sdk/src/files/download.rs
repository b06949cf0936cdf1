//! A download, attempt by attempt: into a file beside its target, from where it stopped, checked before it is the target.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anser_types::body::FileRef;
use anser_types::{ConversationId, ErrorCode, FileId, Refusal, Sha256};
use bytes::{Bytes, BytesMut};
use rustix::fs::OFlags;
use sha2::Digest;

use super::doors::Doors;
use super::drive::{End, Work};
use super::opened::{Opened, Stamp, blocking};
use super::transfer::{Teller, TransferState};
use crate::http::{FileContent, FileInfo};

/// Bytes that are written at a time.
const WRITE_BYTES: usize = 256 << 10;

/// A file at the server, where one saw it, and its hash as one was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileAt {
    /// Its name at the server.
    pub file: FileId,
    /// The conversation in which one saw it: with it the server need not look for one.
    pub at: Option<ConversationId>,
    /// The hash it must have, as a message says; else as the server says.
    pub sha256: Option<Sha256>,
}

impl FileAt {
    /// The file that a message names.
    ///
    /// # Errors
    /// `FILE_UNKNOWN` when it is a link and no file at the server: fetch that as you see fit.
    pub fn new(file: &FileRef, at: Option<ConversationId>) -> Result<Self, Refusal> {
        let id = file.file.parse().map_err(|_| {
            let why = format!("'{}' is a link, and no file at this server", file.file);
            Refusal::because(ErrorCode::FileUnknown, why)
        })?;
        Ok(Self { file: id, at, sha256: file.sha256.map(Sha256) })
    }
}

impl From<FileId> for FileAt {
    fn from(file: FileId) -> Self {
        Self { file, at: None, sha256: None }
    }
}

impl From<&FileInfo> for FileAt {
    fn from(file: &FileInfo) -> Self {
        Self { file: file.id, at: None, sha256: Some(file.sha256) }
    }
}

/// The task of a download.
pub(crate) struct Receiving {
    doors: Doors,
    wanted: FileAt,
    target: PathBuf,
    part: PathBuf,
    info: Option<FileInfo>,
    /// Bytes of the file that lie in the part.
    have: u64,
    /// All that lies in the part came by this task.
    own: bool,
    /// The part, open and locked.
    open: Option<Arc<File>>,
}

impl Receiving {
    /// A download of a file to a path where nothing is.
    ///
    /// # Errors
    /// `NOT_EMPTY`.
    pub(crate) fn new(doors: Doors, wanted: FileAt, target: PathBuf) -> Result<Self, Refusal> {
        if target.symlink_metadata().is_ok() {
            return Err(taken(&target));
        }
        let mut part = target.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        Ok(Self { doors, wanted, target, part, info: None, have: 0, own: false, open: None })
    }

    /// What the file is; asked once.
    async fn info(&mut self) -> Result<FileInfo, Refusal> {
        if let Some(info) = &self.info {
            return Ok(info.clone());
        }
        let FileAt { file, at, sha256 } = self.wanted;
        let info = self.doors.http.info(&self.doors.token().await?, file, at).await?;
        if sha256.is_some_and(|sha256| sha256 != info.sha256) {
            let why = "the file is not the one that the message names";
            return Err(Refusal::because(ErrorCode::ChecksumMismatch, why));
        }
        Ok(self.info.insert(info).clone())
    }

    /// Opens the part, for this task alone. What is longer than the file cannot be the beginning of it.
    async fn open_part(&mut self, bytes: u64) -> Result<Arc<File>, Refusal> {
        if let Some(file) = &self.open {
            return Ok(Arc::clone(file));
        }
        let path = self.part.clone();
        let (file, have) = blocking(move || {
            let failed = |error: io::Error| cannot_write(&path, &error);
            // A link that lies there would have another file written to.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(&path)
                .map_err(|error| if path.is_symlink() { is_link(&path) } else { failed(error) })?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let why = format!("{} is being written to already", path.display());
                    return Err(Refusal::because(ErrorCode::NotEmpty, why));
                }
                // A file system without locks.
                Err(TryLockError::Error(error)) => tracing::debug!(%error, "no lock"),
            }
            let mut have = file.metadata().map_err(failed)?.len();
            if have > bytes {
                file.set_len(0).map_err(failed)?;
                have = 0;
            }
            Ok((Arc::new(file), have))
        })
        .await?;
        self.own |= have == 0;
        self.have = have;
        Ok(Arc::clone(self.open.insert(file)))
    }

    /// Fetches what is missing.
    async fn fetch(
        &mut self,
        into: &Arc<File>,
        info: &FileInfo,
        tell: &Teller,
    ) -> Result<(), Refusal> {
        let FileAt { file, at, .. } = self.wanted;
        let token = self.doors.token().await?;
        let mut content = self.doors.http.content(&token, file, at, self.have, info.sha256).await?;
        if content.from != self.have {
            self.have = content.from;
            self.own |= content.from == 0;
        }
        let mut waiting = BytesMut::with_capacity(WRITE_BYTES);
        while let Some(bytes) = content.next().await? {
            waiting.extend_from_slice(&bytes);
            if waiting.len() >= WRITE_BYTES {
                self.write(into, waiting.split().freeze(), info.bytes).await?;
                tell.moved(self.have);
            }
        }
        self.write(into, waiting.freeze(), info.bytes).await?;
        tell.moved(self.have);
        if self.have < info.bytes {
            let why = format!("{} of {} bytes came", self.have, info.bytes);
            return Err(Refusal::because(ErrorCode::Unreachable, why));
        }
        Ok(())
    }

    async fn write(&mut self, into: &Arc<File>, bytes: Bytes, most: u64) -> Result<(), Refusal> {
        let (at, end) = (self.have, self.have + bytes.len() as u64);
        if end > most {
            let why = format!("more than its {most} bytes came");
            return Err(Refusal::because(ErrorCode::ChecksumMismatch, why));
        }
        let (into, path) = (Arc::clone(into), self.part.clone());
        blocking(move || {
            into.write_all_at(&bytes, at).map_err(|error| cannot_write(&path, &error))
        })
        .await?;
        self.have = end;
        Ok(())
    }

    /// Whether what lies here is the file; only then it gets its name.
    async fn check(&self, part: Arc<File>, info: &FileInfo, tell: &Teller) -> Result<(), Refusal> {
        tell.state(TransferState::Hashing);
        let stamp = Stamp { bytes: info.bytes, modified_ns: 0 };
        let part = Opened::File { path: self.part.clone(), file: part, stamp };
        if part.sha256(|hashed| tell.moved(hashed)).await? == info.sha256 {
            return Ok(());
        }
        let why = "what was fetched is not what was sent; it was thrown away";
        Err(Refusal::because(ErrorCode::ChecksumMismatch, why))
    }
}

impl Work for Receiving {
    async fn attempt(&mut self, tell: &Teller) -> Result<FileInfo, Refusal> {
        let info = self.info().await?;
        tell.total(info.bytes);
        tell.state(TransferState::Moving);
        let part = self.open_part(info.bytes).await?;
        tell.moved(self.have);
        if self.have < info.bytes {
            self.fetch(&part, &info, tell).await?;
        }
        self.check(Arc::clone(&part), &info, tell).await?;
        let (from, to) = (self.part.clone(), self.target.clone());
        blocking(move || {
            part.sync_all().map_err(|error| cannot_write(&from, &error))?;
            give_its_name(&from, &to)
        })
        .await?;
        Ok(info)
    }

    fn mend(&mut self, refusal: &Refusal) -> bool {
        if refusal.code != ErrorCode::ChecksumMismatch || self.info.is_none() {
            return false;
        }
        // The beginning may have been that of another file: once more, all of it.
        let again = !self.own;
        if let Err(error) = std::fs::remove_file(&self.part) {
            tracing::warn!(%error, "what was fetched wrongly cannot be removed");
        }
        (self.have, self.own, self.open) = (0, true, None);
        again
    }

    fn position(&self) -> u64 {
        self.have
    }

    async fn settle(self, end: End) {
        // What was fetched is kept for another try, unless its user wants none.
        if end == End::Cancelled
            && self.open.is_some()
            && let Err(error) = std::fs::remove_file(&self.part)
        {
            tracing::debug!(%error, "there is no part of a download to be removed");
        }
    }
}

/// Puts the part in its place, where nothing is overwritten.
fn give_its_name(part: &Path, target: &Path) -> Result<(), Refusal> {
    let linked = match std::fs::hard_link(part, target) {
        Ok(()) => std::fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(taken(target)),
        // A file system without hard links.
        Err(_) if target.symlink_metadata().is_ok() => return Err(taken(target)),
        Err(_) => std::fs::rename(part, target),
    };
    linked.map_err(|error| cannot_write(target, &error))
}

fn is_link(part: &Path) -> Refusal {
    let why = format!("{} is a symbolic link; nothing is written through it", part.display());
    Refusal::because(ErrorCode::NotEmpty, why)
}

fn taken(target: &Path) -> Refusal {
    let why = format!("{} exists; it is not overwritten", target.display());
    Refusal::because(ErrorCode::NotEmpty, why)
}

fn cannot_write(path: &Path, error: &io::Error) -> Refusal {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::LocalDiskFull,
        _ => ErrorCode::InvalidArgument,
    };
    Refusal::because(code, format!("{} cannot be written: {error}", path.display()))
}

/// All of a small answer; at most so many bytes.
///
/// # Errors
/// `INVALID_ARGUMENT` when there are more, `CHECKSUM_MISMATCH` when they do not have this hash; or the connection failed.
pub(crate) async fn in_memory(
    mut content: FileContent,
    most: u64,
    sha256: Option<Sha256>,
) -> Result<Bytes, Refusal> {
    let mut all = BytesMut::new();
    while let Some(bytes) = content.next().await? {
        if all.len() as u64 + bytes.len() as u64 > most {
            let why = format!("the file has more than {most} bytes: download it");
            return Err(Refusal::because(ErrorCode::InvalidArgument, why));
        }
        all.extend_from_slice(&bytes);
    }
    if sha256.is_some_and(|sha256| sha256.0 != <[u8; 32]>::from(sha2::Sha256::digest(&all))) {
        return Err(Refusal::because(
            ErrorCode::ChecksumMismatch,
            "what came is not what was sent",
        ));
    }
    Ok(all.freeze())
}
