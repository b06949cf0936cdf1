//! The suite that every store of bytes runs, on a directory: a kill leaves what a copy of it has.

use std::sync::Arc;

use anser_backend::conformance::blobs::{BlobsHarness, MemoryBlobsHarness, run_all, some_bytes};
use anser_backend::{Blobs, Boxed};
use anser_files::{FileStore, Settings};
use tokio::runtime::Runtime;

use crate::people::{kept, read};
use crate::places::Place;

struct OnDirectory {
    place: Place,
    store: FileStore,
    runtime: Runtime,
}

impl OnDirectory {
    fn new() -> Self {
        Self::with_workers(2)
    }

    fn with_workers(workers: usize) -> Self {
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let settings = Settings { workers, ..place.settings() };
        Self { store: FileStore::open(&settings).unwrap(), place, runtime }
    }
}

impl BlobsHarness for OnDirectory {
    fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::new(self.store.clone())
    }

    fn kill(&mut self) {
        let left = self.place.image();
        self.store = left.open();
        self.place = left;
    }

    fn block_on<T>(&self, future: Boxed<'_, T>) -> T {
        self.runtime.block_on(future)
    }
}

anser_backend::blob_conformance_tests!(OnDirectory::new);

#[test]
fn the_reference_keeps_its_own_promises() {
    run_all(MemoryBlobsHarness::default);
}

#[test]
fn one_thread_of_a_kind_is_enough() {
    run_all(|| OnDirectory::with_workers(1));
}

/// Syncs beside writing, with nobody beside.
#[tokio::test]
async fn one_thread_takes_a_long_upload() {
    let place = Place::new();
    let store = FileStore::open(&Settings { workers: 1, ..place.settings() }).unwrap();
    let bytes = some_bytes(1, 70 << 20);
    let sha256 = kept(&store, 1, &bytes).await;
    assert!(read(&store, sha256).await.unwrap() == bytes);
}
