//! What people do with files, in one line each.

use anser_backend::conformance::blobs::{announced, hash_of};
use anser_backend::{BlobError, Blobs as _, UploadWriter, Variant};
use anser_files::FileStore;
use anser_types::{FileId, Sha256, UnixMs};
use bytes::Bytes;

pub const ID: FileId = FileId([1; 16]);

/// Begins an upload that is named by a number.
pub async fn begin(store: &FileStore, id: u8, length: Option<usize>) -> FileId {
    let upload = announced(id, length);
    let id = upload.id;
    store.begin(upload).await.unwrap();
    id
}

pub async fn writer(store: &FileStore, id: FileId, offset: usize) -> Box<dyn UploadWriter> {
    store.write(id, offset as u64, None, UnixMs(20)).await.unwrap()
}

/// Writes in pieces of 64 KiB, as they come from a network.
pub async fn take(writer: &mut dyn UploadWriter, bytes: &Bytes) -> Result<(), BlobError> {
    for piece in bytes.chunks(64 << 10) {
        writer.write(bytes.slice_ref(piece)).await?;
    }
    Ok(())
}

/// Sends bytes from an offset on, to their end.
pub async fn send(store: &FileStore, id: FileId, offset: usize, bytes: &Bytes) -> u64 {
    let mut writer = writer(store, id, offset).await;
    take(&mut *writer, bytes).await.unwrap();
    writer.finish().await.unwrap()
}

pub async fn offset(store: &FileStore, id: FileId) -> usize {
    usize::try_from(store.upload(id).await.unwrap().unwrap().offset).unwrap()
}

pub async fn keep(store: &FileStore, id: FileId) -> Sha256 {
    let examined = store.examine(id).await.unwrap();
    let sha256 = examined.sha256;
    store.keep(id, examined).await.unwrap();
    sha256
}

/// An upload from its beginning to its end.
pub async fn kept(store: &FileStore, id: u8, bytes: &Bytes) -> Sha256 {
    let id = begin(store, id, Some(bytes.len())).await;
    send(store, id, 0, bytes).await;
    assert_eq!(keep(store, id).await, hash_of(bytes));
    hash_of(bytes)
}

pub async fn read(store: &FileStore, sha256: Sha256) -> Result<Vec<u8>, BlobError> {
    let (_, mut reader) = store.read(sha256, Variant::Whole, None).await?;
    let mut read = Vec::new();
    while let Some(bytes) = reader.read().await? {
        read.extend_from_slice(&bytes);
    }
    Ok(read)
}
