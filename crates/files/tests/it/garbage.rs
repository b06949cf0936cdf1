//! What does not belong into the spool, or is broken, disturbs nothing; and who may look.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use anser_backend::conformance::blobs::{hash_of, some_bytes};
use anser_backend::{BlobError, Blobs as _};
use anser_files::FileStore;
use anser_types::FileId;

use crate::people::{begin, kept, read, send};
use crate::places::Place;

fn aside(place: &Place) -> Vec<String> {
    let found = fs::read_dir(place.spool().join("aside")).unwrap();
    let mut names: Vec<_> = found.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn garbage_is_set_aside_and_everything_else_goes_on() {
    let place = Place::new();
    let store = place.open();
    for id in 1..=5 {
        let id = begin(&store, id, Some(3_000)).await;
        send(&store, id, 0, &some_bytes(1, 1_000)).await;
    }
    store.close().await;
    drop(store);
    let (spool, of) = (place.spool(), |id: u8, kind: &str| format!("{}.{kind}", FileId([id; 16])));
    fs::write(spool.join(of(2, "note")), "what is this?").unwrap();
    fs::remove_file(spool.join(of(3, "note"))).unwrap();
    fs::write(spool.join(of(4, "bytes")), [1; 999]).unwrap();
    fs::remove_file(spool.join(of(5, "bytes"))).unwrap();
    fs::write(spool.join("README"), "hello").unwrap();
    fs::create_dir(spool.join("a directory")).unwrap();
    fs::create_dir(spool.join(of(7, "note"))).unwrap();
    fs::write(spool.join(of(1, "clean")), "half a pict").unwrap();
    fs::write(spool.join(of(1, "new")), "half a note").unwrap();
    fs::write(spool.join(of(8, "new")), "half a note").unwrap();
    for _ in 0..2 {
        let store = place.open();
        let left = store.uploads().await.unwrap();
        assert_eq!(left.iter().map(|state| state.upload.id.0[0]).collect::<Vec<_>>(), [1]);
        assert_eq!(left[0].offset, 1_000);
        store.close().await;
    }
    let mut wanted = vec![
        "README".to_owned(),
        "a directory".to_owned(),
        of(2, "bytes"),
        of(2, "note"),
        of(4, "bytes"),
        of(4, "note"),
        of(5, "note"),
        of(7, "note"),
    ];
    wanted.sort();
    assert_eq!(aside(&place), wanted);
    fs::write(spool.join("README"), "hello again").unwrap();
    place.open().close().await;
    assert_eq!(aside(&place).len(), wanted.len() + 1, "nothing set aside is lost");
    assert!(!spool.join(of(1, "clean")).exists() && !spool.join(of(8, "new")).exists());
}

#[tokio::test]
async fn one_process_alone_uses_a_spool() {
    let place = Place::new();
    let store = place.open();
    let error = FileStore::open(&place.settings()).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    store.close().await;
    drop(store);
    place.open();
}

#[tokio::test]
async fn only_the_owner_of_the_process_sees_files() {
    let place = Place::new();
    let store = place.open();
    let sha256 = kept(&store, 1, &some_bytes(1, 3_000)).await;
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let kept = place.kept(sha256);
    for directory in [place.spool(), place.files(), kept.parent().unwrap().to_owned()] {
        assert_eq!(mode(directory), 0o700);
    }
    let id = FileId([1; 16]);
    let of_upload = ["bytes", "note"].map(|kind| place.spool().join(format!("{id}.{kind}")));
    for file in of_upload.into_iter().chain([kept]) {
        assert_eq!(mode(file), 0o600);
    }
}

#[tokio::test]
async fn requirement_h3_the_same_bytes_take_room_once() {
    let place = Place::new();
    let store = place.open();
    let bytes = some_bytes(1, 1 << 20);
    let sha256 = kept(&store, 1, &bytes).await;
    let path = place.kept(sha256);
    let about = fs::metadata(&path).unwrap();
    assert_eq!(about.nlink(), 2, "kept without being copied");
    kept(&store, 2, &bytes).await;
    assert_eq!(fs::metadata(&path).unwrap().ino(), about.ino());
    for id in [1, 2] {
        store.give_up(FileId([id; 16])).await.unwrap();
    }
    assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    store.remove(sha256).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_kept_file_that_lost_bytes_is_replaced_by_who_has_them() {
    let place = Place::new();
    let store = place.open();
    let bytes = some_bytes(1, 1 << 20);
    let sha256 = kept(&store, 1, &bytes).await;
    let path = place.kept(sha256);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "half").unwrap();
    kept(&store, 2, &bytes).await;
    assert!(read(&store, sha256).await.unwrap() == bytes);
}

#[tokio::test]
async fn guarantee_g21_an_upload_that_lost_bytes_is_not_kept() {
    let place = Place::new();
    let store = place.open();
    let bytes = some_bytes(1, 1 << 20);
    let id = begin(&store, 1, Some(bytes.len())).await;
    send(&store, id, 0, &bytes).await;
    let examined = store.examine(id).await.unwrap();
    // Somebody cuts the spool's file behind the store's back.
    let path = place.spool().join(format!("{id}.bytes"));
    fs::File::options().write(true).open(path).unwrap().set_len(1 << 19).unwrap();
    assert!(store.keep(id, examined).await.is_err());
    assert_eq!(read(&store, hash_of(&bytes)).await, Err(BlobError::Unknown));
}

/// The spool may be on another disk than what is kept.
#[tokio::test]
async fn bytes_are_copied_where_they_cannot_be_linked() {
    let (place, far) = (Place::new(), tempfile::tempdir_in("/dev/shm").unwrap());
    let device = |path| fs::metadata(path).unwrap().dev();
    let here = tempfile::tempdir().unwrap();
    assert_ne!(device(far.path()), device(here.path()), "/dev/shm is a file system of its own");
    let spool = far.path().join("spool");
    let settings = anser_files::Settings { spool, ..place.settings() };
    let store = FileStore::open(&settings).unwrap();
    let bytes = some_bytes(1, 1 << 20);
    let sha256 = kept(&store, 1, &bytes).await;
    assert_eq!(sha256, hash_of(&bytes));
    store.give_up(FileId([1; 16])).await.unwrap();
    assert!(read(&store, sha256).await.unwrap() == bytes);
}
