//! A simulated device: the real client core, a store that survives its process, and a journal of what it saw.

mod people;
mod wishes;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anser_client::core::Core;
use anser_client::io::{
    AppEvent, Attempt, Config, Endpoint, Identity, Input, Now, Output, QueryNo, Ticket,
    TransportKind,
};
use anser_client::queries::{Query, Reply};
use anser_client::records::{OutboxItem, OutboxState, Record, StoredMessage};
use anser_types::{Clock, Command, ConversationId, LocalNo, Refusal, Seq, Target, UserId};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::clock::SimClock;
use crate::coverage::{Coverage, Rare};
use crate::entropy::Seeded;
use crate::network::{Heard, Network, Plug};
use crate::reception::Reception;
use crate::seams::Seams;
use crate::store::DeviceStore;
use crate::trace::Trace;

/// News from the network that may wait for the device.
const HEARD: usize = 64;
/// Wishes of the user that may wait.
const WISHES: usize = 64;
/// The longest a transaction takes.
const STORE_MS: u64 = 20;

use people::Told;

/// What a user wants of the device.
enum Wish {
    Compose(Command, oneshot::Sender<Result<LocalNo, Refusal>>),
    Ask(Query, oneshot::Sender<Result<Reply, Refusal>>),
    RetryFailed,
    Delete(LocalNo),
    Follow(Vec<UserId>),
}

/// What happened on a device, as the simulation tells it to whoever keeps a journal.
pub trait Witness: Send + Sync {
    /// The app heard an event.
    fn heard(&self, device: &Identity, event: &AppEvent);
    /// A transaction became durable on the device, whose store is this one now.
    fn stored(&self, device: &Identity, records: &[Record], store: &DeviceStore);
    /// The time of these messages was over, by the server's clock or (not `heard`) by the device's own: the device, whose
    /// store is this one now, has forgotten them.
    fn forgot(
        &self,
        device: &Identity,
        messages: &[(ConversationId, Seq)],
        heard: bool,
        store: &DeviceStore,
    );
    /// From now on this device stands on this store: it is a new device on an old one's store, or its store went back
    /// to an old copy.
    fn begins(&self, before: &Identity, now: &Identity, store: &DeviceStore);
}

/// What all devices of a simulation share.
#[derive(Clone)]
pub struct Surroundings {
    /// How to reach the server.
    pub network: Network,
    /// Where a new device is had from.
    pub reception: Reception,
    /// Decides everything.
    pub random: Arc<Seeded>,
    /// Keeps the journals.
    pub witness: Arc<dyn Witness>,
    /// What a test bends.
    pub seams: Arc<dyn Seams>,
    /// Counts rare paths.
    pub coverage: Coverage,
    /// Notes everything.
    pub trace: Trace,
    /// Entries of a page of the inbox and of a rebuild.
    pub page_entries: u32,
}

/// A device: its store lasts, its process comes and goes.
pub struct Device {
    /// What survives.
    pub store: Arc<Mutex<DeviceStore>>,
    /// Its way into the network.
    pub plug: Arc<Plug>,
    /// Whether transactions are refused for lack of space, again and again.
    pub disk_full: Arc<AtomicBool>,
    clock: Arc<SimClock>,
    around: Surroundings,
    process: Option<Process>,
    started: Instant,
    told: Told,
}

/// A transaction that is under way; whether it survives a crash is decided by the crash.
type UnderWay = Arc<Mutex<Option<Arc<Vec<Record>>>>>;

struct Process {
    task: JoinHandle<()>,
    wishes: mpsc::Sender<Wish>,
    in_flight: UnderWay,
}

impl Device {
    /// A device that is switched off.
    #[must_use]
    pub fn new(identity: Identity, around: Surroundings) -> Self {
        Self {
            store: Arc::new(Mutex::new(DeviceStore::new(identity))),
            plug: Arc::default(),
            disk_full: Arc::default(),
            clock: Arc::new(SimClock::new()),
            around,
            process: None,
            started: Instant::now(),
            told: Told::default(),
        }
    }

    /// Who this is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.store.lock().identity().clone()
    }

    /// The device's clock.
    #[must_use]
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// Whether a process runs.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.process.is_some()
    }

    /// Starts a process from what is stored. It connects at once.
    pub fn switch_on(&mut self) {
        if self.process.is_some() {
            return;
        }
        let identity = self.identity();
        let snapshot = self.around.seams.loads(&identity, self.store.lock().snapshot());
        let endpoint = Endpoint {
            transport: TransportKind::Tcp,
            host: "server".to_owned(),
            port: 1,
            network: String::new(),
        };
        let mut config = Config::new(endpoint, self.around.random.below(u64::MAX));
        config.page_entries = self.around.page_entries;
        // Whoever was followed was followed by the process that is gone.
        self.told = Told::default();
        let (wishes, receiver) = mpsc::channel(WISHES);
        let in_flight = UnderWay::default();
        let running = Running {
            core: Core::new(config, snapshot),
            identity,
            store: Arc::clone(&self.store),
            plug: Arc::clone(&self.plug),
            disk_full: Arc::clone(&self.disk_full),
            in_flight: Arc::clone(&in_flight),
            clock: Arc::clone(&self.clock),
            around: self.around.clone(),
            started: self.started,
            link: None,
            pending: None,
            signing_up: None,
            asked: Vec::new(),
            told: Arc::clone(&self.told),
        };
        let task = tokio::spawn(running.live(receiver));
        self.process = Some(Process { task, wishes, in_flight });
    }

    /// Kills the process. A transaction under way survives or not, as chance decides.
    pub async fn kill(&mut self) {
        let kept = self.around.random.chance(50);
        self.kill_within(kept).await;
    }

    /// Kills the process; a transaction under way survives if `kept`.
    pub async fn kill_within(&mut self, kept: bool) {
        let Some(process) = self.process.take() else { return };
        process.task.abort();
        // Its end is what we wait for, not its result.
        let _aborted = process.task.await;
        self.around.coverage.note(Rare::DeviceKilled);
        let Some(records) = process.in_flight.lock().take() else { return };
        self.around.trace.note(format_args!("{:?} killed, kept {kept}", self.identity()));
        if kept {
            self.around.coverage.note(Rare::TransactionSurvived);
            commit(&self.store, &self.around, &records);
        } else {
            self.around.coverage.note(Rare::TransactionLost);
            commit(&self.store, &self.around, self.around.seams.torn(&records));
        }
    }

    /// What is stored now.
    #[must_use]
    pub fn copy_store(&self) -> DeviceStore {
        self.store.lock().clone()
    }

    /// Kills the process and puts an old copy in the store's place, as a restored backup does.
    pub async fn restore(&mut self, copy: DeviceStore) {
        self.kill_within(true).await;
        let before = self.identity();
        self.around.coverage.note(Rare::DeviceRestored);
        self.around.trace.note(format_args!("{before:?} restored"));
        self.around.witness.begins(&before, copy.identity(), &copy);
        *self.store.lock() = copy;
    }

    /// One's own messages that the server lost, as commands that say them again. They are offered once.
    #[must_use]
    pub fn take_lost(&self) -> Vec<Command> {
        let lost = std::mem::take(&mut self.store.lock().lost);
        let again = lost.into_iter().filter_map(|stored| {
            let to = match stored.peer {
                Some(peer) => Target::User(peer),
                None => Target::Conversation(stored.message.conversation),
            };
            Some(Command::SendMessage { to, content: stored.message.content? })
        });
        again.collect()
    }

    /// Stores messages of a page of history, as the SDK does with what its app asked for.
    pub fn keep(&self, messages: Vec<StoredMessage>) {
        let records: Vec<Record> = messages.into_iter().map(Record::MessageStored).collect();
        commit(&self.store, &self.around, &records);
    }

    /// Whether a transaction is under way.
    #[must_use]
    pub fn is_storing(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.in_flight.lock().is_some())
    }
}

/// One transaction, and everybody who must hear of it.
fn commit(store: &Mutex<DeviceStore>, around: &Surroundings, records: &[Record]) {
    let mut store = store.lock();
    let before = store.identity().clone();
    around.seams.stores(&mut store, records);
    let now = store.identity().clone();
    if before.device != now.device {
        around.witness.begins(&before, &now, &store);
    }
    around.trace.note(format_args!("{now:?} stores {records:?}"));
    around.witness.stored(&now, records, &store);
}

/// A process of a device: everything here is lost when it dies, but the store.
struct Running {
    core: Core,
    identity: Identity,
    store: Arc<Mutex<DeviceStore>>,
    plug: Arc<Plug>,
    disk_full: Arc<AtomicBool>,
    in_flight: UnderWay,
    clock: Arc<SimClock>,
    around: Surroundings,
    started: Instant,
    link: Option<(Attempt, mpsc::Sender<Bytes>)>,
    pending: Option<(Ticket, Instant)>,
    signing_up: Option<Pin<Box<dyn Future<Output = Identity> + Send>>>,
    asked: Vec<(QueryNo, oneshot::Sender<Result<Reply, Refusal>>)>,
    told: Told,
}

impl Running {
    async fn live(mut self, mut wishes: mpsc::Receiver<Wish>) {
        let (news, mut heard) = mpsc::channel(HEARD);
        self.handle(Input::Start);
        loop {
            self.carry_out(&news).await;
            let timer = self.core.next_timer().map(|at| self.started + at);
            let stored = self.pending.map(|(_, at)| at);
            let over = self.next_over();
            tokio::select! {
                biased;
                () = at(stored) => self.store_now(),
                () = at(timer) => self.handle(Input::Timer),
                () = at(over) => self.forget(),
                identity = signed_up(&mut self.signing_up) => {
                    self.signing_up = None;
                    let now = self.now();
                    self.core.take_device(identity, now);
                }
                Some(news) = heard.recv() => self.hear(news),
                wish = wishes.recv() => match wish {
                    Some(wish) => self.grant(wish),
                    None => return,
                },
            }
        }
    }

    fn now(&self) -> Now {
        Now { mono: self.started.elapsed(), wall: self.clock.now() }
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        self.core.handle_input(input, now);
    }

    async fn carry_out(&mut self, news: &mpsc::Sender<Heard>) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Connect { attempt, .. } => {
                    let plug = Arc::clone(&self.plug);
                    self.around.network.connect(attempt, plug, news.clone());
                }
                Output::Transmit { attempt, bytes } => {
                    if let Some((current, link)) = &self.link
                        && *current == attempt
                    {
                        // A connection that is gone is told by its end.
                        let _gone = link.send(bytes).await;
                    }
                }
                Output::Disconnect { attempt } => {
                    self.link.take_if(|(current, _)| *current == attempt);
                }
                Output::Persist { ticket, records } => {
                    let takes = Duration::from_millis(self.around.random.below(STORE_MS));
                    *self.in_flight.lock() = Some(records);
                    self.pending = Some((ticket, Instant::now() + takes));
                }
                // There is one server, and no HTTP.
                Output::AskEndpointList => {}
                Output::Event(event) => self.tell(&event),
                Output::QueryDone { query_no, result } => self.answer(query_no, result),
            }
        }
    }

    fn tell(&mut self, event: &AppEvent) {
        let Surroundings { trace, witness, reception, .. } = &self.around;
        if !self.around.seams.tells(event) {
            return;
        }
        trace.note(format_args!("{:?} hears {event:?}", self.identity));
        witness.heard(&self.identity, event);
        if let AppEvent::PresenceChanged { user, presence } = event {
            self.told.lock().insert(user.clone(), Some(*presence));
        }
        if *event == AppEvent::StoreWasRestored {
            self.around.coverage.note(Rare::NewDeviceTaken);
        }
        if matches!(event, AppEvent::TokenExpired { .. }) {
            self.around.coverage.note(Rare::SignedInAgain);
        }
        if matches!(event, AppEvent::StoreWasRestored | AppEvent::TokenExpired { .. }) {
            let Identity { user, class, .. } = self.identity.clone();
            self.signing_up = Some(Box::pin(reception.clone().sign_up_patiently(user, class)));
        }
    }

    fn store_now(&mut self) {
        let Some((ticket, _)) = self.pending.take() else { return };
        let records = self.in_flight.lock().take();
        if self.disk_full.load(Ordering::Relaxed) && self.around.random.chance(70) {
            self.around.coverage.note(Rare::DeviceDiskFull);
            return self.handle(Input::PersistFailed { ticket, full: true });
        }
        if let Some(records) = records {
            commit(&self.store, &self.around, &records);
            self.identity = self.store.lock().identity().clone();
        }
        self.handle(Input::Persisted { ticket });
    }

    fn hear(&mut self, news: Heard) {
        match news {
            Heard::Opened(attempt, link) => {
                self.link = Some((attempt, link));
                self.handle(Input::Opened { attempt, by: None });
            }
            Heard::Failed(attempt) => {
                self.handle(Input::Failed { attempt, detail: "simulated".to_owned() });
            }
            Heard::Bytes(attempt, bytes) => self.handle(Input::Bytes { attempt, bytes }),
            Heard::Closed(attempt) => {
                self.link.take_if(|(current, _)| *current == attempt);
                self.handle(Input::Closed { attempt, detail: "simulated".to_owned() });
            }
        }
    }

    fn grant(&mut self, wish: Wish) {
        let now = self.now();
        match wish {
            Wish::Compose(command, reply) => {
                // Whoever wished may be gone; the command stays composed.
                let _gone = reply.send(self.core.compose(command, now));
            }
            Wish::Ask(query, reply) => {
                let query_no = self.core.query(query, now);
                self.asked.push((query_no, reply));
            }
            Wish::Delete(local_no) => {
                self.core.delete(local_no, now);
            }
            Wish::Follow(users) => self.follow(users),
            Wish::RetryFailed => {
                let failed: Vec<LocalNo> = self
                    .store
                    .lock()
                    .outbox()
                    .iter()
                    .filter(|item| !is_refused(item))
                    .filter(|item| matches!(item.state, OutboxState::Failed { .. }))
                    .map(|item| item.id.local_no)
                    .collect();
                for local_no in failed {
                    self.core.retry(local_no, now);
                }
            }
        }
    }

    fn answer(&mut self, query_no: QueryNo, result: Result<Reply, Refusal>) {
        if let Some(place) = self.asked.iter().position(|(asked, _)| *asked == query_no) {
            let (_, reply) = self.asked.swap_remove(place);
            // Whoever asked may be gone.
            let _gone = reply.send(result);
        }
    }
}

/// Whether a command was refused for good: sending it again unchanged would not help.
#[must_use]
pub fn is_refused(item: &OutboxItem) -> bool {
    matches!(&item.state, OutboxState::Failed { reason, unconfirmed: None } if !reason.code.retryable())
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn signed_up(wait: &mut Option<Pin<Box<dyn Future<Output = Identity> + Send>>>) -> Identity {
    match wait {
        Some(wait) => wait.await,
        None => std::future::pending().await,
    }
}
