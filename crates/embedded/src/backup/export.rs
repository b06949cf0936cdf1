//! A snapshot of a running store, written as an archive.

use std::io::{self, Write};

use anser_backend::StoreError;
use anser_backend::archive::{ArchiveError, Entry, Header, Subject, Summary, Writer};
use anser_backend::codec::{read_conversation, read_number, write_conversation};
use anser_types::{CommitNo, ConversationId, ErrorCode, LogEpoch, Seq, UnixMs};
use fjall::Slice;

use super::frozen::Frozen;
use super::places::place_of;
use crate::keys::{self, Table};
use crate::store::EmbeddedStore;
use crate::tables::TableError;

/// Why an archive was not written.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive cannot be written, or a record of the store makes no sense.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl From<TableError> for BackupError {
    fn from(error: TableError) -> Self {
        Self::Store(error.into())
    }
}

impl BackupError {
    /// The catalogued error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Store(StoreError::Full(_)) => ErrorCode::StorageFull,
            Self::Store(StoreError::Damaged(_)) => ErrorCode::StoreDamaged,
            Self::Store(_) => ErrorCode::StoreFailed,
            Self::Archive(error) => error.code(),
        }
    }
}

/// Everything a store held after one commit. The store goes on meanwhile; what it replaces stays on the disk until
/// the snapshot is dropped.
#[derive(Debug)]
pub struct Snapshot {
    frozen: Frozen,
    commit_no: CommitNo,
    log_epoch: LogEpoch,
}

impl EmbeddedStore {
    /// Freezes everything that is durable now: all commits up to one, none behind it. Positions that were only noted
    /// are written first, so that they are in it. Neither the writer nor readers wait.
    ///
    /// # Errors
    /// If the store has failed or was closed.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let writer = self.inner.writer()?;
        match self.flush_with(&writer).await {
            // Positions are restored by the next Hello anyway; a full disk is a good moment for a backup elsewhere.
            Ok(()) | Err(StoreError::Full(_)) => {}
            Err(error) => return Err(error),
        }
        let (frozen, commit_no) = writer.freeze().await?;
        let log_epoch = self.inner.core.log_epoch;
        Ok(Snapshot { frozen, commit_no: CommitNo(commit_no), log_epoch })
    }
}

impl Snapshot {
    /// The last commit that is in it.
    #[must_use]
    pub const fn commit_no(&self) -> CommitNo {
        self.commit_no
    }

    /// What its archive says first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn header(&self, made_at: UnixMs) -> Result<Header, BackupError> {
        let starts = self.frozen.get(Table::State, &keys::starts())?;
        let starts = starts.map(|row| read_number(&row)).transpose().map_err(TableError::from)?;
        Ok(Header {
            log_epoch: self.log_epoch,
            commit_no: self.commit_no,
            starts: starts.unwrap_or(0),
            made_at,
            program: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Writes it all as one archive; conversations note in it that their logs go on from here, so that a restored store
    /// can tell devices what they hold of another continuation. Blocks; memory stays bounded. Every row is read as what it must be on the way, so
    /// that damage is never carried on silently.
    ///
    /// # Errors
    /// What could not be read, made no sense, or could not be written; what was written is no archive then.
    pub fn write_archive<W: Write>(
        &self,
        out: W,
        made_at: UnixMs,
    ) -> Result<(W, Summary), BackupError> {
        self.write(out, made_at, |key, row| self.cut_here(key, &row))
    }

    fn write<W: Write>(
        &self,
        out: W,
        made_at: UnixMs,
        conversation: impl Fn(&[u8], Slice) -> Result<Slice, BackupError>,
    ) -> Result<(W, Summary), BackupError> {
        let mut writer = Writer::begin(out, &self.header(made_at)?)?;
        for subject in Subject::ALL {
            let place = place_of(subject);
            let (from, to) = place.range();
            for row in self.frozen.rows(place.table, &from, to.as_deref()) {
                let (key, value) = row?;
                let key = place.key_in_archive(&key);
                let value = if subject == Subject::Conversation {
                    conversation(key, value)?
                } else {
                    value
                };
                writer.put(&Entry { subject, key, value: &value })?;
            }
        }
        Ok(writer.finish()?)
    }

    /// What its archive would be, without writing one: reads everything.
    ///
    /// # Errors
    /// As [`Snapshot::write_archive`].
    pub fn summary(&self) -> Result<Summary, BackupError> {
        Ok(self.write(io::sink(), UnixMs(0), |_, row| Ok(row))?.1)
    }

    /// The row of a conversation as a restored store has it: its log goes on from where it is now.
    fn cut_here(&self, key: &[u8], row: &Slice) -> Result<Slice, BackupError> {
        let Some(id) = key.first_chunk().map(|id| ConversationId(*id)) else {
            return Err(ArchiveError::Contradiction("a conversation has no id").into());
        };
        let (from, to) = (keys::message(id, Seq::ZERO), keys::message(id, Seq::MAX));
        let last = self.frozen.rows(Table::Messages, &from, Some(&to)).next_back().transpose()?;
        let head = last.and_then(|(key, _)| keys::last_number(&key)).unwrap_or(0);
        let conversation = read_conversation(id, row).map_err(TableError::from)?;
        let conversation = conversation.backed_up(self.log_epoch, Seq(head));
        let mut cut = Vec::with_capacity(row.len() + 10);
        write_conversation(&mut cut, &conversation);
        Ok(cut.into())
    }
}
