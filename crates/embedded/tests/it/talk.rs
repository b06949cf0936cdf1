//! A store on a simulated disk, and two people who talk in it.

use std::path::Path;
use std::sync::Arc;

use anser_backend::testing::{AppendBuilder, Person};
use anser_backend::{Append, Appended, Order, PageLimit, StoreError};
use anser_embedded::{EmbeddedStore, OpenError, Options};
use anser_types::{CommandNo, Seq, SessionEpoch, UserNo, Version};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::simulated_disk::SimulatedDisk;

/// A store under test with its directory; the log lies on a simulated disk.
pub struct Talk {
    pub dir: TempDir,
    pub disk: SimulatedDisk,
    pub store: EmbeddedStore,
    pub runtime: Runtime,
    pub alice: Person,
    pub bob: Person,
    pub epoch: SessionEpoch,
}

/// Options on a simulated disk; `checkpoints` says whether the tables are ever made independent of the log.
pub fn options(disk: &SimulatedDisk, checkpoints: bool) -> Options {
    Options {
        segment_bytes: 4 << 10,
        checkpoint_bytes: if checkpoints { 4 << 10 } else { u64::MAX },
        min_free_bytes: 1 << 20,
        disk: Some(Arc::new(disk.clone())),
    }
}

impl Talk {
    /// Alice and Bob know each other; nothing was said.
    pub fn begin() -> Self {
        Self::begin_with(false)
    }

    /// The same with frequent checkpoints.
    pub fn begin_with(checkpoints: bool) -> Self {
        let dir = quick_directory();
        let disk = SimulatedDisk::new();
        let store = EmbeddedStore::open(dir.path(), options(&disk, checkpoints)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (alice, bob) = (Person::new(UserNo(1), "alice"), Person::new(UserNo(2), "bob"));
        let ledger = store.ledger();
        let opening = AppendBuilder::internal().opens_direct(&alice, &bob).build();
        runtime.block_on(ledger.append_batch(vec![opening])).unwrap();
        let epoch = runtime.block_on(ledger.open_session(alice.device(1))).unwrap().epoch;
        Self { dir, disk, store, runtime, alice, bob, epoch }
    }

    /// The store is closed (or dropped, which is a crash) and opened again; Alice says Hello.
    pub fn reopen(self, close: bool, checkpoints: bool) -> Self {
        self.reopen_looking(close, checkpoints, |_| {})
    }

    /// The same, with a look at the directory while nobody uses it.
    pub fn reopen_looking(self, close: bool, checkpoints: bool, look: impl FnOnce(&Path)) -> Self {
        let Self { dir, disk, store, runtime, alice, bob, .. } = self;
        if close {
            runtime.block_on(store.close()).unwrap();
        }
        drop(store);
        look(dir.path());
        let store = EmbeddedStore::open(dir.path(), options(&disk, checkpoints)).unwrap();
        let hello = store.ledger();
        let epoch = runtime.block_on(hello.open_session(alice.device(1))).unwrap().epoch;
        Self { dir, disk, store, runtime, alice, bob, epoch }
    }

    /// Alice's `n`-th message.
    pub fn message(&self, n: u64) -> Append {
        AppendBuilder::command(self.alice.device(1), self.epoch, CommandNo(n))
            .expecting(self.alice.direct(&self.bob), Version(1))
            .says(self.alice.direct(&self.bob), &self.alice, n, &said(n), &[&self.alice, &self.bob])
            .build()
    }

    /// Alice says her `n`-th message, in a commit of its own.
    pub fn say(&self, n: u64) -> Result<Appended, StoreError> {
        let ledger = self.store.ledger();
        let results = self.runtime.block_on(ledger.append_batch(vec![self.message(n)]))?;
        Ok(results.into_iter().next().unwrap())
    }

    /// Everything said, in order.
    pub fn history(&self) -> Vec<String> {
        history(&self.runtime, &self.store, &self.alice, &self.bob)
    }

    /// A fresh directory for this store's log: its `format` file, and no tables, as if nothing had reached them.
    pub fn directory_without_tables(&self) -> TempDir {
        let dir = quick_directory();
        std::fs::copy(self.dir.path().join("format"), dir.path().join("format")).unwrap();
        dir
    }

    /// Opens an image of the disk on fresh tables, and says what is in it.
    pub fn recover(&self, image: &SimulatedDisk) -> Result<Vec<String>, OpenError> {
        let dir = self.directory_without_tables();
        let store = EmbeddedStore::open(dir.path(), options(image, false))?;
        Ok(history(&self.runtime, &store, &self.alice, &self.bob))
    }
}

/// A directory in memory where the system has one: the tables' own syncs are not what these tests are about.
pub fn quick_directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub fn said(n: u64) -> String {
    format!("message {n}")
}

pub fn texts(up_to: u64) -> Vec<String> {
    (1..=up_to).map(said).collect()
}

pub fn open(dir: &Path, disk: &SimulatedDisk) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(dir, options(disk, false))
}

pub fn history(
    runtime: &Runtime,
    store: &EmbeddedStore,
    one: &Person,
    other: &Person,
) -> Vec<String> {
    try_history(runtime, store, one, other).unwrap()
}

pub fn try_history(
    runtime: &Runtime,
    store: &EmbeddedStore,
    one: &Person,
    other: &Person,
) -> Result<Vec<String>, StoreError> {
    let limit = PageLimit { entries: 100_000, bytes: usize::MAX };
    let id = one.direct(other);
    let conversations = store.conversations();
    let page = conversations.messages(id, Seq::ZERO, Seq::MAX, Order::OldestFirst, limit);
    let messages = runtime.block_on(page)?;
    let text = |m: &anser_types::Message| {
        String::from_utf8(m.content.as_ref().unwrap().body.to_vec()).unwrap()
    };
    Ok(messages.iter().map(|message| text(message)).collect())
}
