//! A small world: one service on the in-memory store, users with devices, and words for what they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use anser_backend::memory::{CommitDecision, CommitGate, MemoryBackend, PendingCommit};
use anser_backend::{Boxed, Conversations, MemoryBlobs};
use anser_service::{
    Answered, AppCaller, CommandRequest, Delivery, Entropy, FilePorts, HashPlace, Hashing, Hello,
    Mailbox, Opened, Pending, Ports, Query, Reply, SecretString, Service, Session, Settings,
    Signal, SignedIn,
};
use anser_types::{
    Clock, Command, CommandNo, Content, ConversationId, DeviceClass, DeviceNo, Done, ErrorCode,
    Event, InboxSeq, LocalNo, LogEpoch, Outcome, Refusal, Seq, Target, UnixMs, UserId,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

pub const API_KEY: &str = "anser_test_key";

/// A clock that tests move by hand.
#[derive(Debug)]
pub struct HandClock(AtomicU64);

impl HandClock {
    pub fn forward(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes every time, the same in every run.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        bytes.iter_mut().zip(n.iter().cycle()).for_each(|(to, from)| *to = *from ^ 0x5a);
    }
}

/// Lets commits through only while it is open, and can be told how the next ones end.
#[derive(Debug)]
pub struct Gate {
    open: Semaphore,
    held: Mutex<bool>,
    next: Mutex<Vec<CommitDecision>>,
    pub commits: AtomicU64,
    pub appends: Mutex<Vec<usize>>,
}

impl Gate {
    fn new() -> Self {
        Self {
            open: Semaphore::new(0),
            held: Mutex::new(false),
            next: Mutex::default(),
            commits: AtomicU64::new(0),
            appends: Mutex::default(),
        }
    }

    /// Commits wait from now on.
    pub fn hold(&self) {
        *self.held.lock() = true;
    }

    /// Commits go through again.
    pub fn release(&self) {
        *self.held.lock() = false;
        self.open.add_permits(1);
    }

    /// How the next commit ends.
    pub fn next(&self, decision: CommitDecision) {
        self.next.lock().push(decision);
    }
}

pub struct GateOf(pub Arc<Gate>);

impl CommitGate for GateOf {
    fn decide(&self, commit: PendingCommit) -> Boxed<'_, CommitDecision> {
        Box::pin(async move {
            if *self.0.held.lock() {
                self.0.open.acquire().await.unwrap().forget();
            }
            self.0.commits.fetch_add(1, Ordering::SeqCst);
            self.0.appends.lock().push(commit.appends);
            self.0.next.lock().pop().unwrap_or(CommitDecision::Commit)
        })
    }
}

pub struct World {
    pub service: Arc<Service>,
    pub store: MemoryBackend,
    pub blobs: MemoryBlobs,
    pub clock: Arc<HandClock>,
    pub gate: Arc<Gate>,
    settings: Settings,
}

/// Runs a test whose one blocking thread is busy until the test lets it go: no hash of the blocking pool ends before.
pub fn while_the_pool_is_busy<F: Future<Output = ()>>(test: impl FnOnce(SyncSender<()>) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (let_go, busy) = sync_channel::<()>(1);
        let busy = tokio::task::spawn_blocking(move || busy.recv());
        test(let_go).await;
        busy.await.unwrap().unwrap();
    });
}

pub fn quick_settings() -> Settings {
    let hashing = Hashing {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
        place: HashPlace::Inline,
        ..Hashing::default()
    };
    let key: [u8; 32] = sha256(API_KEY);
    Settings { hashing, api_keys: vec![key], ..Settings::default() }
}

pub fn sha256(text: &str) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(text.as_bytes()).into()
}

impl World {
    pub fn new() -> Self {
        Self::with(quick_settings())
    }

    pub fn with(settings: Settings) -> Self {
        let gate = Arc::new(Gate::new());
        let store = MemoryBackend::with_gate(Arc::new(GateOf(Arc::clone(&gate))));
        let clock = Arc::new(HandClock(AtomicU64::new(1_750_000_000_000)));
        let blobs = MemoryBlobs::default();
        let service = start((&store, &blobs), &clock, &settings);
        Self { service, store, blobs, clock, gate, settings }
    }

    /// Kills the server and starts it again on the same store. Whatever was not committed is gone.
    pub fn crash(&mut self) {
        self.store.crash();
        self.store = self.store.reopen();
        self.service = start((&self.store, &self.blobs), &self.clock, &self.settings);
    }

    /// Another process on the same store.
    pub fn elsewhere(&self) -> Arc<Service> {
        start((&self.store, &self.blobs), &self.clock, &self.settings)
    }

    /// The same by another configuration.
    pub fn elsewhere_with(&self, settings: &Settings) -> Arc<Service> {
        start((&self.store, &self.blobs), &self.clock, settings)
    }

    pub fn app(&self) -> AppCaller {
        self.service.authenticate_app(API_KEY).unwrap()
    }

    /// Makes a user.
    pub async fn user(&self, name: &str) {
        self.service.create_user(&self.app(), id(name)).await.unwrap();
    }

    pub async fn users(&self, names: &[&str]) {
        for name in names {
            self.user(name).await;
        }
    }

    /// A token for a new device of a user, who is made if need be.
    pub async fn token(&self, name: &str, class: DeviceClass) -> SignedIn {
        let app = self.app();
        self.service.mint_token(&app, id(name), None, class, String::new(), true).await.unwrap()
    }

    /// A new device of a user, connected.
    pub async fn connect(&self, name: &str) -> Device {
        self.connect_as(name, DeviceClass::Cli).await
    }

    pub async fn connect_as(&self, name: &str, class: DeviceClass) -> Device {
        let signed_in = self.token(name, class).await;
        Device::connect(&self.service, &signed_in, InboxSeq::ZERO).await
    }

    /// Whether a user is a present member of a conversation.
    pub async fn store_has(&self, conversation: ConversationId, name: &str) -> bool {
        let roster = self.store.roster(conversation).await.unwrap().unwrap();
        roster.members.iter().any(|member| member.user == id(name) && member.is_present())
    }

    pub async fn inbox_head(&self, device: &Device) -> InboxSeq {
        device.session.sweep().await.unwrap()
    }

    pub async fn direct_head(&self, a: &str, b: &str) -> Seq {
        self.store.heads(ConversationId::direct(&id(a), &id(b))).await.unwrap().seq
    }
}

fn start(
    (store, blobs): (&MemoryBackend, &MemoryBlobs),
    clock: &Arc<HandClock>,
    settings: &Settings,
) -> Arc<Service> {
    let store = Arc::new(store.clone());
    let ports = Ports {
        ledger: Arc::clone(&store) as _,
        conversations: Arc::clone(&store) as _,
        lists: Arc::clone(&store) as _,
        accounts: Arc::clone(&store) as _,
        files: Some(FilePorts { known: Arc::clone(&store) as _, bytes: Arc::new(blobs.clone()) }),
        search: Some(store),
    };
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Service::start(ports, clock, Arc::new(Counter::default()), settings.clone())
}

pub fn id(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub fn to(name: &str) -> Target {
    Target::User(id(name))
}

pub fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// A connected device that counts its commands and follows its inbox.
pub struct Device {
    pub session: Session,
    pub mailbox: Mailbox,
    pub opened: Opened,
    pub signed_in: SignedIn,
    pub cursor: InboxSeq,
    pub command_no: u64,
}

impl Device {
    pub async fn connect(service: &Arc<Service>, signed_in: &SignedIn, cursor: InboxSeq) -> Self {
        let epoch = service.status().ledger.log_epoch;
        Self::try_connect(service, signed_in, cursor, epoch).await.unwrap()
    }

    pub async fn try_connect(
        service: &Arc<Service>,
        signed_in: &SignedIn,
        cursor: InboxSeq,
        log_epoch: LogEpoch,
    ) -> Result<Self, Refusal> {
        let hello = Hello {
            token: signed_in.token.clone(),
            device: signed_in.device,
            log_epoch,
            inbox_cursor: cursor,
            rebuild_above: 0,
            arrived: service.arrival(),
        };
        let (session, mailbox) = service.open_session(hello).await?;
        let opened = session.opened().clone();
        let command_no = opened.last_command_no.0;
        let signed_in = signed_in.clone();
        Ok(Self { session, mailbox, opened, signed_in, cursor, command_no })
    }

    /// The request a client would make next.
    pub fn request(&mut self, command: Command) -> CommandRequest {
        self.command_no += 1;
        request(self.command_no, command)
    }

    pub async fn submit(&mut self, command: Command) -> Pending {
        let request = self.request(command);
        self.session.submit(request).await
    }

    pub async fn run(&mut self, command: Command) -> Answered {
        self.submit(command).await.await
    }

    /// Runs a command that must succeed.
    pub async fn done(&mut self, command: Command) -> Done {
        done(self.run(command).await)
    }

    /// Runs a command that must be refused for good.
    pub async fn refused(&mut self, command: Command) -> ErrorCode {
        match self.run(command).await {
            Answered::Final { answer, .. } => match answer.outcome {
                Outcome::Refused(refusal) => refusal.code,
                Outcome::Done(done) => panic!("done: {done:?}"),
            },
            Answered::Refused { refusal, .. } => panic!("not for good: {refusal}"),
        }
    }

    pub async fn say(&mut self, to: Target, text: &str) -> Done {
        self.done(send(to, text)).await
    }

    pub async fn create_group(&mut self, title: &str, members: &[&str]) -> ConversationId {
        self.done(create(title, members, false)).await.conversation.unwrap()
    }

    pub async fn query(&self, query: Query) -> Reply {
        self.session.query(query).await.unwrap()
    }

    /// Everything that came since the last look: pushed events if they are at hand, else pages. Acknowledges it.
    pub async fn events(&mut self) -> Vec<Delivery> {
        let head = self.session.sweep().await.unwrap();
        let mut got = Vec::new();
        while self.cursor < head {
            if let Some(delivery) = self.mailbox.take(self.cursor.next()) {
                self.cursor = delivery.inbox_seq;
                got.push(delivery);
                continue;
            }
            let page = self.session.read_inbox(self.cursor, 0).await.unwrap();
            assert_eq!(page.first, self.cursor.next(), "no hole");
            for delivery in page.deliveries {
                self.cursor = delivery.inbox_seq;
                got.push(delivery);
            }
        }
        self.ack(&got);
        got
    }

    pub fn ack(&self, stored: &[Delivery]) {
        let delivered: Vec<(ConversationId, Seq)> = stored
            .iter()
            .filter_map(|delivery| match &delivery.event {
                Event::Message(message) => Some((message.conversation, message.seq)),
                _ => None,
            })
            .collect();
        self.session.acked(self.cursor, &delivered);
    }

    /// What came since the last look, as a person would tell it.
    pub async fn hears(&mut self) -> Vec<String> {
        self.events().await.iter().map(told).collect()
    }

    pub fn signals(&self) -> Vec<Signal> {
        self.mailbox.take_signals()
    }

    pub fn ended(&self) -> Option<ErrorCode> {
        self.mailbox.ended().map(|ended| ended.code)
    }
}

pub fn request(command_no: u64, command: Command) -> CommandRequest {
    let hash = sha256(&format!("{command:?}"))[..16].try_into().unwrap();
    CommandRequest {
        command_no: CommandNo(command_no),
        answered_up_to: CommandNo::ZERO,
        local_no: LocalNo(command_no),
        sent_at: UnixMs(1),
        hash,
        command,
    }
}

pub fn send(to: Target, text: &str) -> Command {
    Command::SendMessage { to, content: Content::text(text) }
}

pub fn create(title: &str, members: &[&str], history_for_new_members: bool) -> Command {
    let members = members.iter().map(|name| id(name)).collect();
    Command::CreateGroup { title: title.to_owned(), members, history_for_new_members }
}

pub fn invite(conversation: ConversationId, users: &[&str]) -> Command {
    Command::Invite { conversation, users: users.iter().map(|name| id(name)).collect() }
}

pub fn kick(conversation: ConversationId, users: &[&str]) -> Command {
    Command::Kick { conversation, users: users.iter().map(|name| id(name)).collect() }
}

pub fn done(answered: Answered) -> Done {
    match answered {
        Answered::Final { answer, .. } => match answer.outcome {
            Outcome::Done(done) => done,
            Outcome::Refused(refusal) => panic!("refused: {refusal}"),
        },
        Answered::Refused { refusal, .. } => panic!("refused: {refusal}"),
    }
}

/// The refusal of a command that was not executed.
pub fn not_executed(answered: Answered) -> Refusal {
    match answered {
        Answered::Refused { refusal, .. } => refusal,
        Answered::Final { answer, .. } => panic!("executed: {answer:?}"),
    }
}

fn told(delivery: &Delivery) -> String {
    match &delivery.event {
        Event::Message(message) => {
            let text = message.content.as_ref().map_or("(gone)".into(), |content| {
                String::from_utf8_lossy(&content.body).into_owned()
            });
            match (&delivery.peer, delivery.own) {
                (Some(peer), true) => format!("to {peer}: {text}"),
                _ => format!("{}: {text}", message.sender),
            }
        }
        Event::Change(change) => format!("{} {}", change.actor, told_change(&change.kind)),
        Event::ReadSync { up_to, .. } => format!("read up to {up_to}"),
        other => format!("{other:?}"),
    }
}

fn told_change(kind: &anser_types::ChangeKind) -> String {
    use anser_types::ChangeKind;
    let names = |users: &[UserId]| users.iter().map(UserId::as_str).collect::<Vec<_>>().join(", ");
    match kind {
        ChangeKind::GroupCreated { title, members } => {
            format!("made {title} with {}", names(members))
        }
        ChangeKind::MembersJoined { users, .. } => format!("added {}", names(users)),
        ChangeKind::MemberLeft { new_owner: Some(heir) } => format!("left; {heir} owns it"),
        ChangeKind::MemberLeft { new_owner: None } => "left".to_owned(),
        ChangeKind::MembersRemoved { users } => format!("removed {}", names(users)),
        ChangeKind::MessageAltered { seq, alteration } => format!("altered {seq}: {alteration:?}"),
        ChangeKind::GroupUpdated(set) => format!("updated {set:?}"),
        ChangeKind::MemberAltered { user, act } => format!("did to {user}: {act:?}"),
        ChangeKind::GroupDismissed => "dissolved it".to_owned(),
        ChangeKind::Item(item) => told_item(item),
        ChangeKind::Unknown { .. } => "did something".to_owned(),
    }
}

/// An item of one's own lists, as its owner is told of it.
fn told_item(item: &anser_types::Item) -> String {
    use anser_types::{Item, Relation};
    match item {
        Item::Contact(contact) if contact.relation == Relation::Asked => {
            format!("asks to be a contact: {}", contact.greeting)
        }
        Item::Contact(contact) if !contact.remark.is_empty() => {
            format!("calls {} {}", contact.user, contact.remark)
        }
        Item::Settings(settings) => format!("set who writes first: {:?}", settings.write_first),
        other => format!("{other:?}"),
    }
}

pub const NO_DEVICE: DeviceNo = DeviceNo(0);
