//! What is known of complete files, and which messages hold them. The bytes are elsewhere ([`crate::Blobs`]).
//!
//! Which messages hold a file is written by the ledger alone, in the commit of the message, the edit or the erasure: a
//! record that names a file that is not there makes its append [`crate::Appended::Stale`].

use anser_types::{ChangeNo, ConversationId, FileId, Seq, Sha256, StoredFile, UnixMs, UserNo};

use crate::Boxed;
use crate::blobs::Examined;
use crate::ledger::StoreError;

/// A message that holds a file, or held it before it was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// Where it was said.
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// The edit with which the file came into it; zero if it was there from the beginning.
    pub since: ChangeNo,
}

/// How much of a user's room is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files.
    pub files: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// How putting a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutFile {
    /// It is there now; durable.
    Stored,
    /// It was there already.
    Exists,
    /// Its owner's files would take more than they may; so much they take now.
    OverQuota(Usage),
}

/// Files port. Every write is durable when its future ends.
pub trait Files: Send + Sync {
    /// Adds a file that no message holds yet, unless its owner's files would take more than `quota` bytes then.
    ///
    /// # Errors
    /// See [`StoreError`], here and below.
    fn put_file(&self, file: StoredFile, quota: u64) -> Boxed<'_, Result<PutFile, StoreError>>;

    /// A file by its name.
    fn file(&self, id: FileId) -> Boxed<'_, Result<Option<StoredFile>, StoreError>>;

    /// What is known of bytes that some file has.
    fn content(&self, sha256: Sha256) -> Boxed<'_, Result<Option<Examined>, StoreError>>;

    /// Hashes of bytes that files have, with how many they are: those behind a hash, in order.
    fn contents(
        &self,
        after: Option<Sha256>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(Sha256, u64)>, StoreError>>;

    /// Messages that hold a file, by conversation and number; in one conversation only, if one is named.
    fn holds(
        &self,
        id: FileId,
        conversation: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Hold>, StoreError>>;

    /// How much of a user's room is taken.
    fn usage(&self, user: UserNo) -> Boxed<'_, Result<Usage, StoreError>>;

    /// Files that no message has held since `until` or earlier, the longest first.
    fn unheld(&self, until: UnixMs, limit: usize) -> Boxed<'_, Result<Vec<FileId>, StoreError>>;

    /// Removes files that no message has held since `until` or earlier; a file that is held again stays. Bytes that no
    /// file has any more are doomed with it. Returns how many were removed.
    fn remove_files(&self, ids: Vec<FileId>, until: UnixMs) -> Boxed<'_, Result<u64, StoreError>>;

    /// Bytes that no file has any more and that are to be removed; a file that is put takes its bytes out again.
    fn doomed(&self, limit: usize) -> Boxed<'_, Result<Vec<Sha256>, StoreError>>;

    /// These bytes were removed.
    fn bytes_removed(&self, sha256: Sha256) -> Boxed<'_, Result<(), StoreError>>;
}
