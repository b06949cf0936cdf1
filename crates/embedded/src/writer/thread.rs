//! The store's thread: takes jobs from a bounded queue, commits them in groups, tells everybody.

use std::sync::Arc;
use std::thread::JoinHandle;

use anser_backend::StoreError;
use anser_types::limits::{BATCH_MAX_BYTES, BATCH_MAX_OPERATIONS};
use tokio::sync::{mpsc, oneshot};

use super::devices::DeviceBook;
use super::stage::{Fault, Stage, Staged};
use crate::applier::{Applier, Work};
use crate::backup::Frozen;
use crate::codec::write_number;
use crate::commit::Commit;
use crate::core::Core;
use crate::disk::Disk;
use crate::keys;
use crate::log::{AppendError, CommitLog, HEADER_BYTES};

/// Jobs waiting for the thread; whoever brings another one waits.
const QUEUE_JOBS: usize = 256;

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Run = Box<dyn FnOnce(&mut Stage<'_>) -> Result<Answer, Fault> + Send>;

struct Job {
    run: Run,
    /// Told instead of the job's own answer when the job was not run or staged nothing.
    refuse: Box<dyn FnOnce(StoreError) + Send>,
    /// Refused while the disk is nearly full.
    needs_space: bool,
}

enum Message {
    Job(Job),
    Freeze(oneshot::Sender<(oneshot::Receiver<Frozen>, u64)>),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// The way to the store's thread.
#[derive(Clone)]
pub struct Handle {
    jobs: mpsc::Sender<Message>,
    core: Arc<Core>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Handle {
    /// Runs a job on the thread; its answer comes after the commit that holds it, and everything before it.
    pub async fn run<T: Send + 'static>(
        &self,
        needs_space: bool,
        job: impl FnOnce(&mut Stage<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.core.check()?;
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(parking_lot::Mutex::new(Some(sender)));
        let refusing = Arc::clone(&sender);
        let tell = |sender: &parking_lot::Mutex<Option<oneshot::Sender<_>>>, answer| {
            // Whoever asked may be gone; what was done is done.
            sender.lock().take().map(|sender| sender.send(answer).is_ok());
        };
        let run: Run = Box::new(move |stage| {
            let value = job(stage)?;
            let answer: Answer =
                Box::new(move |committed| tell(&sender, committed.map(|()| value)));
            Ok(answer)
        });
        let refuse = Box::new(move |error| tell(&refusing, Err(error)));
        let job = Job { run, refuse, needs_space };
        self.jobs.send(Message::Job(job)).await.map_err(|_| self.gone())?;
        receiver.await.map_err(|_| self.gone())?
    }

    /// The tables as they are after everything before it, and the last commit that is in them.
    pub async fn freeze(&self) -> Result<(Frozen, u64), StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.jobs.send(Message::Freeze(sender)).await.map_err(|_| self.gone())?;
        let (frozen, commit_no) = receiver.await.map_err(|_| self.gone())?;
        Ok((frozen.await.map_err(|_| self.gone())?, commit_no))
    }

    fn gone(&self) -> StoreError {
        self.core.check().err().unwrap_or(StoreError::Closed)
    }

    /// Ends the thread after everything before it, with a checkpoint.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (sender, receiver) = oneshot::channel();
        if self.jobs.send(Message::Close(sender)).await.is_err() {
            return self.core.check();
        }
        receiver.await.map_err(|_| self.gone())?
    }
}

/// What the thread works with.
#[derive(Debug)]
pub struct Parts {
    /// Shared with the readers.
    pub core: Arc<Core>,
    /// The commit log.
    pub log: CommitLog,
    /// The way to the tables.
    pub applier: Applier,
    /// Devices as the log left them.
    pub devices: DeviceBook,
    /// For its free space.
    pub disk: Arc<dyn Disk>,
    /// Writes are refused below this many free bytes.
    pub min_free_bytes: u64,
    /// A checkpoint is begun after this many bytes of commits.
    pub checkpoint_bytes: u64,
    /// The number of this start, until a commit has noted it.
    pub unnoted_start: Option<u64>,
}

/// Notes the start (every session epoch of it is above every earlier one) and starts the thread.
pub fn start(parts: Parts) -> std::io::Result<(Handle, JoinHandle<()>)> {
    let (jobs, queue) = mpsc::channel(QUEUE_JOBS);
    let handle = Handle { jobs, core: Arc::clone(&parts.core) };
    let mut thread = Thread { parts, since_checkpoint: 0 };
    match thread.note_start() {
        // With a full disk the store opens for reading; the first commit that finds space notes the start.
        Ok(()) | Err(StoreError::Full(_)) => {}
        Err(error) => return Err(std::io::Error::other(error)),
    }
    let thread =
        std::thread::Builder::new().name("anser-store".into()).spawn(move || thread.run(queue))?;
    Ok((handle, thread))
}

struct Thread {
    parts: Parts,
    since_checkpoint: u64,
}

impl Thread {
    fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        while let Some(message) = queue.blocking_recv() {
            let mut next = Some(message);
            while let Some(message) = next.take() {
                match message {
                    Message::Job(first) => next = self.group(first, &mut queue),
                    Message::Freeze(told) => self.freeze(told),
                    Message::Close(told) => {
                        self.close(&mut queue, told);
                        return;
                    }
                }
            }
        }
        // The last handle is gone without a farewell: nothing is flushed, the log has everything.
        self.parts.core.poison(StoreError::Closed);
    }

    fn note_start(&mut self) -> Result<(), StoreError> {
        let core = Arc::clone(&self.parts.core);
        let mut devices = std::mem::take(&mut self.parts.devices);
        let staged = Stage::over(&core, &mut devices).finish();
        let committed = self.commit(staged, &mut devices);
        self.parts.devices = devices;
        if let Some(commit) = committed? {
            self.after(commit);
        }
        Ok(())
    }

    /// Runs jobs until the group is full or nothing waits, and commits them together. Returns what came behind.
    fn group(&mut self, first: Job, queue: &mut mpsc::Receiver<Message>) -> Option<Message> {
        let full = self.look_for_space();
        let core = Arc::clone(&self.parts.core);
        let mut devices = std::mem::take(&mut self.parts.devices);
        let mut stage = Stage::over(&core, &mut devices);
        let mut answers = Vec::new();
        let mut behind = None;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            if let Err(error) = core.check().and_then(|()| match &full {
                Some(text) if job.needs_space => Err(StoreError::Full(text.clone())),
                _ => Ok(()),
            }) {
                (job.refuse)(error);
            } else {
                match (job.run)(&mut stage) {
                    Ok(answer) => answers.push(answer),
                    Err(Fault::Refused(error)) => (job.refuse)(error),
                    Err(Fault::Broken(error)) => (job.refuse)(core.poison(error)),
                }
            }
            let room = stage.commit().operations() < BATCH_MAX_OPERATIONS
                && stage.commit().byte_len() < BATCH_MAX_BYTES;
            match room.then(|| queue.try_recv().ok()).flatten() {
                Some(Message::Job(job)) => next = Some(job),
                other => behind = other,
            }
        }
        let staged = stage.finish();
        let committed = self.commit(staged, &mut devices);
        self.parts.devices = devices;
        for answer in answers {
            answer(committed.as_ref().map(|_| ()).map_err(StoreError::clone));
        }
        if let Ok(Some(commit)) = committed {
            self.after(commit);
        }
        behind
    }

    fn commit(
        &mut self,
        mut staged: Staged,
        devices: &mut DeviceBook,
    ) -> Result<Option<Commit>, StoreError> {
        let core = &self.parts.core;
        core.check()?;
        if let Some(start) = self.parts.unnoted_start {
            staged.put_row(keys::starts(), |out| write_number(out, start));
        }
        if staged.is_empty() {
            return Ok(None);
        }
        let (bytes, operations, staged) = staged.take_commit();
        let sealed = match self.parts.log.append(bytes) {
            Ok(sealed) => sealed,
            Err(AppendError::Full) => {
                let text = "there is no space for the commit log".to_owned();
                core.set_full(Some(text.clone()));
                return Err(StoreError::Full(text));
            }
            Err(error @ AppendError::Failed(_)) => {
                tracing::error!(%error, "nothing more is acknowledged");
                return Err(core.poison(StoreError::Failed(error.to_string())));
            }
        };
        self.parts.unnoted_start = None;
        let commit_no = self.parts.log.last();
        staged.publish(core, devices, commit_no, &sealed.bytes);
        let payload = sealed.bytes.slice(HEADER_BYTES..sealed.end);
        Ok(Some(Commit { no: commit_no, payload, operations }))
    }

    /// What follows a commit once its callers were told.
    fn after(&mut self, commit: Commit) {
        self.since_checkpoint += commit.payload.len() as u64;
        let commit_no = commit.no;
        let applier = &self.parts.applier;
        applier.push(Work::Commit(commit));
        let gone = self.parts.devices.evict();
        if !gone.is_empty() {
            // Readable at once; it leaves the overlay with the next commit, which reaches the tables behind it.
            self.parts.core.pending.overlay(commit_no + 1, &gone);
            applier.push(Work::Rows(gone));
        }
        if self.since_checkpoint >= self.parts.checkpoint_bytes {
            self.since_checkpoint = 0;
            self.checkpoint();
        }
        let noted = self.parts.applier.checkpoint();
        if let Err(error) = self.parts.log.remove_up_to(noted) {
            tracing::warn!(%error, "a log segment that is not needed any more could not be removed");
        }
    }

    fn checkpoint(&mut self) {
        let rows = self.parts.devices.clean();
        if !rows.is_empty() {
            self.parts.applier.push(Work::Rows(rows));
        }
        self.parts.applier.push(Work::Checkpoint(self.parts.log.last()));
    }

    /// Devices' answers are in the tables only after a checkpoint: they go there first.
    fn freeze(&mut self, told: oneshot::Sender<(oneshot::Receiver<Frozen>, u64)>) {
        let rows = self.parts.devices.clean();
        if !rows.is_empty() {
            self.parts.applier.push(Work::Rows(rows));
        }
        let (sender, frozen) = oneshot::channel();
        self.parts.applier.push(Work::Freeze(sender));
        // Whoever asked may be gone.
        drop(told.send((frozen, self.parts.log.last())));
    }

    fn look_for_space(&self) -> Option<String> {
        let full = match self.parts.disk.free_bytes() {
            Ok(free) if free >= self.parts.min_free_bytes => None,
            Ok(free) => Some(format!(
                "{} MiB are free, at least {} MiB are needed",
                free >> 20,
                self.parts.min_free_bytes >> 20
            )),
            Err(error) => Some(format!("the free space cannot be found out: {error}")),
        };
        self.parts.core.set_full(full.clone());
        full
    }

    fn close(
        mut self,
        queue: &mut mpsc::Receiver<Message>,
        told: oneshot::Sender<Result<(), StoreError>>,
    ) {
        queue.close();
        while let Ok(message) = queue.try_recv() {
            match message {
                Message::Job(job) => (job.refuse)(StoreError::Closed),
                Message::Freeze(told) => drop(told),
                Message::Close(also) => drop(also),
            }
        }
        let result = self.parts.core.check();
        if result.is_ok() {
            self.checkpoint();
        }
        let Parts { core, applier, .. } = self.parts;
        applier.finish();
        // What the applier met on its last way counts too.
        let result = result.and_then(|()| core.check());
        let result = result.and_then(|()| core.tables.persist().map_err(StoreError::from));
        core.poison(StoreError::Closed);
        // Whoever asked may be gone.
        told.send(result).unwrap_or_default();
    }
}
