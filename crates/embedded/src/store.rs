//! The store as its owner holds it: opened on a directory, giving out ports, closed in order.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anser_backend::{Accounts, Conversations, Files, Inspect, Ledger, Lists, StoreError};
use anser_types::UserNo;
use parking_lot::Mutex;

use crate::core::Core;
use crate::keys::Key;
use crate::marker::Marker;
use crate::opening::{LockFile, open};
use crate::options::{OpenError, Options};
use crate::writer::Handle;

/// Everything the ports share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) core: Arc<Core>,
    /// Taken when the last handle goes, so that the thread ends before its lock does.
    writer: Mutex<Option<Handle>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    marker: Mutex<Option<Marker>>,
    /// The trimmer goes on behind this user.
    pub(crate) trimmed_up_to: Mutex<UserNo>,
    /// Idempotency-Keys are looked at from behind this one on.
    pub(crate) expired_up_to: Mutex<Option<Key>>,
    /// Stands last: nobody else may open the directory before everything above has let go of it.
    _lock: LockFile,
}

/// A store on one directory. Clones share it; dropping the last one ends it as a crash would (nothing accepted is
/// lost), [`EmbeddedStore::close`] ends it in order, which makes the next opening quick.
#[derive(Clone, Debug)]
pub struct EmbeddedStore {
    pub(crate) inner: Arc<Inner>,
}

/// What a store has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The last durable commit.
    pub commit_no: u64,
    /// Rows read from the tables.
    pub table_reads: u64,
    /// Rows written to the tables.
    pub table_writes: u64,
}

impl EmbeddedStore {
    /// Opens the store in a directory, or makes one. Blocks: it reads the commit log since the last checkpoint.
    ///
    /// # Errors
    /// [`OpenError`] says why not; the directory is then as it was.
    pub fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let opened = open(dir, options)?;
        let inner = Inner {
            core: opened.core,
            writer: Mutex::new(Some(opened.writer)),
            thread: Mutex::new(Some(opened.thread)),
            marker: Mutex::new(Some(opened.marker)),
            trimmed_up_to: Mutex::default(),
            expired_up_to: Mutex::default(),
            _lock: opened.lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The writer's port.
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    /// What rules and pages read.
    #[must_use]
    pub fn conversations(&self) -> Arc<dyn Conversations> {
        Arc::new(self.clone())
    }

    /// The lists kept beside conversations.
    #[must_use]
    pub fn lists(&self) -> Arc<dyn Lists> {
        Arc::new(self.clone())
    }

    /// Users, devices and tokens.
    #[must_use]
    pub fn accounts(&self) -> Arc<dyn Accounts> {
        Arc::new(self.clone())
    }

    /// What is known of files.
    #[must_use]
    pub fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.clone())
    }

    /// The raw store.
    #[must_use]
    pub fn inspect(&self) -> Arc<dyn Inspect> {
        Arc::new(self.clone())
    }

    /// What the store has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (table_reads, table_writes) = self.inner.core.tables.counts();
        Counters { commit_no: self.inner.core.durable(), table_reads, table_writes }
    }

    /// Writes soft positions, makes a checkpoint, and ends the store: every port answers [`StoreError::Closed`]
    /// afterwards. Closing twice does nothing. The directory is free once the last handle is dropped.
    ///
    /// # Errors
    /// If something could not be written; nothing accepted is lost even then.
    pub async fn close(&self) -> Result<(), StoreError> {
        let Some(writer) = self.inner.writer.lock().take() else { return Ok(()) };
        let flushed = self.flush_with(&writer).await;
        let closed = writer.close().await;
        drop(writer);
        let inner = Arc::clone(&self.inner);
        let end = move || inner.end();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime
                .spawn_blocking(end)
                .await
                .map_err(|error| StoreError::Failed(error.to_string()))?,
            Err(_) => end(),
        }
        flushed.and(closed)
    }
}

impl Inner {
    /// The way to the store's thread.
    pub(crate) fn writer(&self) -> Result<Handle, StoreError> {
        self.core.check()?;
        self.writer.lock().clone().ok_or(StoreError::Closed)
    }

    /// Waits for the threads.
    fn end(&self) {
        drop(self.writer.lock().take());
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread panicked");
        }
        drop(self.marker.lock().take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}
