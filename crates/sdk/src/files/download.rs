//! A download, attempt by attempt: into a file beside its target, from where it stopped, checked before it is the target.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anser_types::body::FileRef;
use anser_types::{ConversationId, ErrorCode, FileId, Refusal, Sha256};
use bytes::{Bytes, BytesMut};
use sha2::Digest;

use super::doors::Doors;
use super::drive::{End, Work};
use super::opened::blocking;
use super::part::{self, Part, cannot_write};
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
    beside: PathBuf,
    info: Option<FileInfo>,
    /// The file beside the target, locked for this task.
    locked: Option<Arc<File>>,
    part: Option<Part>,
    /// All that lies in the part came by this task.
    own: bool,
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
        let mut beside = target.clone().into_os_string();
        beside.push(".part");
        let beside = beside.into();
        let (info, locked, part, own) = (None, None, None, false);
        Ok(Self { doors, wanted, target, beside, info, locked, part, own })
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

    /// The part, opened if it is not.
    async fn part(&mut self, most: u64) -> Result<&mut Part, Refusal> {
        let part = match self.part.take() {
            Some(part) => part,
            None => {
                let file = match &self.locked {
                    Some(file) => Arc::clone(file),
                    None => Arc::clone(self.locked.insert(part::lock(self.beside.clone()).await?)),
                };
                let part = Part::of(self.beside.clone(), file, most).await?;
                self.own |= part.have() == 0;
                part
            }
        };
        Ok(self.part.insert(part))
    }

    /// Fetches what is missing.
    async fn fetch(&mut self, info: &FileInfo, tell: &Teller) -> Result<(), Refusal> {
        let FileAt { file, at, .. } = self.wanted;
        let token = self.doors.token().await?;
        let have = self.part(info.bytes).await?.have();
        let mut content = self.doors.http.content(&token, file, at, have, info.sha256).await?;
        if content.from != have {
            // Whoever is between does not know of parts: all of it comes.
            self.throw_away();
        }
        let part = self.part(info.bytes).await?;
        let mut waiting = BytesMut::with_capacity(WRITE_BYTES);
        while let Some(bytes) = content.next().await? {
            waiting.extend_from_slice(&bytes);
            if waiting.len() >= WRITE_BYTES {
                part.write(waiting.split().freeze()).await?;
                tell.moved(part.have());
            }
        }
        part.write(waiting.freeze()).await?;
        tell.moved(part.have());
        if part.have() < info.bytes {
            let why = format!("{} of {} bytes came", part.have(), info.bytes);
            return Err(Refusal::because(ErrorCode::Unreachable, why));
        }
        Ok(())
    }

    /// What lies here may be another file, or only looks like this one.
    fn throw_away(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.beside) {
            tracing::warn!(%error, "what was fetched wrongly cannot be removed");
        }
        (self.locked, self.part, self.own) = (None, None, true);
    }

    async fn complete(&mut self, info: &FileInfo, tell: &Teller) -> Result<(), Refusal> {
        tell.state(TransferState::Moving);
        let part = self.part(info.bytes).await?;
        tell.moved(part.have());
        if part.have() < info.bytes {
            self.fetch(info, tell).await?;
        }
        tell.state(TransferState::Hashing);
        let sha256 = self.part(info.bytes).await?.finish(|hashed| tell.moved(hashed)).await?;
        if sha256 == info.sha256 {
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
        self.complete(&info, tell).await?;
        // Only now it gets its name.
        let (from, to) = (self.beside.clone(), self.target.clone());
        blocking(move || give_its_name(&from, &to)).await?;
        Ok(info)
    }

    fn mend(&mut self, refusal: &Refusal) -> bool {
        if self.part.as_ref().is_some_and(Part::is_broken) {
            // What lies in the file is looked at anew.
            self.part = None;
        }
        if refusal.code != ErrorCode::ChecksumMismatch || self.info.is_none() {
            return false;
        }
        // The beginning may have been that of another file: once more, all of it.
        let again = !self.own;
        self.throw_away();
        again
    }

    fn position(&self) -> u64 {
        self.part.as_ref().map_or(0, Part::have)
    }

    async fn settle(self, end: End) {
        // What was fetched is kept for another try, unless its user wants none.
        if end == End::Cancelled
            && self.locked.is_some()
            && let Err(error) = std::fs::remove_file(&self.beside)
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

fn taken(target: &Path) -> Refusal {
    let why = format!("{} exists; it is not overwritten", target.display());
    Refusal::because(ErrorCode::NotEmpty, why)
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
