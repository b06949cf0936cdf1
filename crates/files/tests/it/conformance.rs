//! The suite that every store of bytes runs, on a directory: a kill leaves what a copy of it has.

use std::sync::Arc;

use anser_backend::conformance::blobs::{BlobsHarness, MemoryBlobsHarness, run_all};
use anser_backend::{Blobs, Boxed};
use anser_files::FileStore;
use tokio::runtime::Runtime;

use crate::places::Place;

struct OnDirectory {
    place: Place,
    store: FileStore,
    runtime: Runtime,
}

impl OnDirectory {
    fn new() -> Self {
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { store: place.open(), place, runtime }
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
