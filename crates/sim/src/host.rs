//! A simulated device: the real client core, a store that survives its process, and a journal of what it saw.

use std::sync::Arc;
use std::time::Duration;

use anser_client::core::Core;
use anser_client::io::{
    AppEvent, Attempt, Config, Endpoint, Identity, Input, Now, Output, QueryNo, Ticket,
    TransportKind,
};
use anser_client::queries::{Query, Reply};
use anser_client::records::{OutboxItem, OutboxState, Record};
use anser_types::{Clock, Command, LocalNo, Refusal};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::clock::SimClock;
use crate::entropy::Seeded;
use crate::network::{Heard, Network};
use crate::store::DeviceStore;

/// News from the network that may wait for the device.
const HEARD: usize = 64;
/// Wishes of the user that may wait.
const WISHES: usize = 64;
/// The longest a transaction takes.
const STORE_MS: u64 = 20;

/// What a user wants of the device.
enum Wish {
    Compose(Command, oneshot::Sender<Result<LocalNo, Refusal>>),
    Ask(Query, oneshot::Sender<Result<Reply, Refusal>>),
    RetryFailed,
}

/// What happened on a device, as the simulation tells it to whoever keeps a journal.
pub trait Witness: Send + Sync {
    /// The app heard an event.
    fn heard(&self, device: &Identity, event: &AppEvent);
    /// A transaction became durable on the device.
    fn stored(&self, device: &Identity, records: &[Record]);
}

/// A device: its store lasts, its process comes and goes.
pub struct Device {
    /// What survives.
    pub store: Arc<Mutex<DeviceStore>>,
    clock: Arc<SimClock>,
    network: Network,
    random: Arc<Seeded>,
    witness: Arc<dyn Witness>,
    process: Option<Process>,
    started: Instant,
}

struct Process {
    task: JoinHandle<()>,
    wishes: mpsc::Sender<Wish>,
    /// A transaction that is under way; whether it survives a crash is decided by the crash.
    in_flight: Arc<Mutex<Option<Arc<Vec<Record>>>>>,
}

impl Device {
    /// A device that is switched off.
    #[must_use]
    pub fn new(
        identity: Identity,
        network: Network,
        random: Arc<Seeded>,
        witness: Arc<dyn Witness>,
    ) -> Self {
        Self {
            store: Arc::new(Mutex::new(DeviceStore::new(identity))),
            clock: Arc::new(SimClock::new()),
            network,
            random,
            witness,
            process: None,
            started: Instant::now(),
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
        let snapshot = self.store.lock().snapshot();
        let endpoint = Endpoint {
            transport: TransportKind::Tcp,
            host: "server".to_owned(),
            port: 1,
            network: String::new(),
        };
        let core = Core::new(Config::new(endpoint, self.random.below(u64::MAX)), snapshot);
        let (wishes, receiver) = mpsc::channel(WISHES);
        let in_flight = Arc::new(Mutex::new(None));
        let running = Running {
            core,
            identity: self.identity(),
            store: Arc::clone(&self.store),
            in_flight: Arc::clone(&in_flight),
            clock: Arc::clone(&self.clock),
            network: self.network.clone(),
            random: Arc::clone(&self.random),
            witness: Arc::clone(&self.witness),
            started: self.started,
            link: None,
            pending: None,
            asked: Vec::new(),
        };
        let task = tokio::spawn(running.live(receiver));
        self.process = Some(Process { task, wishes, in_flight });
    }

    /// Kills the process. A transaction under way survives or not, as chance decides.
    pub async fn kill(&mut self) {
        let Some(process) = self.process.take() else { return };
        process.task.abort();
        // Its end is what we wait for, not its result.
        let _aborted = process.task.await;
        let under_way = process.in_flight.lock().take();
        if let Some(records) = under_way.filter(|_| self.random.chance(50)) {
            self.store.lock().apply(&records);
            self.witness.stored(&self.identity(), &records);
        }
    }

    /// Composes a command. `None` while the device is off (or died before it could).
    pub async fn compose(&self, command: Command) -> Option<Result<LocalNo, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.process.as_ref()?.wishes.send(Wish::Compose(command, reply)).await.ok()?;
        answer.await.ok()
    }

    /// The user sends again every message that failed but was not refused for good.
    pub async fn retry_failed(&self) {
        if let Some(process) = &self.process {
            // A device that dies meanwhile is asked again by its user.
            let _gone = process.wishes.send(Wish::RetryFailed).await;
        }
    }

    /// Asks the server. `None` while the device is off.
    pub async fn ask(&self, query: Query) -> Option<Result<Reply, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.process.as_ref()?.wishes.send(Wish::Ask(query, reply)).await.ok()?;
        answer.await.ok()
    }
}

/// A process of a device: everything here is lost when it dies, but the store.
struct Running {
    core: Core,
    identity: Identity,
    store: Arc<Mutex<DeviceStore>>,
    in_flight: Arc<Mutex<Option<Arc<Vec<Record>>>>>,
    clock: Arc<SimClock>,
    network: Network,
    random: Arc<Seeded>,
    witness: Arc<dyn Witness>,
    started: Instant,
    link: Option<(Attempt, mpsc::Sender<Bytes>)>,
    pending: Option<(Ticket, Instant)>,
    asked: Vec<(QueryNo, oneshot::Sender<Result<Reply, Refusal>>)>,
}

impl Running {
    async fn live(mut self, mut wishes: mpsc::Receiver<Wish>) {
        let (news, mut heard) = mpsc::channel(HEARD);
        self.handle(Input::Start);
        loop {
            self.carry_out(&news).await;
            let timer = self.core.next_timer().map(|at| self.started + at);
            let stored = self.pending.map(|(_, at)| at);
            tokio::select! {
                biased;
                () = at(stored) => self.store_now(),
                () = at(timer) => self.handle(Input::Timer),
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
                Output::Connect { attempt, .. } => self.network.connect(attempt, news.clone()),
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
                    let takes = Duration::from_millis(self.random.below(STORE_MS));
                    *self.in_flight.lock() = Some(records);
                    self.pending = Some((ticket, Instant::now() + takes));
                }
                Output::Event(event) => self.witness.heard(&self.identity, &event),
                Output::QueryDone { query_no, result } => self.answer(query_no, result),
            }
        }
    }

    fn store_now(&mut self) {
        let Some((ticket, _)) = self.pending.take() else { return };
        if let Some(records) = self.in_flight.lock().take() {
            self.store.lock().apply(&records);
            self.witness.stored(&self.identity, &records);
        }
        self.handle(Input::Persisted { ticket });
    }

    fn hear(&mut self, news: Heard) {
        match news {
            Heard::Opened(attempt, link) => {
                self.link = Some((attempt, link));
                self.handle(Input::Opened { attempt });
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
