//! The two threads of search: one follows the log, one answers. Both give way to everybody else, and neither is waited
//! for by anybody who says or reads a message.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anser_backend::search::{Hits, SearchError, SearchRequest};
use anser_backend::{Boxed, SearchIndex};
use anser_types::ConversationId;
use futures::channel::oneshot;
use futures::executor::block_on;
use parking_lot::{Mutex, RwLock};

use crate::follow::{FollowError, Follower, Logs, Progress};
use crate::hints::Hints;
use crate::index::{Found, Index, IndexError};
use crate::metrics;
use crate::reading::Reading;

/// Searches that wait; more are refused.
const QUEUE: usize = 64;
/// Conversations looked at between two looks at hints, when all are looked at.
const SWEEP_STEP: usize = 256;
/// A sweep over all conversations takes no more than this part of the time.
const SWEEP_SHARE: u32 = 50;

/// How search paces itself.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From one commit to the next: what is said is found this much later at the most, on a server that keeps up.
    pub commit_every: Duration,
    /// Messages of one commit while an index is built.
    pub commit_messages: u64,
    /// From one look at all conversations to the next, if anything was committed.
    pub sweep_every: Duration,
    /// After the index or the log failed.
    pub retry_after: Duration,
    /// What a thread does first: how it gives way to others.
    pub give_way: fn(),
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            commit_every: Duration::from_secs(1),
            commit_messages: 100_000,
            sweep_every: Duration::from_secs(10),
            retry_after: Duration::from_secs(10),
            give_way: || (),
        }
    }
}

/// The port on an index in a directory.
pub struct Search {
    shared: Arc<Shared>,
    jobs: Mutex<Option<SyncSender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    hints: Hints,
    /// What can be searched; nothing while the index is being opened.
    reading: RwLock<Option<Reading>>,
}

struct Job {
    request: SearchRequest,
    answer: oneshot::Sender<Result<Hits, SearchError>>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("complete", &self.shared.hints.complete()).finish()
    }
}

impl Search {
    /// Starts both threads; the index is opened, or made, by the first of them.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start(directory: &Path, logs: Logs, pace: Pace) -> std::io::Result<Arc<Self>> {
        let shared = Arc::<Shared>::default();
        let (jobs, taken) = sync_channel(QUEUE);
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let attendant =
            Attendant { directory: directory.to_owned(), logs, pace, shared: Arc::clone(&shared) };
        let answering = Arc::clone(&shared);
        let threads = vec![
            spawn("anser-index").spawn(move || attendant.run())?,
            spawn("anser-search").spawn(move || {
                (pace.give_way)();
                answer_all(&answering, &taken);
            })?,
        ];
        Ok(Arc::new(Self { shared, jobs: Mutex::new(Some(jobs)), threads: Mutex::new(threads) }))
    }

    /// Waits until whatever was committed before this call can be found, at most so long. Returns whether it can.
    #[must_use]
    pub fn wait_until_complete(&self, at_most: Duration) -> bool {
        self.shared.hints.wait_until_complete(at_most)
    }

    /// Ends both threads and returns when they have ended. What was not committed yet is read from the log again by the
    /// next start.
    pub fn stop(&self) {
        self.shared.hints.stop();
        self.jobs.lock().take();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of search panicked");
            }
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop();
    }
}

impl SearchIndex for Search {
    fn search(&self, request: SearchRequest) -> Boxed<'_, Result<Hits, SearchError>> {
        Box::pin(async move {
            let ended = || SearchError::Failed("search has ended".to_owned());
            let (answer, answered) = oneshot::channel();
            let jobs = self.jobs.lock().clone().ok_or_else(ended)?;
            jobs.try_send(Job { request, answer }).map_err(|error| match error {
                TrySendError::Full(_) => SearchError::Busy,
                TrySendError::Disconnected(_) => ended(),
            })?;
            drop(jobs);
            answered.await.unwrap_or_else(|_| Err(ended()))
        })
    }

    fn committed(&self, conversations: &[ConversationId]) {
        self.shared.hints.committed(conversations);
    }
}

fn answer_all(shared: &Shared, jobs: &Receiver<Job>) {
    while let Ok(Job { request, answer }) = jobs.recv() {
        // Whoever asked may have gone away meanwhile.
        if answer.is_canceled() {
            continue;
        }
        let begun = Instant::now();
        let result = answer_one(shared, request);
        metrics::query(begun.elapsed().as_secs_f64());
        drop(answer.send(result));
    }
}

fn answer_one(shared: &Shared, request: SearchRequest) -> Result<Hits, SearchError> {
    // Asked first: what is complete now is complete in what is searched below.
    let complete = shared.hints.complete();
    let Some(reading) = shared.reading.read().clone() else { return Ok(Hits::default()) };
    let SearchRequest { wanted, scopes, before, limit } = request;
    match reading.newest(&wanted, scopes, before, limit) {
        Ok(hits) => Ok(Hits { hits, complete }),
        Err(error) => {
            shared.hints.distrust();
            Err(SearchError::Failed(error.to_string()))
        }
    }
}

/// The thread that follows the log.
struct Attendant {
    directory: PathBuf,
    logs: Logs,
    pace: Pace,
    shared: Arc<Shared>,
}

/// Why the attendant lets go of an index.
enum End {
    Stopped,
    Distrusted,
    Failed(FollowError),
}

impl From<FollowError> for End {
    fn from(error: FollowError) -> Self {
        Self::Failed(error)
    }
}

impl From<IndexError> for End {
    fn from(error: IndexError) -> Self {
        Self::Failed(FollowError::Index(error))
    }
}

impl Attendant {
    fn run(self) {
        (self.pace.give_way)();
        let hints = &self.shared.hints;
        while !hints.stopped() {
            let end = match self.open() {
                Ok(index) => self.attend(Follower::new(self.logs.clone(), index)),
                Err(error) => End::Failed(FollowError::Index(error)),
            };
            *self.shared.reading.write() = None;
            // Whatever was taken and not committed is found by looking at everything.
            hints.all();
            match end {
                End::Stopped => return,
                End::Distrusted => tracing::warn!("a search failed; the index is looked at"),
                End::Failed(error @ FollowError::Ahead(_)) => {
                    tracing::warn!(%error, "the search index is made anew");
                    self.throw_away();
                }
                End::Failed(error) => {
                    tracing::warn!(%error, "search is not kept up; it is tried again");
                    hints.pause(self.pace.retry_after);
                }
            }
        }
    }

    fn open(&self) -> Result<Index, IndexError> {
        let begun = Instant::now();
        let (index, found) = Index::open(&self.directory, self.logs.ledger.status().log_epoch)?;
        let took_ms = begun.elapsed().as_millis();
        match found {
            Found::Sound => tracing::debug!(took_ms, "the search index is sound"),
            Found::Nothing => tracing::info!("there is no search index; it is built from the log"),
            Found::Unusable(why) => {
                metrics::rebuild();
                tracing::warn!(%why, "the search index cannot be used; it is built anew from the log");
            }
        }
        *self.shared.reading.write() = Some(index.reading().clone());
        Ok(index)
    }

    fn throw_away(&self) {
        metrics::rebuild();
        if let Err(error) = std::fs::remove_dir_all(&self.directory) {
            tracing::warn!(%error, "the search index cannot be removed");
        }
    }

    /// Keeps an index up until something ends it.
    fn attend(&self, mut follower: Follower) -> End {
        let hints = &self.shared.hints;
        let mut sweeps = Sweeps::new(self.pace.sweep_every);
        loop {
            let cycle = Instant::now();
            let commits = self.logs.ledger.status().commit_no.0;
            match self.cycle(&mut follower, sweeps.due(commits)) {
                Ok(true) => sweeps.done(commits, cycle.elapsed()),
                Ok(false) => {}
                Err(end) => return end,
            }
            let documents = follower.index().reading().documents();
            metrics::state(documents, hints.waiting(), hints.complete());
            // Commits keep their distance, however much comes: many small ones cost more than few large ones.
            hints.pause(self.pace.commit_every.saturating_sub(cycle.elapsed()));
            hints.wait_for_news(self.pace.sweep_every);
        }
    }

    /// Takes what waits, reads it, commits it. Returns whether all conversations were looked at, as it does when it must
    /// or is asked to.
    fn cycle(&self, follower: &mut Follower, all: bool) -> Result<bool, End> {
        let hints = &self.shared.hints;
        // A disk that is nearly full is left to the log.
        while self.logs.ledger.status().full.is_some() && !hints.stopped() {
            hints.pause(self.pace.retry_after);
        }
        let taken = hints.take();
        let all = all || taken.all;
        for id in taken.conversations {
            self.follow(follower, id)?;
        }
        if all {
            self.follow_all(follower)?;
        }
        self.stay()?;
        if follower.index().has_news() {
            commit(follower)?;
        }
        hints.settled();
        Ok(all)
    }

    fn follow_all(&self, follower: &mut Follower) -> Result<(), End> {
        let mut after = None;
        loop {
            let ids = block_on(follower.conversations(after, SWEEP_STEP))?;
            let Some(last) = ids.last().copied() else { return Ok(()) };
            for id in ids {
                self.follow(follower, id)?;
            }
            after = Some(last);
        }
    }

    fn follow(&self, follower: &mut Follower, id: ConversationId) -> Result<(), End> {
        loop {
            self.stay()?;
            let progress = block_on(follower.follow(id))?;
            if follower.index().uncommitted() >= self.pace.commit_messages {
                commit(follower)?;
            }
            if progress == Progress::Done {
                return Ok(());
            }
        }
    }

    fn stay(&self) -> Result<(), End> {
        if self.shared.hints.stopped() {
            return Err(End::Stopped);
        }
        if self.shared.hints.take_distrust() { Err(End::Distrusted) } else { Ok(()) }
    }
}

fn commit(follower: &mut Follower) -> Result<(), IndexError> {
    let begun = Instant::now();
    let messages = follower.commit()?;
    metrics::committed(messages, begun.elapsed().as_secs_f64());
    Ok(())
}

/// When all conversations are looked at again, although nobody said that a hint was lost.
struct Sweeps {
    every: Duration,
    next: Instant,
    seen: u64,
}

impl Sweeps {
    fn new(every: Duration) -> Self {
        Self { every, next: Instant::now() + every, seen: 0 }
    }

    fn due(&self, commits: u64) -> bool {
        commits != self.seen && Instant::now() >= self.next
    }

    fn done(&mut self, commits: u64, took: Duration) {
        self.seen = commits;
        self.next = Instant::now() + self.every.max(took * SWEEP_SHARE);
    }
}
