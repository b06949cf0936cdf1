//! The server is killed again and again with many commands in flight; nothing is lost, doubled or out of order.
//!
//! The judge reads the raw store, not the clients' counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anser_embedded::{EmbeddedStore, Options};
use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection, SignedIn};
use anser_sdk::{Client, Event, SecretString, Status, Trust};
use anser_sim::checker::{
    BodyHash, Counts, Evidence, Journal, MessageKey, What, check, dump_store, report,
};
use anser_types::{CommandNo, Content, ConversationId, DeviceClass, MessageId, UserId};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;

use crate::program::{Home, Server};

/// Kills that count: with at least [`IN_FLIGHT`] commands under way.
const KILLS: usize = 20;
/// Commands that were numbered and not answered when the server died.
const IN_FLIGHT: usize = 64;
/// Kills after which the store must hold commands whose answer never arrived.
const IN_DOUBT: usize = 5;
/// People, each writing to the next one.
const PEOPLE: usize = 6;
/// Messages each of them has waiting when the server comes back: more than fit on the wire at once.
const WAITING: usize = 100;
/// Answers after which the server dies, at the most.
const ANSWERS: u64 = 60;
/// Rounds after which too few kills have counted.
const ROUNDS: usize = 60;

/// One person: a client of the SDK with its store, and the journal of what it did and saw.
struct Person {
    client: Client,
    to: UserId,
    conversation: ConversationId,
    journal: Arc<Mutex<Journal>>,
    sent: Vec<MessageId>,
    listening: JoinHandle<()>,
}

/// What all listeners share: how many answers there were, and the clock of all journals.
#[derive(Clone)]
struct Board {
    acked: Arc<AtomicU64>,
    rung: Arc<tokio::sync::Notify>,
    started: Instant,
}

impl Board {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap()
    }
}

impl Person {
    async fn sign_in(
        home: &Home,
        server: &Server,
        who: SignedIn,
        to: UserId,
        board: Board,
    ) -> Self {
        let conversation = ConversationId::direct(&who.user, &to);
        let journal = Arc::new(Mutex::new(Journal::new(who.user.clone(), who.device)));
        let client = Client::builder()
            .endpoint(format!("tcp://{}", server.address("tcp")).parse().unwrap())
            .store_directory(home.path().join(who.user.as_str()))
            .login_as(who)
            .await
            .unwrap();
        let listening = tokio::spawn(listen(client.events(), Arc::clone(&journal), board));
        Self { client, to, conversation, journal, sent: Vec::new(), listening }
    }

    /// Composes while nobody answers: everything is in the outbox afterwards.
    async fn compose(&mut self, board: &Board, round: usize) {
        for n in self.unsent().await.len()..WAITING {
            let content =
                Content::text(format!("{} to {}: round {round}, {n}", self.client.user(), self.to));
            let body = BodyHash::of(&content.body);
            let id = self.client.send_message(self.to.clone(), content).await.unwrap();
            let invoke =
                What::Invoke { local_no: id.local_no, conversation: self.conversation, body };
            self.journal.lock().note(board.now_ns(), invoke);
            self.sent.push(id);
        }
    }

    /// Messages without an answer, and whether they have a number.
    async fn unsent(&self) -> Vec<(MessageId, bool)> {
        let mut unsent = Vec::new();
        for id in self.sent.iter().rev().take(WAITING) {
            match self.client.own_message(*id).await.unwrap().unwrap().status {
                Status::Sending => unsent.push((*id, true)),
                Status::Queued => unsent.push((*id, false)),
                _ => {}
            }
        }
        unsent
    }

    /// Messages that have a number and no answer.
    async fn in_flight(&self) -> Vec<MessageId> {
        let unsent = self.unsent().await;
        unsent.into_iter().filter_map(|(id, is_numbered)| is_numbered.then_some(id)).collect()
    }
}

/// Writes down what the app hears, and counts answers.
async fn listen(mut events: anser_sdk::Events, journal: Arc<Mutex<Journal>>, board: Board) {
    while let Some(delivery) = events.next().await {
        let at_ns = board.now_ns();
        match delivery.event() {
            Event::MessageStateChanged { id, seq: Some(seq), .. } => {
                let ok = What::Ok { local_no: id.local_no, command_no: CommandNo(0), seq: *seq };
                journal.lock().note(at_ns, ok);
                board.acked.fetch_add(1, Ordering::Relaxed);
                board.rung.notify_waiters();
            }
            Event::NewMessage(message) => {
                let received = What::Received {
                    conversation: message.conversation,
                    seq: message.seq.unwrap(),
                    key: MessageKey { sender: message.sender.clone(), id: message.id },
                    body: BodyHash::of(&message.content.as_ref().unwrap().body),
                    live: true,
                };
                journal.lock().note(at_ns, received);
            }
            Event::Lagged { dropped } => panic!("the test itself was too slow: {dropped} dropped"),
            _ => {}
        }
    }
}

async fn sign_up(server: &Server) -> Vec<SignedIn> {
    let base = format!("http://{}", server.address("http"));
    let connection = HttpConnection::new(&base, &Trust::default(), false).unwrap();
    let app = AppServerClient::new(connection, SecretString::from(server.api_key()));
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        let user = UserId::new(&format!("person-{n}")).unwrap();
        let device = DeviceDescription { class: DeviceClass::Bot, name: "kills".to_owned() };
        people.push(app.mint_token(&user, &device, true, None).await.unwrap());
    }
    people
}

/// What the store holds after a kill, read raw.
async fn raw_store(home: &Home) -> Vec<anser_sim::checker::ConversationDump> {
    let store = EmbeddedStore::open(&home.data_dir().join("store"), Options::default()).unwrap();
    let dump = dump_store(&*store.conversations(), &*store.inspect()).await.unwrap();
    store.close().await.unwrap();
    dump
}

/// What a series of kills met.
#[derive(Debug, Default)]
struct Tally {
    counted: usize,
    /// Kills after which at least one unanswered command was found executed.
    executed_unanswered: usize,
    in_flight: usize,
    in_doubt: usize,
}

#[test]
fn requirement_a4_kill_after_kill_nothing_is_lost_or_doubled() {
    let seed: u64 =
        std::env::var("ANSER_KILL_SEED").map_or_else(|_| rand::random(), |s| s.parse().unwrap());
    println!("seed {seed} (ANSER_KILL_SEED={seed} repeats the random choices)");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(kill_after_kill(SmallRng::seed_from_u64(seed)));
}

async fn kill_after_kill(mut random: SmallRng) {
    let home = Home::new();
    let mut server = home.serve();
    let ports = server.ports();
    let board = Board { acked: Arc::default(), rung: Arc::default(), started: Instant::now() };
    let signed_in = sign_up(&server).await;
    let users: Vec<UserId> = signed_in.iter().map(|who| who.user.clone()).collect();
    let mut people = Vec::new();
    for (n, who) in signed_in.into_iter().enumerate() {
        let to = users[(n + 1) % PEOPLE].clone();
        people.push(Person::sign_in(&home, &server, who, to, board.clone()).await);
    }
    for person in &people {
        person.client.wait_connected().await.unwrap();
    }
    server.kill();

    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        if tally.counted == KILLS {
            break;
        }
        for person in &mut people {
            person.compose(&board, round).await;
        }
        let dies_after = board.acked.load(Ordering::Relaxed) + random.random_range(1..=ANSWERS);
        server = home.serve_at(&ports);
        come_back(&people).await;
        wait_for_answers(&board, dies_after).await;
        server.kill();
        count(&home, &people, &mut tally, round).await;
    }
    println!("{tally:?}");
    assert_eq!(tally.counted, KILLS, "too few kills had {IN_FLIGHT} commands in flight: {tally:?}");
    assert!(tally.executed_unanswered >= IN_DOUBT, "{tally:?}");

    server = home.serve_at(&ports);
    come_back(&people).await;
    settle(&people, &board).await;
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());
    judge(&home, people).await;
}

/// Everybody's network is back: they need not wait for their next try.
async fn come_back(people: &[Person]) {
    for person in people {
        person.client.network_changed("").await.unwrap();
    }
}

async fn wait_for_answers(board: &Board, enough: u64) {
    let wait = async {
        while board.acked.load(Ordering::Relaxed) < enough {
            let rung = board.rung.notified();
            if board.acked.load(Ordering::Relaxed) < enough {
                rung.await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("answers within a minute");
}

/// How many commands the kill left without an answer, and how many of those the store holds.
async fn count(home: &Home, people: &[Person], tally: &mut Tally, round: usize) {
    let store = raw_store(home).await;
    let stored: BTreeMap<MessageKey, _> = store
        .iter()
        .flat_map(|log| log.messages.iter().map(|message| (message.key.clone(), message.seq)))
        .collect();
    let (mut in_flight, mut in_doubt) = (0, 0);
    for person in people {
        let open = person.in_flight().await;
        in_flight += open.len();
        let user = person.client.user();
        in_doubt += open
            .iter()
            .filter(|id| stored.contains_key(&MessageKey { sender: user.clone(), id: **id }))
            .count();
    }
    println!("kill {round}: {in_flight} in flight, {in_doubt} of them executed");
    if in_flight >= IN_FLIGHT {
        tally.counted += 1;
        tally.in_flight += in_flight;
        tally.in_doubt += in_doubt;
        tally.executed_unanswered += usize::from(in_doubt > 0);
    }
}

/// Waits until every message is answered and has reached its receiver.
async fn settle(people: &[Person], board: &Board) {
    let all: usize = people.iter().map(|person| person.sent.len()).sum();
    for person in people {
        for id in &person.sent {
            person.client.wait_sent(*id).await.unwrap();
        }
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let rung = board.rung.notified();
        let received: usize = people
            .iter()
            .map(|person| {
                let journal = person.journal.lock();
                journal.entries.iter().filter(|e| matches!(e.what, What::Received { .. })).count()
            })
            .sum();
        if received >= all {
            return;
        }
        assert!(Instant::now() < deadline, "{received} of {all} were received within a minute");
        // Receiving rings no bell: look again soon.
        let _either = tokio::time::timeout(Duration::from_millis(50), rung).await;
    }
}

async fn judge(home: &Home, people: Vec<Person>) {
    let mut evidence = Evidence { store: raw_store(home).await, ..Evidence::default() };
    for person in people {
        person.client.close().await;
        person.listening.await.unwrap();
        evidence.journals.push(person.journal.lock().clone());
    }
    let verdicts = check(&evidence);
    println!("{}", Counts::of(&evidence));
    assert!(verdicts.is_empty(), "{}", report(&verdicts));
}
