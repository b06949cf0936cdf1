//! The thread that owns the database, and the handle through which jobs reach it.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use anser_client::records::Record;
use anser_types::UnixMs;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::apply;
use super::arrivals::{self, ArrivalNo};
use super::error::StoreError;
use super::forgetting;
use super::opening::{self, Opened, StoreOptions};

/// Jobs waiting for the thread; a full queue makes the caller wait. Each is a few milliseconds of work.
const QUEUE: usize = 64;

enum Job {
    Run(Box<dyn FnOnce(&mut Connection) + Send>),
    Close,
}

/// What one transaction led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The newest event for the app.
    pub newest_arrival: ArrivalNo,
    /// When the next message's time is over.
    pub next_expiry: Option<UnixMs>,
}

/// Handle to an open store; cheap to clone. The store is closed once [`Store::close`] returns or the last handle is
/// dropped (which waits for the job under way); what was committed before a crash is there after it.
#[derive(Clone, Debug)]
pub struct Store {
    owner: Arc<Owner>,
}

/// What the handles share. Fields drop in order: without senders the thread ends, then it is waited for.
#[derive(Debug)]
struct Owner {
    jobs: mpsc::Sender<Job>,
    _thread: JoinOnDrop,
    ended: watch::Receiver<bool>,
    key_file_made: Option<PathBuf>,
}

/// Waits for the thread: a process that ends while it still encrypts would crash in the library's exit handler.
#[derive(Debug)]
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        if self.0.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the local store has panicked");
        }
    }
}

impl Store {
    /// Opens or makes the store and takes its lock.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it, [`StoreError::WrongKey`], [`StoreError::TooNew`], or what
    /// the operating system said.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (opened, opening) = oneshot::channel();
        let (ending, ended) = watch::channel(false);
        let directory = options.directory.clone();
        let thread = std::thread::Builder::new()
            .name("anser-store".to_owned())
            .spawn(move || own_database(&options, opened, queue, &ending))
            .map_err(|error| StoreError::io("start a thread for", &directory, error))?;
        let thread = JoinOnDrop(Some(thread));
        let key_file_made = opening.await.map_err(|_| StoreError::Closed)??;
        Ok(Self { owner: Arc::new(Owner { jobs, _thread: thread, ended, key_file_made }) })
    }

    /// The key file, if opening made one just now: tell the user where it lies.
    #[must_use]
    pub fn key_file_made(&self) -> Option<&PathBuf> {
        self.owner.key_file_made.as_ref()
    }

    /// Applies the records in one transaction and in order, together with the app's confirmation of events up to
    /// `confirm`. Durable when it returns; on an error nothing has changed.
    ///
    /// # Errors
    /// [`StoreError::Full`] when there is no space.
    pub async fn apply(
        &self,
        records: Arc<Vec<Record>>,
        confirm: Option<ArrivalNo>,
    ) -> Result<Applied, StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            for record in records.iter() {
                apply::apply(&transaction, record)?;
            }
            if let Some(up_to) = confirm {
                arrivals::confirm(&transaction, up_to)?;
            }
            let newest_arrival = arrivals::newest(&transaction)?;
            let next_expiry = forgetting::next_expiry(&transaction)?;
            transaction.commit()?;
            Ok(Applied { newest_arrival, next_expiry })
        })
        .await
    }

    /// Runs a job on the database.
    pub(super) async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let job = Job::Run(Box::new(move |connection| {
            // Nobody waits any more for a job whose caller gave up; its effect stands.
            drop(done.send(job(connection)));
        }));
        self.owner.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Finishes the jobs given before, closes the database and releases the lock.
    pub async fn close(&self) {
        if self.owner.jobs.send(Job::Close).await.is_ok() {
            // An error means that the thread is gone, which is what is waited for.
            drop(self.owner.ended.clone().wait_for(|ended| *ended).await);
        }
    }
}

fn own_database(
    options: &StoreOptions,
    opened: oneshot::Sender<Result<Option<PathBuf>, StoreError>>,
    mut queue: mpsc::Receiver<Job>,
    ending: &watch::Sender<bool>,
) {
    let Opened { mut connection, key_file_made, lock } = match opening::open(options) {
        Ok(database) => database,
        Err(error) => {
            drop(opened.send(Err(error)));
            return;
        }
    };
    if opened.send(Ok(key_file_made)).is_err() {
        return;
    }
    while let Some(Job::Run(job)) = queue.blocking_recv() {
        job(&mut connection);
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the local store could not be closed cleanly; nothing committed is lost");
    }
    drop(lock);
    ending.send_replace(true);
}
