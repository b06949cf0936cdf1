//! Complete bytes in a bucket: the same promises, kept by an S3-like store.

use std::cell::Cell;
use std::sync::Arc;

use anser_backend::conformance::blobs::{BlobsHarness, hash_of, run_all, some_bytes};
use anser_backend::{BlobError, Blobs, Boxed};
use anser_files::{BucketSettings, FileStore, Keep, Settings};
use anser_types::FileId;
use tokio::runtime::Runtime;

use crate::disks::WildDisk;
use crate::moto::Moto;
use crate::people::{ID, begin, keep, kept, read, send};
use crate::places::Place;

struct InBucket {
    place: Place,
    bucket: BucketSettings,
    store: FileStore,
    runtime: Runtime,
}

fn settings(place: &Place, bucket: &BucketSettings) -> Settings {
    Settings { keep: Keep::Bucket(bucket.clone()), ..place.settings() }
}

fn open(place: &Place, bucket: &BucketSettings) -> FileStore {
    FileStore::open(&settings(place, bucket)).unwrap()
}

impl BlobsHarness for InBucket {
    fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::new(self.store.clone())
    }

    fn kill(&mut self) {
        let left = self.place.image();
        self.store = open(&left, &self.bucket);
        self.place = left;
    }

    fn block_on<T>(&self, future: Boxed<'_, T>) -> T {
        self.runtime.block_on(future)
    }
}

#[test]
fn a_bucket_keeps_every_promise_of_the_port() {
    let moto = Moto::start();
    let number = Cell::new(0);
    run_all(|| {
        number.set(number.get() + 1);
        let bucket = moto.bucket(&format!("property/{}", number.get()));
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        InBucket { store: open(&place, &bucket), place, bucket, runtime }
    });
    assert_eq!(moto.count("property").1, 0, "nothing is left half sent");
}

#[tokio::test]
async fn requirement_h3_a_large_file_is_sent_to_the_bucket_once() {
    let (moto, place) = (Moto::start(), Place::new());
    let bucket = moto.bucket("");
    let store = open(&place, &bucket);
    store.check().await.unwrap();
    // Several parts, and a rest.
    let bytes = some_bytes(1, (27 << 20) + 5);
    let sha256 = kept(&store, 1, &bytes).await;
    assert!(read(&store, sha256).await.unwrap() == bytes);
    assert_eq!(moto.count(""), (1, 0));
    kept(&store, 2, &bytes).await;
    assert_eq!(moto.count(""), (1, 0));
    let hash = sha256.to_string();
    let head = moto.ask("HEAD", &format!("/files/{}/{}/{hash}", &hash[..2], &hash[2..4]));
    assert!(head.contains(&format!("{}", bytes.len())), "{head}");
    store.remove(sha256).await.unwrap();
    assert_eq!(moto.count(""), (0, 0));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_said_to_be_and_loses_no_upload() {
    let (moto, place) = (Moto::start(), Place::new());
    let wrong = BucketSettings { bucket: "nowhere".into(), ..moto.bucket("a") };
    let store = open(&place, &wrong);
    let missing = store.check().await;
    assert!(matches!(missing, Err(BlobError::Failed(_) | BlobError::Unknown)), "{missing:?}");
    let bytes = some_bytes(1, 9 << 20);
    begin(&store, 1, Some(bytes.len())).await;
    send(&store, ID, 0, &bytes).await;
    let examined = store.examine(ID).await.unwrap();
    let lost = store.keep(ID, examined).await;
    assert!(lost.is_err(), "{lost:?}");
    store.close().await;
    let store = open(&place, &moto.bucket("a"));
    assert_eq!(keep(&store, ID).await, hash_of(&bytes));
    assert!(read(&store, hash_of(&bytes)).await.unwrap() == bytes);
}

#[tokio::test]
async fn guarantee_g21_an_upload_that_lost_bytes_is_not_kept_in_a_bucket() {
    let (moto, place) = (Moto::start(), Place::new());
    let bucket = moto.bucket("");
    let store = open(&place, &bucket);
    let bytes = some_bytes(1, 27 << 20);
    begin(&store, 1, Some(bytes.len())).await;
    send(&store, ID, 0, &bytes).await;
    let examined = store.examine(ID).await.unwrap();
    // Somebody cuts the spool's file behind the store's back.
    let path = place.spool().join(format!("{ID}.bytes"));
    std::fs::File::options().write(true).open(path).unwrap().set_len(20 << 20).unwrap();
    let cut = store.keep(ID, examined).await;
    assert!(matches!(cut, Err(BlobError::Failed(_))), "{cut:?}");
    assert_eq!(moto.count(""), (0, 0));
}

/// Whoever asked went away; the file is kept all the same, and nothing is left half sent.
#[tokio::test]
async fn keeping_goes_on_when_nobody_waits() {
    let (moto, place) = (Moto::start(), Place::new());
    let disk = WildDisk::default();
    let store = FileStore::open_on(&settings(&place, &moto.bucket("")), Arc::new(disk)).unwrap();
    let bytes = some_bytes(1, 20 << 20);
    begin(&store, 1, Some(bytes.len())).await;
    send(&store, ID, 0, &bytes).await;
    let examined = store.examine(ID).await.unwrap();
    let mut keeping = Box::pin(store.keep(ID, examined.clone()));
    while moto.count("").1 == 0 {
        if futures::poll!(keeping.as_mut()).is_ready() {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(keeping);
    // Asking again waits for its turn.
    store.keep(FileId([1; 16]), examined).await.unwrap();
    assert_eq!(moto.count(""), (1, 0));
}
