//! What is known of files, and which messages hold them.

use std::ops::ControlFlow;

use anser_backend::{Boxed, Examined, Files, Hold, PutFile, StoreError, Usage};
use anser_types::limits::BATCH_MAX_OPERATIONS;
use anser_types::{ChangeNo, ConversationId, FileId, Seq, Sha256, StoredFile, UnixMs, UserNo};

use crate::codec::{ContentRow, FileRow, Malformed, read_number, read_usage};
use crate::core::Core;
use crate::keys::{self, Key, Table};
use crate::pending::Scope;
use crate::store::EmbeddedStore;
use crate::tables::TableError;
use crate::writer::files;

/// Files that are removed in one commit; each takes some eight operations.
const REMOVED_TOGETHER: usize = BATCH_MAX_OPERATIONS / 16;

fn content(core: &Core, sha256: Sha256) -> Result<Option<Examined>, TableError> {
    let row = core.row(&keys::file_content(sha256))?;
    Ok(row.map(|row| ContentRow::read(sha256, &row)).transpose()?.map(|row| row.content))
}

fn file(core: &Core, id: FileId) -> Result<Option<StoredFile>, TableError> {
    let Some(row) = core.row(&keys::file(id))? else { return Ok(None) };
    let row = FileRow::read(&row)?;
    // Between the two reads the last file with these bytes may have gone, and this one with it.
    Ok(content(core, row.sha256)?.map(|content| row.with(id, content)))
}

/// The keys between two, at the most so many, each read by `read`.
fn listed<T>(
    core: &Core,
    (from, to): (Key, Key),
    limit: usize,
    read: impl Fn(&[u8], &[u8]) -> Result<T, Malformed>,
) -> Result<Vec<T>, TableError> {
    let mut found = Vec::new();
    core.tables.scan(Table::State, from..=to, false, |key, row| {
        if found.len() >= limit {
            return Ok(ControlFlow::Break(()));
        }
        found.push(read(key, row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn too_short<T>(found: Option<T>) -> Result<T, Malformed> {
    found.ok_or(Malformed("a key is too short"))
}

impl Files for EmbeddedStore {
    fn put_file(&self, file: StoredFile, quota: u64) -> Boxed<'_, Result<PutFile, StoreError>> {
        Box::pin(async move {
            self.inner.writer()?.run(true, move |stage| files::put(stage, file, quota)).await
        })
    }

    fn file(&self, id: FileId) -> Boxed<'_, Result<Option<StoredFile>, StoreError>> {
        Box::pin(async move { self.read(|core| file(core, id)) })
    }

    fn content(&self, sha256: Sha256) -> Boxed<'_, Result<Option<Examined>, StoreError>> {
        Box::pin(async move { self.read(|core| content(core, sha256)) })
    }

    fn contents(
        &self,
        after: Option<Sha256>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(Sha256, u64)>, StoreError>> {
        Box::pin(async move {
            let from = keys::file_content(after.unwrap_or(Sha256([0; 32])));
            let range = (from, keys::file_content(Sha256([0xff; 32])));
            let read = |key: &[u8], row: &[u8]| {
                let sha256 = too_short(key.last_chunk().map(|hash| Sha256(*hash)))?;
                Ok((sha256, ContentRow::read(sha256, row)?.content.bytes))
            };
            // One more than asked for: the first may be the one behind which they are to be.
            let scan = move |core: &Core| listed(core, range, limit.saturating_add(1), read);
            let mut found = self.scan(Scope::Everything, scan).await?;
            found.retain(|(sha256, _)| after != Some(*sha256));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn holds(
        &self,
        id: FileId,
        conversation: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Hold>, StoreError>> {
        Box::pin(async move {
            let scope = conversation.map_or(Scope::Everything, Scope::Conversation);
            let (first, last) = conversation
                .map_or((ConversationId([0; 16]), ConversationId([0xff; 16])), |only| (only, only));
            let range =
                (keys::file_hold(id, first, Seq::ZERO), keys::file_hold(id, last, Seq::MAX));
            let read = |key: &[u8], row: &[u8]| {
                let (conversation, seq) = too_short(keys::last_message(key))?;
                Ok(Hold { conversation, seq, since: ChangeNo(read_number(row)?) })
            };
            self.scan(scope, move |core| listed(core, range, limit, read)).await
        })
    }

    fn usage(&self, user: UserNo) -> Boxed<'_, Result<Usage, StoreError>> {
        Box::pin(async move {
            self.read(|core| {
                let row = core.row(&keys::file_usage(user))?;
                Ok(row.map(|row| read_usage(&row)).transpose()?.unwrap_or_default())
            })
        })
    }

    fn unheld(&self, until: UnixMs, limit: usize) -> Boxed<'_, Result<Vec<FileId>, StoreError>> {
        Box::pin(async move {
            let first = keys::file_unheld(UnixMs(0), FileId([0; 16]));
            let range = (first, keys::file_unheld(until, FileId([0xff; 16])));
            let read = |key: &[u8], _: &[u8]| too_short(key.last_chunk()).map(|id| FileId(*id));
            self.scan(Scope::Everything, move |core| listed(core, range, limit, read)).await
        })
    }

    fn remove_files(&self, ids: Vec<FileId>, until: UnixMs) -> Boxed<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let writer = self.inner.writer()?;
            let mut removed = 0;
            for some in ids.chunks(REMOVED_TOGETHER) {
                let some = some.to_vec();
                // Room is made on a full disk too.
                removed +=
                    writer.run(false, move |stage| files::remove(stage, &some, until)).await?;
            }
            Ok(removed)
        })
    }

    fn doomed(&self, limit: usize) -> Boxed<'_, Result<Vec<Sha256>, StoreError>> {
        Box::pin(async move {
            let range = (keys::file_doomed(Sha256([0; 32])), keys::file_doomed(Sha256([0xff; 32])));
            let read = |key: &[u8], _: &[u8]| too_short(key.last_chunk()).map(|hash| Sha256(*hash));
            self.scan(Scope::Everything, move |core| listed(core, range, limit, read)).await
        })
    }

    fn bytes_removed(&self, sha256: Sha256) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let removed =
                move |stage: &mut crate::writer::Stage<'_>| files::bytes_removed(stage, sha256);
            self.inner.writer()?.run(false, removed).await
        })
    }
}
