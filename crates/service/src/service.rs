//! The service: what it is made of, how it starts, and how it ends.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anser_backend::{
    Accounts, Conversations, Ledger, LedgerStatus, Lists, SearchIndex, StoreError,
};
use anser_types::{Clock, ErrorCode, Refusal, limits};
use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::guesses::Guesses;
use crate::accounts::password::Passwords;
use crate::admission::Admission;
use crate::api::Ended;
use crate::directory::Directory;
use crate::door::Doors;
use crate::erase::Eraser;
use crate::fanout::feeds::Feeds;
use crate::fanout::registry::Registry;
use crate::fanout::sweep;
use crate::files::{FilePorts, Filing, collect, intact};
use crate::messages::request::Work;
use crate::metrics;
use crate::moderation::Words;
use crate::pace::Paces;
use crate::presence::board::{Board, Bounds};
use crate::presence::teller;
use crate::rules::No;
use crate::settings::{Entropy, Settings};
use crate::trim;
use crate::turns::Turns;
use crate::writer::actor::Writer;
use crate::writer::publish::{Publisher, store_refusal};
use crate::writer::queue::WriterHandle;

/// Batches between the writer and the publisher: one being told, one waiting, one at the store.
const PUBLISH_QUEUE: usize = 1;
/// Look-ups for signals at once; more signals are dropped.
const SIDE_TASKS: usize = 64;
/// Sessions whose connections are gone that are taken down before everybody else has their turn: each takes some 50 µs.
const DEPARTURES: usize = 1;

/// The stores the service works on.
#[derive(Clone)]
pub struct Ports {
    /// What commands cause.
    pub ledger: Arc<dyn Ledger>,
    /// What rules and pages read.
    pub conversations: Arc<dyn Conversations>,
    /// The lists kept beside conversations.
    pub lists: Arc<dyn Lists>,
    /// Users, devices, tokens.
    pub accounts: Arc<dyn Accounts>,
    /// What searches ask; without it they are `UNSUPPORTED`.
    pub search: Option<Arc<dyn SearchIndex>>,
    /// Where files are kept; without it whatever is about files is `UNSUPPORTED`.
    pub files: Option<FilePorts>,
}

/// How the service is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Sessions.
    pub sessions: usize,
    /// Users with at least one session.
    pub users_online: usize,
    /// Commands waiting for the writer.
    pub queue_depth: usize,
    /// Commands of app servers waiting for the writer.
    pub bulk_depth: usize,
    /// No new sessions are taken.
    pub draining: bool,
    /// Writing has failed: nothing more is acknowledged.
    pub failed: Option<String>,
    /// The store's account of itself.
    pub ledger: LedgerStatus,
}

/// The rules of the product behind one door. See the crate's text.
pub struct Service {
    ports: Ports,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    directory: Arc<Directory>,
    registry: Arc<Registry>,
    feeds: Arc<Feeds>,
    admission: Admission,
    departures: Turns,
    writer: WriterHandle,
    passwords: Passwords,
    guesses: Guesses,
    doors: Doors,
    side: Arc<Semaphore>,
    files: Option<Arc<Filing>>,
    words: ArcSwapOption<Words>,
    paces: Paces,
    /// Compose counter of messages sent through the app server's door.
    app_local_no: AtomicU64,
    draining: AtomicBool,
    failed: watch::Receiver<Option<String>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    runtime: Handle,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Service {
    /// Starts the service on the current tokio runtime: writer, publisher, and the tasks that write soft positions,
    /// trim inboxes and remove old Idempotency-Keys. They end by [`Service::stop`], or when the last handle is dropped.
    #[must_use]
    pub fn start(
        ports: Ports,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Arc<Self> {
        let wait = Duration::from_millis(settings.queue_wait_ms);
        let (writer, queues) = WriterHandle::new(settings.writer_queue, settings.bulk_queue, wait);
        let (done, publish) = mpsc::channel(PUBLISH_QUEUE);
        let (failed_in, failed) = watch::channel(None);
        let feeds = Arc::new(Feeds::default());
        let admission = Admission::new(settings.sessions_per_second);
        let board = Arc::new(Board::new(
            Duration::from_millis(settings.offline_grace_ms),
            Bounds { per_session: settings.presence_per_session, in_all: settings.presence_in_all },
        ));
        let registry = Arc::new(Registry::new(
            Arc::clone(&board),
            Arc::clone(&ports.ledger),
            Arc::clone(&clock),
        ));
        let directory = Arc::new(Directory::new(
            Arc::clone(&ports.conversations),
            Arc::clone(&ports.accounts),
            settings.cached_members,
        ));
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let publisher = Publisher::new(
            Arc::clone(&registry),
            Arc::clone(&feeds),
            Arc::clone(&directory),
            publish,
            failed_in,
        )
        .hinting(ports.search.clone());
        tasks.spawn(Writer::new(Arc::clone(&ports.ledger), queues, done, stop.clone()).run());
        tasks.spawn(publisher.run());
        tasks.spawn(trim::write_positions(
            Arc::clone(&ports.ledger),
            Duration::from_millis(settings.soft_write_ms),
            stop.clone(),
        ));
        tasks.spawn(sweep::sweep_channels(
            Arc::clone(&ports.conversations),
            Arc::clone(&feeds),
            Duration::from_millis(settings.sweep_ms),
            stop.clone(),
        ));
        tasks.spawn(sweep::pace_reactions(
            Arc::clone(&feeds),
            Duration::from_millis(limits::REACTIONS_BEAT_MS),
            stop.clone(),
        ));
        tasks.spawn(trim::trim_inboxes(
            Arc::clone(&ports.ledger),
            Arc::clone(&clock),
            trim::Pace::of(&settings),
            stop.clone(),
        ));
        tasks.spawn(trim::expire_keys(
            Arc::clone(&ports.ledger),
            Arc::clone(&clock),
            trim::KeyPace::of(&settings),
            stop.clone(),
        ));
        let told = stop.clone();
        let eraser = Eraser {
            conversations: Arc::clone(&ports.conversations),
            writer: writer.clone(),
            clock: Arc::clone(&clock),
            every: Duration::from_millis(settings.erase_every_ms),
        };
        tasks.spawn(eraser.run(stop.clone()));
        let files = ports.files.clone();
        let files = files.map(|files| Arc::new(Filing::new(files, settings.files, &*entropy)));
        let collect_every = Duration::from_millis(settings.files.collect_every_ms);
        let verify_every = Duration::from_millis(settings.files.verify_every_ms);
        let service = Arc::new(Self {
            files,
            passwords: Passwords::new(settings.hashing),
            guesses: Guesses::default(),
            doors: Doors::new(),
            side: Arc::new(Semaphore::new(SIDE_TASKS)),
            words: ArcSwapOption::new(settings.words.clone()),
            paces: Paces::of(&settings),
            app_local_no: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            runtime: Handle::current(),
            ports,
            clock,
            entropy,
            settings,
            directory,
            registry,
            feeds,
            admission,
            departures: Turns::new(DEPARTURES),
            writer,
            failed,
            stop,
            tasks,
        });
        service.spawn(teller::run(Arc::downgrade(&service), board, told.clone()));
        if service.files.is_some() {
            service.spawn(collect::run(Arc::downgrade(&service), collect_every, told.clone()));
            if !verify_every.is_zero() {
                service.spawn(intact::run(Arc::downgrade(&service), verify_every, told));
            }
        }
        service
    }

    /// How the service is. Cheap.
    #[must_use]
    pub fn status(&self) -> Status {
        let (queue_depth, bulk_depth) = self.writer.depths();
        let ledger = self.ports.ledger.status();
        Status {
            sessions: self.registry.sessions(),
            users_online: self.registry.users(),
            queue_depth,
            bulk_depth,
            draining: self.is_draining(),
            failed: self.failure().or_else(|| ledger.poisoned.clone()),
            ledger,
        }
    }

    /// Ends when writing has failed, with what the store said. The process should then end itself: nothing more
    /// will be acknowledged (guarantee G20).
    pub async fn store_failed(&self) -> String {
        let mut failed = self.failed.clone();
        match failed.wait_for(Option::is_some).await {
            Ok(text) => text.clone().unwrap_or_default(),
            // The publisher has ended without a failure: there is none to come.
            Err(_) => std::future::pending().await,
        }
    }

    /// Refuses new sessions and commands, and tells every session to go. Commands under way are still answered.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        let detail = "the server is shutting down".to_owned();
        self.registry.end_all(&Ended::because(ErrorCode::Draining, detail));
        // Sessions act on it in their own tasks.
        tokio::task::yield_now().await;
    }

    /// Drains, writes everything that is queued, answers it, writes soft positions, and ends all tasks. On return
    /// the service writes nothing more.
    pub async fn stop(&self) {
        if !self.is_draining() {
            self.drain().await;
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.ports.ledger.flush_positions().await {
            tracing::error!(%error, "soft positions were not written; the next Hellos restore them");
        }
    }

    /// Another list of words that may not be said, from the next command on; `None` lets everything be said.
    pub fn set_words(&self, words: Option<Arc<Words>>) {
        self.words.store(words);
    }

    /// Refuses what the list forbids. Costs nothing without one.
    pub(crate) fn check_words(&self, work: &Work) -> Result<(), No> {
        match &*self.words.load() {
            Some(words) => words.check(work).map_err(|refusal| No::Final(refusal, Vec::new())),
            None => Ok(()),
        }
    }

    pub(crate) const fn paces(&self) -> &Paces {
        &self.paces
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Runs a look-up beside everything else, unless too many run already.
    pub(crate) fn spawn_aside(&self, task: impl Future<Output = ()> + Send + 'static) {
        match Arc::clone(&self.side).try_acquire_owned() {
            Ok(permit) => self.spawn(async move {
                task.await;
                drop(permit);
            }),
            Err(_) => metrics::signal_dropped(metrics::Lost::TooMany),
        }
    }

    /// As [`store_refusal`], for who has the service at hand.
    pub(crate) fn store_refusal(&self, error: &StoreError) -> Refusal {
        store_refusal(error)
    }

    /// A number for a message composed by an app server: grows, also over a restart while the clock goes forward.
    pub(crate) fn next_app_local_no(&self) -> u64 {
        let now = self.clock.now().0;
        let next = |last: u64| Some((last + 1).max(now));
        let last = self.app_local_no.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        last.map_or(now, |last| (last + 1).max(now))
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failed.borrow().clone()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) const fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) const fn departures(&self) -> &Turns {
        &self.departures
    }

    pub(crate) const fn feeds(&self) -> &Arc<Feeds> {
        &self.feeds
    }

    pub(crate) const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Who follows whom.
    pub(crate) fn board(&self) -> &Board {
        self.registry.board()
    }

    /// Commands wait, or newcomers at the door, in such a number that what may be lost gives way (requirement J6).
    pub(crate) fn is_busy(&self) -> bool {
        self.writer.depths().0 > self.settings.writer_queue / 2 || self.admission.is_crowded()
    }

    pub(crate) const fn writer(&self) -> &WriterHandle {
        &self.writer
    }

    pub(crate) const fn doors(&self) -> &Doors {
        &self.doors
    }

    pub(crate) const fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    pub(crate) const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    pub(crate) fn ledger(&self) -> &dyn Ledger {
        &*self.ports.ledger
    }

    /// For tasks that outlive a borrow.
    pub(crate) fn ledger_handle(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.ports.ledger)
    }

    pub(crate) fn conversations(&self) -> &dyn Conversations {
        &*self.ports.conversations
    }

    pub(crate) fn lists(&self) -> &dyn Lists {
        &*self.ports.lists
    }

    pub(crate) fn search(&self) -> Option<&dyn SearchIndex> {
        self.ports.search.as_deref()
    }

    pub(crate) const fn files(&self) -> Option<&Arc<Filing>> {
        self.files.as_ref()
    }

    pub(crate) fn accounts(&self) -> &dyn Accounts {
        &*self.ports.accounts
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
