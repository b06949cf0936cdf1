//! An upload, attempt by attempt: not at all if the server has the bytes, else piece by piece from where it stopped.

use std::time::Instant;

use anser_types::{ErrorCode, FileId, Refusal, Sha256};
use sha2::Digest;

use super::doors::Doors;
use super::drive::{End, Work};
use super::grown::Grown;
use super::opened::Opened;
use super::piece_size::PieceSize;
use super::running::RunningUpload;
use super::source::{UploadOptions, Wanted, name_of};
use super::transfer::{Teller, TransferState};
use crate::http::{FileInfo, NewUpload, Piece, PieceBytes, whole};
use crate::store::{KeptUpload, Store};

/// A file up to this size is sent in one request, without asking first.
const AT_ONCE_BYTES: u64 = 64 * 1024;

/// The task of an upload.
pub(crate) struct Sending {
    doors: Doors,
    source: Source,
    new: NewUpload,
    /// Its name at the server, once it was announced.
    file: Option<FileId>,
    /// Its row in the store, if it goes on after a restart.
    kept: Option<RunningUpload>,
    offset: u64,
    size: PieceSize,
    /// The server was asked whether it has these bytes.
    asked: bool,
}

enum Source {
    Whole(Opened),
    Growing(Grown),
}

impl Sending {
    /// A new upload. A path goes on where an earlier upload of the same file stopped.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the file cannot be read.
    pub(crate) async fn new(
        doors: Doors,
        wanted: Wanted,
        options: UploadOptions,
    ) -> Result<Self, Refusal> {
        let (source, length, name) = match wanted {
            Wanted::Path(path) => {
                let name = name_of(&path);
                let path = std::path::absolute(&path).unwrap_or(path);
                let opened = Opened::file(path).await?;
                let length = opened.bytes();
                (Source::Whole(opened), Some(length), name)
            }
            Wanted::Memory(bytes) => {
                let length = bytes.len() as u64;
                (Source::Whole(Opened::Memory(bytes)), Some(length), String::new())
            }
            Wanted::Growing(reader) => (Source::Growing(Grown::new(reader)), None, String::new()),
        };
        let new = NewUpload {
            name: options.name.unwrap_or(name),
            length,
            sha256: None,
            original: options.original,
        };
        Ok(Self {
            doors,
            source,
            new,
            file: None,
            kept: None,
            offset: 0,
            size: PieceSize::default(),
            asked: false,
        })
    }

    /// The store keeps it from now on. It goes on with what an earlier run began; if the file was changed since, the
    /// first attempt finds that out, and gives up at the server what that run had sent.
    pub(crate) fn keep(&mut self, running: RunningUpload, earlier: Option<&KeptUpload>) {
        self.kept = Some(running);
        if let (Source::Whole(opened), Some(earlier)) = (&mut self.source, earlier) {
            opened.taken_for(earlier.stamp);
            (self.file, self.new.sha256) = (earlier.file, earlier.sha256);
            // It was asked before it was announced.
            self.asked = earlier.file.is_some();
        }
    }

    /// What the store keeps of it; `None` if it cannot go on after a restart, or is not worth it.
    pub(crate) fn to_keep(&self) -> Option<KeptUpload> {
        let Source::Whole(Opened::File { path, stamp, .. }) = &self.source else { return None };
        (stamp.bytes > AT_ONCE_BYTES).then(|| KeptUpload {
            no: self.kept.as_ref().map(RunningUpload::no).unwrap_or_default(),
            path: path.clone(),
            stamp: *stamp,
            sha256: self.new.sha256,
            name: self.new.name.clone(),
            original: self.new.original,
            file: self.file,
            offset: self.offset,
        })
    }

    pub(crate) const fn length(&self) -> Option<u64> {
        self.new.length
    }

    /// Writes down how far it is. Without that it begins anew after a restart, which costs time and nothing else.
    async fn note(&self) {
        let (Some(_), Some(kept)) = (&self.kept, self.to_keep()) else { return };
        if let Err(error) = self.doors.store.note_upload(kept).await {
            tracing::warn!(%error, "it is not stored how far an upload is");
        }
    }

    /// Finds out where it goes on: announces it, or asks. Gives the file if it is complete.
    async fn locate(&mut self, tell: &Teller) -> Result<Option<FileInfo>, Refusal> {
        if let Some(file) = self.file {
            let at = self.doors.http.upload_at(&self.doors.token().await?, file).await?;
            self.offset = at.offset;
            return Ok(at.stored);
        }
        self.offset = 0;
        tell.moved(0);
        if let Some(file) = self.claim(tell).await? {
            return Ok(Some(file));
        }
        tell.state(TransferState::Moving);
        tell.moved(0);
        let body = match &self.source {
            Source::Whole(opened) if opened.bytes() <= AT_ONCE_BYTES => {
                let all = opened.all().await?;
                self.new.sha256 = Some(Sha256(sha2::Sha256::digest(&all).into()));
                Some(all)
            }
            _ => None,
        };
        let token = self.doors.token().await?;
        let at = self.doors.http.begin_upload(&token, &self.new, body).await?;
        self.file = Some(at.file);
        self.offset = at.offset;
        self.note().await;
        Ok(at.stored)
    }

    /// Shows the server that the bytes are here, in the hope that it has them too.
    async fn claim(&mut self, tell: &Teller) -> Result<Option<FileInfo>, Refusal> {
        let Source::Whole(opened) = &self.source else { return Ok(None) };
        let bytes = opened.bytes();
        if bytes <= AT_ONCE_BYTES || self.asked {
            return Ok(None);
        }
        let sha256 = match self.new.sha256 {
            Some(sha256) => sha256,
            None => {
                tell.state(TransferState::Hashing);
                let sha256 = opened.sha256(|hashed| tell.moved(hashed)).await?;
                self.new.sha256 = Some(sha256);
                sha256
            }
        };
        let token = self.doors.token().await?;
        let claimed = async {
            let challenge = self.doors.http.challenge(&token, sha256, bytes).await?;
            let proof = opened.proof(challenge.clone()).await?;
            self.doors.http.claim(&token, (sha256, bytes), &challenge, proof, &self.new).await
        };
        match claimed.await {
            Ok(file) => Ok(Some(file)),
            Err(refusal)
                if matches!(refusal.code, ErrorCode::NotInPossession | ErrorCode::Unsupported) =>
            {
                self.asked = true;
                Ok(None)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Sends what is missing of a source that is all there. Pieces carry no hash: that of the whole is known to the
    /// server, and what arrived of a piece before a break need not be sent again.
    async fn send_whole(&mut self, file: FileId, tell: &Teller) -> Result<(), Refusal> {
        let Source::Whole(opened) = &self.source else { return Ok(()) };
        let opened = opened.clone();
        while self.offset < opened.bytes() {
            let offset = self.offset;
            let bytes = self.size.bytes().min(opened.bytes() - offset);
            let piece = Piece { offset, bytes, sha256: None, length: None };
            let (stream, fault) = opened.stream(offset, bytes);
            let sent = self.send(file, piece, stream, tell).await;
            sent.map_err(|refusal| fault.take().unwrap_or(refusal))?;
        }
        Ok(())
    }

    /// Sends a growing source until it has ended; the last piece tells its length.
    async fn send_growing(&mut self, file: FileId, tell: &Teller) -> Result<(), Refusal> {
        loop {
            let offset = self.offset;
            let Source::Growing(grown) = &mut self.source else { return Ok(()) };
            let (piece, bytes) = grown.next(offset).await?;
            let last = piece.length.is_some();
            if let Some(length) = piece.length {
                tell.total(length);
            }
            self.send(file, piece, whole(bytes), tell).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Sends one piece.
    async fn send(
        &mut self,
        file: FileId,
        piece: Piece,
        bytes: PieceBytes,
        tell: &Teller,
    ) -> Result<(), Refusal> {
        let (from, end) = (piece.offset, piece.offset + piece.bytes);
        let token = self.doors.token().await?;
        let begun = Instant::now();
        let store = self.doors.store.clone();
        let kept = self.kept.as_ref().and_then(|_| self.to_keep());
        let mut noted = 0;
        let sent = |bytes| {
            let (offset, so_long) = (from + bytes, begun.elapsed().as_secs());
            tell.moved(offset);
            if let Some(kept) = &kept
                && noted < so_long
            {
                noted = so_long;
                note_on_the_side(store.clone(), KeptUpload { offset, ..kept.clone() });
            }
        };
        let at = self.doors.http.append(&token, file, piece, bytes, sent).await?;
        if at != end {
            let why = format!("the upload goes on at {at}, not at {end}");
            return Err(Refusal::because(ErrorCode::UploadConflict, why));
        }
        self.size.took(begun.elapsed());
        self.offset = at;
        self.note().await;
        Ok(())
    }

    /// Begins anew if the file is another one than before.
    async fn look_again(&mut self) -> Result<(), Refusal> {
        let Source::Whole(opened) = &self.source else { return Ok(()) };
        let Some(now) = opened.changed().await? else { return Ok(()) };
        tracing::info!("a file was changed while it was sent; its upload begins anew");
        self.give_up().await?;
        self.new.length = Some(now.bytes());
        self.new.sha256 = None;
        self.asked = false;
        self.source = Source::Whole(now);
        Ok(())
    }

    /// Tells the server that what it has of this upload is not wanted.
    async fn give_up(&mut self) -> Result<(), Refusal> {
        let Some(file) = self.file else { return Ok(()) };
        let token = self.doors.token().await?;
        match self.doors.http.give_up_upload(&token, file).await {
            Ok(()) => {}
            // It is gone already, or became a file that is used.
            Err(refusal)
                if matches!(refusal.code, ErrorCode::FileUnknown | ErrorCode::NotAllowed) =>
            {
                tracing::debug!(%refusal, "there is nothing to give up");
            }
            Err(refusal) => return Err(refusal),
        }
        self.file = None;
        Ok(())
    }
}

impl Work for Sending {
    async fn attempt(&mut self, tell: &Teller) -> Result<FileInfo, Refusal> {
        self.look_again().await?;
        if let Some(length) = self.new.length {
            tell.total(length);
        }
        if let Some(file) = self.locate(tell).await? {
            return Ok(file);
        }
        tell.state(TransferState::Moving);
        tell.moved(self.offset);
        let Some(file) = self.file else {
            return Err(Refusal::because(ErrorCode::Internal, "an upload without a name"));
        };
        match &self.source {
            Source::Whole(_) => self.send_whole(file, tell).await?,
            Source::Growing(_) => self.send_growing(file, tell).await?,
        }
        let at = self.doors.http.upload_at(&self.doors.token().await?, file).await?;
        self.offset = at.offset;
        at.stored.ok_or_else(|| {
            let why = format!("{} bytes are there, and no file yet", at.offset);
            Refusal::because(ErrorCode::Internal, why)
        })
    }

    fn mend(&mut self, refusal: &Refusal) -> bool {
        match refusal.code {
            ErrorCode::UploadConflict | ErrorCode::ChecksumMismatch => match &self.source {
                Source::Whole(_) => true,
                Source::Growing(grown) => grown.has(self.offset),
            },
            // Given up by the server, or gone because its hash was wrong.
            ErrorCode::FileUnknown if self.file.is_some() => {
                let from_the_start = match &self.source {
                    Source::Whole(_) => true,
                    Source::Growing(grown) => grown.has(0),
                };
                if from_the_start {
                    (self.file, self.asked) = (None, false);
                }
                from_the_start
            }
            _ => false,
        }
    }

    fn position(&self) -> u64 {
        self.offset
    }

    async fn settle(mut self, end: End) {
        // What is in the store can be gone on with: the server keeps for that what it has.
        if end == End::Stuck && self.kept.is_some() {
            return;
        }
        if end != End::Done
            && let Err(refusal) = self.give_up().await
        {
            tracing::debug!(%refusal, "the server gives an upload up by itself");
        }
        let Some(kept) = &self.kept else { return };
        if let Err(error) = self.doors.store.forget_upload(kept.no()).await {
            tracing::warn!(%error, "an upload that has ended is still in the local store");
        }
    }
}

/// Every second it is noted how far an upload is, for those who list them: the server knows it exactly.
fn note_on_the_side(store: Store, kept: KeptUpload) {
    tokio::spawn(async move {
        if let Err(error) = store.note_upload(kept).await {
            tracing::debug!(%error, "it is not stored how far an upload is");
        }
    });
}
