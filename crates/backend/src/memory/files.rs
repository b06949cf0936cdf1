//! Files: what is known of them, and which messages hold them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use anser_types::{ChangeNo, ConversationId, FileId, Seq, Sha256, StoredFile, UnixMs, UserNo};

use super::backend::MemoryBackend;
use super::gate::{CommitKind, PendingCommit};
use crate::Boxed;
use crate::blobs::Examined;
use crate::codec::{ContentRow, FileRow};
use crate::files::{Files, Hold, PutFile, Usage};
use crate::ledger::StoreError;

/// Everything durable about files.
#[derive(Clone, Debug, Default)]
pub(super) struct FileTables {
    files: BTreeMap<FileId, FileRow>,
    contents: BTreeMap<Sha256, ContentRow>,
    holds: BTreeMap<(FileId, ConversationId, Seq), ChangeNo>,
    doomed: BTreeSet<Sha256>,
}

/// What a batch does to files.
#[derive(Clone, Copy, Debug)]
pub(super) enum FileWrite {
    /// A message holds it.
    Hold(FileId, Hold),
    /// A message that held it holds nothing any more.
    Release(FileId, (ConversationId, Seq), UnixMs),
}

impl FileTables {
    pub fn has(&self, id: FileId) -> bool {
        self.files.contains_key(&id)
    }

    /// Applies what a batch did. A file that is gone is held by nobody.
    pub fn apply(&mut self, write: FileWrite) {
        match write {
            FileWrite::Hold(id, hold) => {
                let Some(file) = self.files.get_mut(&id) else { return };
                let key = (id, hold.conversation, hold.seq);
                if let std::collections::btree_map::Entry::Vacant(new) = self.holds.entry(key) {
                    new.insert(hold.since);
                    file.hold();
                }
            }
            FileWrite::Release(id, (conversation, seq), at) => {
                let held = self.holds.remove(&(id, conversation, seq)).is_some();
                if let Some(file) = self.files.get_mut(&id).filter(|_| held) {
                    file.release(at);
                }
            }
        }
    }

    fn usage(&self, user: UserNo) -> Usage {
        let of_user = self.files.values().filter(|file| file.owner == user);
        of_user.fold(Usage::default(), |usage, file| Usage {
            files: usage.files + 1,
            bytes: usage.bytes + self.contents.get(&file.sha256).map_or(0, |c| c.content.bytes),
        })
    }

    fn file(&self, id: FileId) -> Option<StoredFile> {
        let row = self.files.get(&id)?.clone();
        let content = self.contents.get(&row.sha256)?.content.clone();
        Some(row.with(id, content))
    }

    fn put(&mut self, file: StoredFile) {
        self.doomed.remove(&file.sha256);
        self.files.insert(file.id, FileRow::new(&file));
        let StoredFile { sha256, bytes, media_type, look, .. } = file;
        let content = Examined { sha256, bytes, media_type, look };
        let row = self.contents.entry(sha256).or_insert(ContentRow { files: 0, content });
        row.files += 1;
    }

    fn remove(&mut self, id: FileId) {
        let Some(row) = self.files.remove(&id) else { return };
        let Some(content) = self.contents.get_mut(&row.sha256) else { return };
        content.files -= 1;
        if content.files == 0 {
            self.contents.remove(&row.sha256);
            self.doomed.insert(row.sha256);
        }
    }

    fn is_due(&self, id: FileId, until: UnixMs) -> bool {
        self.files.get(&id).is_some_and(|file| file.holds == 0 && file.unheld_since <= until)
    }
}

impl Files for MemoryBackend {
    fn put_file(&self, file: StoredFile, quota: u64) -> Boxed<'_, Result<PutFile, StoreError>> {
        Box::pin(async move {
            let usage = |tables: &FileTables| (tables.has(file.id), tables.usage(file.owner));
            let turn = self.writer().await;
            let (exists, usage) = self.read(|machine| usage(&machine.durable.files))?;
            if exists {
                return Ok(PutFile::Exists);
            }
            if usage.bytes.saturating_add(file.bytes) > quota {
                return Ok(PutFile::OverQuota(usage));
            }
            let pending = PendingCommit { kind: CommitKind::File, appends: 0 };
            self.commit(&turn, pending, |machine| machine.durable.files.put(file)).await?;
            Ok(PutFile::Stored)
        })
    }

    fn file(&self, id: FileId) -> Boxed<'_, Result<Option<StoredFile>, StoreError>> {
        Box::pin(async move { self.read(|machine| machine.durable.files.file(id)) })
    }

    fn content(&self, sha256: Sha256) -> Boxed<'_, Result<Option<Examined>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                machine.durable.files.contents.get(&sha256).map(|row| row.content.clone())
            })
        })
    }

    fn holds(
        &self,
        id: FileId,
        conversation: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Hold>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let held = machine.durable.files.holds.iter();
                held.filter(|((file, at, _), _)| {
                    *file == id && conversation.is_none_or(|only| only == *at)
                })
                .map(|((_, conversation, seq), since)| Hold {
                    conversation: *conversation,
                    seq: *seq,
                    since: *since,
                })
                .take(limit)
                .collect()
            })
        })
    }

    fn usage(&self, user: UserNo) -> Boxed<'_, Result<Usage, StoreError>> {
        Box::pin(async move { self.read(|machine| machine.durable.files.usage(user)) })
    }

    fn unheld(&self, until: UnixMs, limit: usize) -> Boxed<'_, Result<Vec<FileId>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let tables = &machine.durable.files;
                let due = tables.files.iter().filter(|(id, _)| tables.is_due(**id, until));
                let mut due: Vec<_> = due.map(|(id, row)| (row.unheld_since, *id)).collect();
                due.sort_unstable();
                due.into_iter().map(|(_, id)| id).take(limit).collect()
            })
        })
    }

    fn remove_files(&self, ids: Vec<FileId>, until: UnixMs) -> Boxed<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let turn = self.writer().await;
            let due: Vec<FileId> = self.read(|machine| {
                ids.into_iter().filter(|id| machine.durable.files.is_due(*id, until)).collect()
            })?;
            if due.is_empty() {
                return Ok(0);
            }
            let removed = due.len() as u64;
            let pending = PendingCommit { kind: CommitKind::File, appends: 0 };
            self.commit(&turn, pending, |machine| {
                due.into_iter().for_each(|id| machine.durable.files.remove(id));
            })
            .await?;
            Ok(removed)
        })
    }

    fn contents(
        &self,
        after: Option<Sha256>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(Sha256, u64)>, StoreError>> {
        Box::pin(async move {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            self.read(|machine| {
                let behind = machine.durable.files.contents.range((from, Bound::Unbounded));
                behind.take(limit).map(|(sha256, row)| (*sha256, row.content.bytes)).collect()
            })
        })
    }

    fn doomed(&self, limit: usize) -> Boxed<'_, Result<Vec<Sha256>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| machine.durable.files.doomed.iter().take(limit).copied().collect())
        })
    }

    fn bytes_removed(&self, sha256: Sha256) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let turn = self.writer().await;
            if !self.read(|machine| machine.durable.files.doomed.contains(&sha256))? {
                return Ok(());
            }
            let pending = PendingCommit { kind: CommitKind::File, appends: 0 };
            self.commit(&turn, pending, |machine| {
                machine.durable.files.doomed.remove(&sha256);
            })
            .await
        })
    }
}
