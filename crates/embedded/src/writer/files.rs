//! Files in a commit: which messages hold them, and what is put and removed beside messages.

use anser_backend::{Examined, Hold, PutFile, StoreError, Usage};
use anser_types::{ConversationId, FileId, Seq, Sha256, StoredFile, UnixMs, UserNo};

use super::stage::{Fault, Stage};
use crate::codec::{ContentRow, FileRow, read_usage, write_number, write_usage};
use crate::keys;

fn file(stage: &Stage<'_>, id: FileId) -> Result<Option<FileRow>, Fault> {
    Ok(stage.row(&keys::file(id))?.map(|row| FileRow::read(&row)).transpose()?)
}

fn content(stage: &Stage<'_>, sha256: Sha256) -> Result<Option<ContentRow>, Fault> {
    let row = stage.row(&keys::file_content(sha256))?;
    Ok(row.map(|row| ContentRow::read(sha256, &row)).transpose()?)
}

fn usage(stage: &Stage<'_>, user: UserNo) -> Result<Usage, Fault> {
    let row = stage.row(&keys::file_usage(user))?;
    Ok(row.map(|row| read_usage(&row)).transpose()?.unwrap_or_default())
}

/// Whether all of these are there.
pub fn are_there(stage: &Stage<'_>, files: &[FileId]) -> Result<bool, Fault> {
    for id in files {
        if stage.row(&keys::file(*id))?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A message holds these; one that it held before counts once.
pub fn hold(stage: &mut Stage<'_>, files: &[FileId], hold: Hold) -> Result<(), Fault> {
    for id in files {
        let key = keys::file_hold(*id, hold.conversation, hold.seq);
        if stage.row(&key)?.is_some() {
            continue;
        }
        let Some(mut row) = file(stage, *id)? else { continue };
        stage.put_row(key, |out| write_number(out, hold.since.0));
        if let Some(since) = row.hold() {
            stage.remove_row(keys::file_unheld(since, *id));
        }
        stage.put_row(keys::file(*id), |out| row.write(out));
    }
    Ok(())
}

/// A message that held these is erased.
pub fn release(
    stage: &mut Stage<'_>,
    files: &[FileId],
    (conversation, seq): (ConversationId, Seq),
    at: UnixMs,
) -> Result<(), Fault> {
    for id in files {
        let key = keys::file_hold(*id, conversation, seq);
        if stage.row(&key)?.is_none() {
            continue;
        }
        stage.remove_row(key);
        let Some(mut row) = file(stage, *id)? else { continue };
        if row.release(at) {
            stage.put_row(keys::file_unheld(row.unheld_since, *id), |_| {});
        }
        stage.put_row(keys::file(*id), |out| row.write(out));
    }
    Ok(())
}

/// Adds a file that no message holds yet.
pub fn put(stage: &mut Stage<'_>, added: StoredFile, quota: u64) -> Result<PutFile, Fault> {
    if file(stage, added.id)?.is_some() {
        return Ok(PutFile::Exists);
    }
    let taken = usage(stage, added.owner)?;
    if taken.bytes.saturating_add(added.bytes) > quota {
        return Ok(PutFile::OverQuota(taken));
    }
    let taken = Usage { files: taken.files + 1, bytes: taken.bytes + added.bytes };
    stage.put_row(keys::file_usage(added.owner), |out| write_usage(out, taken));
    let row = FileRow::new(&added);
    stage.put_row(keys::file(added.id), |out| row.write(out));
    stage.put_row(keys::file_unheld(row.unheld_since, added.id), |_| {});
    let StoredFile { sha256, bytes, media_type, look, .. } = added;
    let known = content(stage, sha256)?;
    let mut known = known.unwrap_or_else(|| ContentRow {
        files: 0,
        content: Examined { sha256, bytes, media_type, look },
    });
    known.files += 1;
    stage.put_row(keys::file_content(sha256), |out| known.write(out));
    if stage.row(&keys::file_doomed(sha256))?.is_some() {
        stage.remove_row(keys::file_doomed(sha256));
    }
    Ok(PutFile::Stored)
}

/// Removes those of these files that no message has held since `until` or earlier.
pub fn remove(stage: &mut Stage<'_>, ids: &[FileId], until: UnixMs) -> Result<u64, Fault> {
    let mut removed = 0;
    for id in ids {
        let Some(row) = file(stage, *id)? else { continue };
        if row.holds > 0 || row.unheld_since > until {
            continue;
        }
        removed += 1;
        stage.remove_row(keys::file(*id));
        stage.remove_row(keys::file_unheld(row.unheld_since, *id));
        let missing = || {
            Fault::Broken(StoreError::Damaged(format!(
                "nothing is known of the bytes of file {id}"
            )))
        };
        let mut known = content(stage, row.sha256)?.ok_or_else(missing)?;
        let taken = usage(stage, row.owner)?;
        let taken = Usage {
            files: taken.files.saturating_sub(1),
            bytes: taken.bytes.saturating_sub(known.content.bytes),
        };
        stage.put_row(keys::file_usage(row.owner), |out| write_usage(out, taken));
        known.files = known.files.saturating_sub(1);
        if known.files == 0 {
            stage.remove_row(keys::file_content(row.sha256));
            stage.put_row(keys::file_doomed(row.sha256), |_| {});
        } else {
            stage.put_row(keys::file_content(row.sha256), |out| known.write(out));
        }
    }
    Ok(removed)
}

/// Bytes that no file has any more are gone.
pub fn bytes_removed(stage: &mut Stage<'_>, sha256: Sha256) -> Result<(), Fault> {
    let key = keys::file_doomed(sha256);
    if stage.row(&key)?.is_some() {
        stage.remove_row(key);
    }
    Ok(())
}
