//! Pictures: what is kept of them, and what is not.

use anser_backend::conformance::blobs::{announced, hash_of, some_bytes};
use anser_backend::{BlobError, Blobs as _, Examined, Upload, Variant};
use anser_files::FileStore;
use anser_types::limits::PICTURE_MAX_BYTES;
use anser_types::{Sha256, ThumbnailSize};
use bytes::Bytes;

use crate::people::{ID, keep, read, send};
use crate::places::Place;

/// 600 by 400 pixels, with a comment that says where it was taken.
const PICTURE: &[u8] = include_bytes!("picture.png");
const SECRET: &[u8] = b"taken at home";

async fn uploaded(store: &FileStore, id: u8, bytes: &Bytes, original: bool) -> Upload {
    let upload = Upload { original, ..announced(id, Some(bytes.len())) };
    store.begin(upload.clone()).await.unwrap();
    send(store, upload.id, 0, bytes).await;
    upload
}

fn tells_a_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|part| part == SECRET)
}

async fn thumbnail(
    store: &FileStore,
    sha256: Sha256,
    size: ThumbnailSize,
) -> Result<Bytes, BlobError> {
    let (all, mut reader) = store.read(sha256, Variant::Thumbnail(size), None).await?;
    let bytes = reader.read().await?.unwrap();
    assert_eq!(bytes.len() as u64, all);
    Ok(bytes)
}

#[tokio::test]
async fn a_picture_is_kept_without_what_it_tells_and_in_smaller_sizes() {
    let place = Place::new();
    let store = place.open();
    let picture = Bytes::from_static(PICTURE);
    assert!(tells_a_secret(&picture));
    let upload = uploaded(&store, 1, &picture, false).await;
    let examined = store.examine(upload.id).await.unwrap();
    let look = examined.look.clone().unwrap();
    assert_eq!((look.width, look.height), (600, 400));
    assert_eq!(examined.media_type, "image/png");
    assert_ne!(examined.sha256, hash_of(&picture));
    // A crash between looking and keeping: it is looked at again, and is the same.
    let left = place.image();
    let store = left.open();
    store.keep(ID, examined.clone()).await.unwrap();
    assert_eq!(store.examine(ID).await, Ok(examined.clone()));
    let kept = read(&store, examined.sha256).await.unwrap();
    assert_eq!(hash_of(&kept), examined.sha256);
    assert!(!tells_a_secret(&kept));
    assert_eq!(look.thumbnails, [ThumbnailSize::Small, ThumbnailSize::Medium]);
    for size in look.thumbnails {
        let small = thumbnail(&store, examined.sha256, size).await.unwrap();
        assert!(small.starts_with(&[0xff, 0xd8]), "a JPEG");
    }
    let large = thumbnail(&store, examined.sha256, ThumbnailSize::Large).await;
    assert_eq!(large, Err(BlobError::Unknown));
    store.give_up(ID).await.unwrap();
    let spool = std::fs::read_dir(left.spool()).unwrap().count();
    assert_eq!(spool, 1, "nothing but the lock is left of it");
    store.remove(examined.sha256).await.unwrap();
    let small = thumbnail(&store, examined.sha256, ThumbnailSize::Small).await;
    assert_eq!(small, Err(BlobError::Unknown));
}

#[tokio::test]
async fn an_original_is_kept_as_it_is() {
    let place = Place::new();
    let store = place.open();
    let picture = Bytes::from_static(PICTURE);
    uploaded(&store, 1, &picture, true).await;
    let Examined { sha256, look, media_type, .. } = store.examine(ID).await.unwrap();
    assert_eq!((sha256, &*media_type), (hash_of(&picture), "image/png"));
    assert!(look.is_some());
    assert_eq!(keep(&store, ID).await, sha256);
    assert!(read(&store, sha256).await.unwrap() == picture);
    assert!(thumbnail(&store, sha256, ThumbnailSize::Small).await.is_ok());
}

#[tokio::test]
async fn a_broken_picture_is_refused_or_a_plain_file() {
    let place = Place::new();
    let store = place.open();
    let broken = Bytes::from_static(&PICTURE[..PICTURE.len() / 2]);
    let upload = uploaded(&store, 1, &broken, false).await;
    for _ in 0..2 {
        let refused = store.examine(upload.id).await;
        assert!(matches!(refused, Err(BlobError::Refused(_))), "{refused:?}");
    }
    assert_eq!(read(&store, hash_of(&broken)).await, Err(BlobError::Unknown));
    let plain = uploaded(&store, 2, &broken, true).await;
    let examined = store.examine(plain.id).await.unwrap();
    let found = (examined.sha256, &*examined.media_type, examined.look);
    assert_eq!(found, (hash_of(&broken), "application/octet-stream", None));
}

#[tokio::test]
async fn what_is_too_large_to_be_looked_at_is_a_plain_file() {
    let place = Place::new();
    let store = place.open();
    let rest = some_bytes(1, usize::try_from(PICTURE_MAX_BYTES).unwrap());
    let large = Bytes::from([PICTURE, &rest].concat());
    uploaded(&store, 1, &large, false).await;
    let examined = store.examine(ID).await.unwrap();
    assert_eq!(&*examined.media_type, "application/octet-stream");
    assert_eq!((examined.sha256, examined.look), (hash_of(&large), None));
}

/// Who has the cleaned one, as everybody who fetched it has, need not send it again; an original would be cleaned.
#[tokio::test]
async fn requirement_h3_a_picture_that_tells_nothing_is_told_from_one_that_does() {
    let place = Place::new();
    let store = place.open();
    let picture = Bytes::from_static(PICTURE);
    uploaded(&store, 1, &picture, false).await;
    let cleaned = keep(&store, ID).await;
    let original = uploaded(&store, 2, &picture, true).await;
    let original = keep(&store, original.id).await;
    assert_eq!(store.is_clean(cleaned).await, Ok(true));
    assert_eq!(store.is_clean(original).await, Ok(false));
    let again = Bytes::from(read(&store, cleaned).await.unwrap());
    let again = uploaded(&store, 3, &again, false).await;
    assert_eq!(keep(&store, again.id).await, cleaned, "an upload of it would be kept as it is");
    let plain = uploaded(&store, 4, &some_bytes(1, 5_000), false).await;
    let plain = keep(&store, plain.id).await;
    assert_eq!(store.is_clean(plain).await, Ok(false), "it is no picture");
    assert_eq!(store.is_clean(Sha256([1; 32])).await, Err(BlobError::Unknown));
}

/// The same picture is sent again, and what makes smaller ones of it is another version now.
#[tokio::test]
async fn a_smaller_picture_that_is_there_is_as_good_as_a_new_one() {
    let place = Place::new();
    let store = place.open();
    let picture = Bytes::from_static(PICTURE);
    uploaded(&store, 1, &picture, false).await;
    let sha256 = keep(&store, ID).await;
    let small = place.kept(sha256).with_extension("small");
    std::fs::write(&small, b"of an older version").unwrap();
    let again = uploaded(&store, 2, &picture, false).await;
    assert_eq!(keep(&store, again.id).await, sha256);
    let kept = thumbnail(&store, sha256, ThumbnailSize::Small).await.unwrap();
    assert_eq!(kept, &b"of an older version"[..]);
}
