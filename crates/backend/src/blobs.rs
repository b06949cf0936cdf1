//! The bytes of files: those on their way, and those that are complete. What is known of complete files stands in the
//! store ([`crate::Files`]); here is only what would be too large for it.

use std::ops::Range;

use anser_types::{FileId, Look, Sha256, ThumbnailSize, UnixMs, UserNo};
use bytes::Bytes;

use crate::Boxed;

/// Why bytes could not be kept or given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no such upload, or no such bytes.
    #[error("there are no such bytes")]
    Unknown,
    /// Something else is being done to this upload and did not end in time: its last bytes are written, its bytes are
    /// hashed or copied, it is looked at or waits for that, or too much waits for it already. It may be asked for again.
    #[error("the upload is in use")]
    Busy,
    /// The bytes do not go on where the upload ends: it has so many.
    #[error("the upload goes on at {0}")]
    OtherOffset(u64),
    /// More bytes than were announced.
    #[error("the upload has {0} bytes, not more")]
    TooLong(u64),
    /// Not all of it is here.
    #[error("the upload has {0} bytes so far")]
    Incomplete(u64),
    /// A range was asked for that does not lie within the bytes there are.
    #[error("there are {0} bytes, and those asked for are not all among them")]
    Outside(u64),
    /// The whole does not have the hash that was announced.
    #[error("the bytes have the hash {0}")]
    OtherHash(Sha256),
    /// A picture that cannot be shown safely.
    #[error("{0}")]
    Refused(String),
    /// A later writer took the upload over; what had arrived is kept.
    #[error("another request took the upload over")]
    TakenOver,
    /// Too little free space; reads go on.
    #[error("there is no space for files: {0}")]
    Full(String),
    /// The disk or the object store says no.
    #[error("files cannot be reached: {0}")]
    Failed(String),
}

/// What an upload is to become, as it was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its name, and the file's once it is complete.
    pub id: FileId,
    /// Who sends it.
    pub owner: UserNo,
    /// What its owner calls it; may be empty.
    pub name: String,
    /// What its client said of it, word for word: it may ask for that again.
    pub metadata: String,
    /// How many bytes it will have; `None` until that is known (a voice that is still being recorded).
    pub length: Option<u64>,
    /// The hash it must have in the end.
    pub sha256: Option<Sha256>,
    /// A picture is to be kept as it is, with what it tells beside its pixels.
    pub original: bool,
    /// It is one of several that will be put together, and never a file by itself.
    pub part: bool,
    /// When it began.
    pub created_at: UnixMs,
}

/// An upload as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadState {
    /// What was announced.
    pub upload: Upload,
    /// So many bytes are here, durably.
    pub offset: u64,
    /// When the last of them came.
    pub touched_at: UnixMs,
    /// It was examined and its bytes may be kept already, under this hash.
    pub kept_as: Option<Sha256>,
}

impl UploadState {
    /// Everything that was announced is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.upload.length == Some(self.offset)
    }
}

/// What a complete upload turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The hash of what will be given: of a picture, without what it told beside its pixels.
    pub sha256: Sha256,
    /// The bytes that will be given.
    pub bytes: u64,
    /// What it is, found out from its bytes.
    pub media_type: String,
    /// What it looks like.
    pub look: Option<Look>,
}

/// Which bytes of a complete file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The file itself.
    Whole,
    /// The picture in a smaller size.
    Thumbnail(ThumbnailSize),
}

/// How kept bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All there, with their hash.
    Intact,
    /// Something else is there.
    Damaged,
    /// Nothing is there.
    Missing,
    /// Something is there that the disk does not give, and what it says.
    Unreadable(String),
}

/// The way into an upload: one at a time for each.
pub trait UploadWriter: Send {
    /// Takes the next bytes; waits while earlier ones are still being written. Durable only after [`Self::finish`], or now
    /// and then on the way.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::TakenOver`], [`BlobError::Full`], [`BlobError::Failed`]; bytes taken before
    /// stay.
    fn write(&mut self, bytes: Bytes) -> Boxed<'_, Result<(), BlobError>>;

    /// Makes everything taken so far durable and returns how many bytes the upload has. A writer that is dropped instead
    /// does the same behind the scenes.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn finish(self: Box<Self>) -> Boxed<'static, Result<u64, BlobError>>;

    /// Throws away what this writer took, so that the upload ends where the writer began: its checksum was wrong.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn undo(self: Box<Self>) -> Boxed<'static, Result<(), BlobError>>;
}

/// The way out of complete bytes.
pub trait BlobReader: Send {
    /// The next bytes, some hundred KiB at the most; `None` at the end.
    ///
    /// # Errors
    /// [`BlobError::Failed`].
    fn read(&mut self) -> Boxed<'_, Result<Option<Bytes>, BlobError>>;
}

/// How many bytes there are in all, and the way out of those that were asked for.
pub type Reading = (u64, Box<dyn BlobReader>);

/// Keeps bytes. Complete ones are named by their hash, so the same bytes are kept once.
pub trait Blobs: Send + Sync {
    /// Notes an upload with no bytes; durable.
    ///
    /// # Errors
    /// See [`BlobError`], here and below.
    fn begin(&self, upload: Upload) -> Boxed<'_, Result<(), BlobError>>;

    /// An upload as it is now. Whoever writes to it is asked to let go first, so that the offset is the last word.
    fn upload(&self, id: FileId) -> Boxed<'_, Result<Option<UploadState>, BlobError>>;

    /// Every upload, for accounts and for giving up old ones. Asks nobody to let go.
    fn uploads(&self) -> Boxed<'_, Result<Vec<UploadState>, BlobError>>;

    /// Lets the upload grow from `offset` on, which must be where it ends. Whoever wrote to it before is made to let go,
    /// after everything it took is kept. `length` is its length, if that became known now.
    fn write(
        &self,
        id: FileId,
        offset: u64,
        length: Option<u64>,
        at: UnixMs,
    ) -> Boxed<'_, Result<Box<dyn UploadWriter>, BlobError>>;

    /// Fills an upload that has no bytes with those of complete parts, in order. The parts stay.
    fn join(&self, id: FileId, parts: Vec<FileId>, at: UnixMs) -> Boxed<'_, Result<(), BlobError>>;

    /// Looks at a complete upload: hashes it, compares with what was announced, makes small pictures. Changes nothing that
    /// is seen; asking again gives the same.
    fn examine(&self, id: FileId) -> Boxed<'_, Result<Examined, BlobError>>;

    /// Keeps the bytes of an upload that was examined, durably, under their hash; if they are kept already, does nothing
    /// more. The upload stays until it is given up.
    fn keep(&self, id: FileId, examined: Examined) -> Boxed<'_, Result<(), BlobError>>;

    /// Forgets an upload. One that is unknown is forgotten already.
    fn give_up(&self, id: FileId) -> Boxed<'_, Result<(), BlobError>>;

    /// Reads bytes that are kept, within a range that must lie inside ([`BlobError::Outside`]); also returns how many there
    /// are in all. A range of `None` is everything.
    fn read(
        &self,
        sha256: Sha256,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Boxed<'_, Result<Reading, BlobError>>;

    /// Whether kept bytes are a picture that tells nothing beside its pixels: an upload of them would be kept as it is. It is
    /// looked at anew, which takes as long as at an upload.
    fn is_clean(&self, sha256: Sha256) -> Boxed<'_, Result<bool, BlobError>>;

    /// Looks how the whole of kept bytes is: a directory's are read and hashed, from the disk itself if they can be; a
    /// bucket is asked how many there are, as object stores look after their bytes themselves. Changes nothing.
    ///
    /// # Errors
    /// [`BlobError::Failed`] when nobody can be asked.
    fn condition(&self, sha256: Sha256, bytes: u64) -> Boxed<'_, Result<Condition, BlobError>>;

    /// Takes damaged bytes out of the way, durably, where an operator finds them: nobody is given them any more, and good
    /// ones can be kept in their place. Must not be asked while they are kept or removed.
    fn set_aside(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>>;

    /// Removes bytes with their smaller pictures, and what was set aside of them. Unknown ones are removed already.
    fn remove(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>>;
}
