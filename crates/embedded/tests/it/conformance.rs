//! The suite every backend runs, on a directory: a kill drops the store without farewell.

use anser_backend::Boxed;
use anser_backend::conformance::{Harness, Ports};
use anser_embedded::{EmbeddedStore, Options};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Small segments and frequent checkpoints: every property meets them.
pub fn small() -> Options {
    Options {
        segment_bytes: 16 << 10,
        checkpoint_bytes: 8 << 10,
        min_free_bytes: 0,
        ..Options::default()
    }
}

struct OnDirectory {
    dir: TempDir,
    store: Option<EmbeddedStore>,
    runtime: Runtime,
}

impl OnDirectory {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Some(EmbeddedStore::open(dir.path(), small()).unwrap());
        Self { dir, store, runtime }
    }
}

impl Harness for OnDirectory {
    fn ports(&self) -> Ports {
        Ports::of(self.store.clone().unwrap())
    }

    fn kill(&mut self) {
        self.store = None;
        self.store = Some(EmbeddedStore::open(self.dir.path(), small()).unwrap());
    }

    fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        self.runtime.block_on(store.close()).unwrap();
        drop(store);
        self.kill();
    }

    fn block_on<T>(&self, future: Boxed<'_, T>) -> T {
        self.runtime.block_on(future)
    }
}

anser_backend::conformance_tests!(OnDirectory::new);
