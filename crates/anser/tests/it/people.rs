//! People who talk to each other through SDK clients and write down what they did and saw, and the judge of it all.
//!
//! The judge reads the raw store, not the clients' counts.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anser_embedded::{EmbeddedStore, Options};
use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection, SignedIn};
use anser_sdk::{Client, Event, Events, SecretString, Status, Trust};
use anser_sim::checker::{
    BodyHash, ConversationDump, Counts, Evidence, Journal, MessageKey, What, check, dump_store,
    report,
};
use anser_types::{CommandNo, Content, ConversationId, DeviceClass, ErrorCode, MessageId, UserId};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::program::{Home, Server};

/// Anything that takes longer hangs; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One person: a client of the SDK with its store, and the journal of what it did and saw.
pub struct Person {
    pub client: Client,
    pub to: UserId,
    pub conversation: ConversationId,
    pub journal: Arc<Mutex<Journal>>,
    pub sent: Vec<MessageId>,
    listening: JoinHandle<()>,
}

/// What all listeners share: how many answers and messages there were, and the clock of all journals.
#[derive(Clone)]
pub struct Board {
    pub acked: Arc<AtomicU64>,
    pub received: Arc<AtomicU64>,
    rung: Arc<tokio::sync::Notify>,
    started: Instant,
}

impl Board {
    pub fn new() -> Self {
        Self {
            acked: Arc::default(),
            received: Arc::default(),
            rung: Arc::default(),
            started: Instant::now(),
        }
    }

    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap()
    }

    fn count(&self, which: &AtomicU64) {
        which.fetch_add(1, Ordering::Relaxed);
        self.rung.notify_waiters();
    }

    /// Waits until one of the counters says enough.
    pub async fn reaches(&self, what: &str, which: &AtomicU64, enough: u64) {
        let wait = async {
            while which.load(Ordering::Relaxed) < enough {
                let rung = self.rung.notified();
                if which.load(Ordering::Relaxed) < enough {
                    rung.await;
                }
            }
        };
        let Ok(()) = tokio::time::timeout(PATIENCE, wait).await else {
            panic!("{} {what} of {enough} within {PATIENCE:?}", which.load(Ordering::Relaxed));
        };
    }
}

impl Person {
    /// Signs in at an endpoint, which may be a proxy's.
    pub async fn sign_in(
        store: &Path,
        endpoint: &str,
        who: SignedIn,
        to: UserId,
        board: Board,
    ) -> Self {
        let conversation = ConversationId::direct(&who.user, &to);
        let journal = Arc::new(Mutex::new(Journal::new(who.user.clone(), who.device)));
        let client = Client::builder()
            .endpoint(endpoint.parse().unwrap())
            .store_directory(store.join(who.user.as_str()))
            .login_as(who)
            .await
            .unwrap();
        let listening = tokio::spawn(listen(client.events(), Arc::clone(&journal), board));
        Self { client, to, conversation, journal, sent: Vec::new(), listening }
    }

    /// Puts a message into the outbox, and that into the journal.
    pub async fn say(&mut self, board: &Board, text: String) {
        let content = Content::text(text);
        let body = BodyHash::of(&content.body);
        let id = self.client.send_message(self.to.clone(), content).await.unwrap();
        let invoke = What::Invoke { local_no: id.local_no, conversation: self.conversation, body };
        self.journal.lock().note(board.now_ns(), invoke);
        self.sent.push(id);
    }

    /// Fills the outbox until so many messages wait in it.
    pub async fn keep_waiting(&mut self, board: &Board, waiting: usize, round: usize) {
        for n in self.unsent(waiting).await.len()..waiting {
            let text = format!("{} to {}: round {round}, {n}", self.client.user(), self.to);
            self.say(board, text).await;
        }
    }

    /// Messages among the latest ones that have no answer, and whether they have a number.
    async fn unsent(&self, among: usize) -> Vec<(MessageId, bool)> {
        let mut unsent = Vec::new();
        for id in self.sent.iter().rev().take(among) {
            match self.client.own_message(*id).await.unwrap().unwrap().status {
                Status::Sending => unsent.push((*id, true)),
                Status::Queued => unsent.push((*id, false)),
                _ => {}
            }
        }
        unsent
    }

    /// Messages among the latest ones that have a number and no answer.
    pub async fn in_flight(&self, among: usize) -> Vec<MessageId> {
        let unsent = self.unsent(among).await;
        unsent.into_iter().filter_map(|(id, is_numbered)| is_numbered.then_some(id)).collect()
    }

    /// Waits until a message is sent. One that was given up after its last try is sent again, as its user would.
    pub async fn wait_sent(&self, board: &Board, id: MessageId) {
        while let Err(error) = self.client.wait_sent(id).await {
            assert_eq!(error.code(), ErrorCode::TimedOut, "{id}: {error}");
            let message = self.client.own_message(id).await.unwrap().unwrap();
            let body = BodyHash::of(&message.content.unwrap().body);
            let (local_no, conversation) = (id.local_no, self.conversation);
            self.journal.lock().note(board.now_ns(), What::Invoke { local_no, conversation, body });
            // An error says that it was sent after all.
            let _sent_meanwhile = self.client.retry_message(id).await;
        }
    }

    /// The client ends; its journal.
    pub async fn leave(self) -> Journal {
        self.client.close().await;
        self.listening.await.unwrap();
        let journal = self.journal.lock();
        journal.clone()
    }
}

/// What receiving a message looks like in a journal.
pub fn received(message: &anser_sdk::ChatMessage) -> What {
    What::Received {
        conversation: message.conversation,
        seq: message.seq.unwrap(),
        key: MessageKey { sender: message.sender.clone(), id: message.id },
        body: BodyHash::of(&message.content.as_ref().unwrap().body),
        live: true,
    }
}

/// Writes down what the app hears, and counts answers.
async fn listen(mut events: Events, journal: Arc<Mutex<Journal>>, board: Board) {
    while let Some(delivery) = events.next().await {
        let at_ns = board.now_ns();
        match delivery.event() {
            Event::MessageStateChanged { id, seq: Some(seq), .. } => {
                let ok = What::Ok { local_no: id.local_no, command_no: CommandNo(0), seq: *seq };
                journal.lock().note(at_ns, ok);
                board.count(&board.acked);
            }
            Event::NewMessage(message) => {
                journal.lock().note(at_ns, received(message));
                board.count(&board.received);
            }
            Event::Lagged { dropped } => panic!("the test itself was too slow: {dropped} dropped"),
            _ => {}
        }
    }
}

/// The app server's door.
pub fn app_server(server: &Server) -> AppServerClient {
    let base = format!("http://{}", server.address("http"));
    let connection = HttpConnection::new(&base, &Trust::default(), false).unwrap();
    AppServerClient::new(connection, SecretString::from(server.api_key()))
}

/// A new device of a user, who is made if there is none.
pub async fn device(server: &Server, user: &str) -> SignedIn {
    let device = DeviceDescription { class: DeviceClass::Bot, name: "drill".to_owned() };
    let user = UserId::new(user).unwrap();
    app_server(server).mint_token(&user, &device, true, None).await.unwrap()
}

/// `person-0`, `person-1` … with a device each.
pub async fn sign_up(server: &Server, people: usize) -> Vec<SignedIn> {
    let mut signed_in = Vec::new();
    for n in 0..people {
        signed_in.push(device(server, &format!("person-{n}")).await);
    }
    signed_in
}

/// People in a ring, each writing to the next one; connected.
pub async fn gather(
    home: &Home,
    server: &Server,
    people: usize,
    board: &Board,
    endpoint: &str,
) -> Vec<Person> {
    let signed_in = sign_up(server, people).await;
    let users: Vec<UserId> = signed_in.iter().map(|who| who.user.clone()).collect();
    let mut all = Vec::new();
    for (n, who) in signed_in.into_iter().enumerate() {
        let to = users[(n + 1) % people].clone();
        all.push(Person::sign_in(home.path(), endpoint, who, to, board.clone()).await);
    }
    for person in &all {
        person.client.wait_connected().await.unwrap();
    }
    all
}

/// What the store of a stopped server holds, read raw.
pub async fn raw_store(home: &Home) -> Vec<ConversationDump> {
    dump(&home.data_dir().join("store")).await
}

/// The same without touching the store: what the kill left is still there for the server to recover.
pub async fn raw_copy(home: &Home) -> Vec<ConversationDump> {
    let copy = tempfile::tempdir().unwrap();
    // The tables' journal is mostly a hole.
    let copied = Command::new("cp")
        .args(["-r", "--sparse=always"])
        .args([home.data_dir().join("store"), copy.path().join("store")])
        .status();
    assert!(copied.unwrap().success());
    dump(&copy.path().join("store")).await
}

async fn dump(directory: &Path) -> Vec<ConversationDump> {
    let store = EmbeddedStore::open(directory, Options::default()).unwrap();
    let dump = dump_store(&*store.conversations(), &*store.inspect()).await.unwrap();
    store.close().await.unwrap();
    dump
}

/// Everybody's network is back: they need not wait for their next try.
pub async fn come_back(people: &[Person]) {
    for person in people {
        person.client.network_changed("").await.unwrap();
    }
}

/// Waits until every message is answered and has reached its receiver.
pub async fn settle(people: &[Person], board: &Board) {
    let all: usize = people.iter().map(|person| person.sent.len()).sum();
    for person in people {
        for id in &person.sent {
            let sent = tokio::time::timeout(PATIENCE, person.wait_sent(board, *id)).await;
            sent.unwrap_or_else(|_| panic!("{id} of {} waits on", person.client.user()));
        }
    }
    board.reaches("messages received", &board.received, all as u64).await;
}

/// Ends all clients and compares their journals with the raw store of the stopped server.
pub async fn judge(home: &Home, people: Vec<Person>) {
    let mut journals = Vec::new();
    for person in people {
        journals.push(person.leave().await);
    }
    judge_journals(home, journals).await;
}

/// The verdict over journals and the raw store of the stopped server.
pub async fn judge_journals(home: &Home, journals: Vec<Journal>) {
    let evidence = Evidence { journals, store: raw_store(home).await, ..Evidence::default() };
    let verdicts = check(&evidence);
    println!("{}", Counts::of(&evidence));
    assert!(verdicts.is_empty(), "{}", report(&verdicts));
}

/// After a kill: everything answered so far is in the store, under the number that was answered.
pub fn assert_kept(store: &[ConversationDump], people: &[Person], at: &str) {
    for person in people {
        let journal = person.journal.lock();
        for entry in &journal.entries {
            let What::Ok { local_no, seq, .. } = &entry.what else { continue };
            let key = journal.key(*local_no);
            let kept = store
                .iter()
                .filter(|log| log.id == person.conversation)
                .flat_map(|log| &log.messages)
                .any(|message| message.key == key && message.seq == *seq);
            assert!(kept, "{at}: {key} was accepted as {seq:?} and is not in the store");
        }
    }
}
