//! Uploads of files that are not complete, so that they go on after a restart.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anser_types::{FileId, Sha256};
use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::values::{number, read_number};
use super::worker::Store;
use crate::files::Stamp;

/// Names an upload in its store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadNo(pub u64);

impl std::fmt::Display for UploadNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An upload as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptUpload {
    /// Given by the store.
    pub(crate) no: UploadNo,
    pub(crate) path: PathBuf,
    pub(crate) stamp: Stamp,
    pub(crate) sha256: Option<Sha256>,
    pub(crate) name: String,
    pub(crate) original: bool,
    /// Its name at the server, once it was announced.
    pub(crate) file: Option<FileId>,
    pub(crate) offset: u64,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<KeptUpload> {
    let path: Vec<u8> = row.get("path")?;
    Ok(KeptUpload {
        no: UploadNo(read_number(row, "no")?),
        path: PathBuf::from(OsStr::from_bytes(&path)),
        stamp: Stamp { bytes: read_number(row, "bytes")?, modified_ns: row.get("modified_ns")? },
        sha256: row.get::<_, Option<[u8; 32]>>("sha256")?.map(Sha256),
        name: row.get("name")?,
        original: row.get("original")?,
        file: row.get::<_, Option<[u8; 16]>>("file")?.map(FileId),
        offset: read_number(row, "sent")?,
    })
}

fn write(connection: &Connection, kept: &KeptUpload) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE upload SET path = ?2, bytes = ?3, modified_ns = ?4, sha256 = ?5, name = ?6,
                 original = ?7, file = ?8, sent = ?9
             WHERE no = ?1",
        )?
        .execute(params![
            number(kept.no.0),
            kept.path.as_os_str().as_bytes(),
            number(kept.stamp.bytes),
            kept.stamp.modified_ns,
            kept.sha256.map(|sha256| sha256.0),
            kept.name,
            kept.original,
            kept.file.map(|file| file.0),
            number(kept.offset),
        ])?;
    Ok(())
}

impl Store {
    /// Keeps a new upload; its number names it from now on.
    pub(crate) async fn keep_upload(&self, kept: KeptUpload) -> Result<UploadNo, StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO upload (path, bytes, modified_ns, name, original, sent)
                 VALUES (x'', 0, 0, '', 0, 0)",
                [],
            )?;
            let no = UploadNo(transaction.last_insert_rowid().cast_unsigned());
            write(&transaction, &KeptUpload { no, ..kept })?;
            transaction.commit()?;
            Ok(no)
        })
        .await
    }

    /// Writes down how far an upload is.
    pub(crate) async fn note_upload(&self, kept: KeptUpload) -> Result<(), StoreError> {
        self.run(move |connection| write(connection, &kept)).await
    }

    /// An upload has ended.
    pub(crate) async fn forget_upload(&self, no: UploadNo) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection.execute("DELETE FROM upload WHERE no = ?1", [number(no.0)])?;
            Ok(())
        })
        .await
    }

    /// Every upload that has not ended, oldest first.
    pub(crate) async fn uploads(&self) -> Result<Vec<KeptUpload>, StoreError> {
        self.run(|connection| {
            let rows = connection
                .prepare_cached("SELECT * FROM upload ORDER BY no")?
                .query_map([], read_row)?
                .collect::<Result<_, _>>()?;
            Ok(rows)
        })
        .await
    }
}
