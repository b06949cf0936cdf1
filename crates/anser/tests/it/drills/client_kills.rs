//! A client of the SDK, a process of its own, dies at named points of its store and its connection; it goes on with what
//! was stored. Nothing it composed or received is lost or doubled.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anser_sdk::{Client, Event, Status};
use anser_sim::checker::{BodyHash, Journal, What};
use anser_types::{CommandNo, Content, ConversationId, DeviceNo, LocalNo, MessageId, Seq, UserId};
use rand::RngExt;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::length;
use super::strace::{Injection, under_strace};
use crate::people::{Board, PATIENCE, Person, judge_journals, received, sign_up};
use crate::program::Home;

/// Where a client dies: what it cuts, the system calls, and which call of a thread from and to.
const POINTS: &[(&str, &str, u32, u32)] = &[
    ("its store is opened", "openat", 40, 70),
    ("a page of its store is read", "pread64", 2, 12),
    ("it connects", "connect", 1, 1),
    ("a message is written to the outbox", "pwrite64", 3, 30),
    ("the outbox is synced", "fdatasync,fsync", 2, 12),
    ("a packet is sent (msg:R, ack:R)", "sendto,writev,sendmsg", 2, 12),
    ("a packet is read (msg:A, msg:N, ack:A)", "recvfrom", 3, 14),
    ("a thread is told", "futex", 5, 25),
    ("a sleeping thread is woken", "write", 8, 30),
];

/// Messages either side composes for every run of the process.
const MESSAGES: usize = 20;

/// What the process is told, as JSON in its environment.
const ORDERS: &str = "ANSER_DRILL_CLIENT";

/// The client; a process of its own, started by the test below.
#[tokio::test]
#[ignore = "started as a process by the test below"]
async fn the_client_process() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let orders: Value = serde_json::from_str(&orders).unwrap();
    let text = |key: &str| orders[key].as_str().unwrap().to_owned();
    let number = |key: &str| orders[key].as_u64().unwrap();
    let client = Client::builder()
        .endpoint(text("endpoint").parse().unwrap())
        .store_directory(text("store"))
        .resume()
        .await
        .unwrap();
    let to = UserId::new(&text("to")).unwrap();
    let mut diary = Diary::open(Path::new(&text("journal")));
    diary.take_up(&client, &to).await;

    let mut events = client.events();
    let (compose, receive) = (number("compose"), number("receive"));
    while diary.composed.0 < compose
        || (diary.accepted.len() as u64) < compose
        || (diary.received.len() as u64) < receive
    {
        tokio::select! {
            biased;
            event = events.next() => {
                let event = event.expect("the store works");
                match event.event() {
                    // States are not kept for a slow reader: they are looked up.
                    Event::Lagged { .. } => diary.take_up(&client, &to).await,
                    event => diary.hear(event),
                }
            }
            () = std::future::ready(()), if diary.composed.0 < compose => {
                diary.say(&client, &to).await;
            }
        }
    }
    client.close().await;
}

/// The process's journal: a file that a kill cuts at most in its last line.
struct Diary {
    file: File,
    device: DeviceNo,
    /// The latest message known to be composed.
    composed: LocalNo,
    accepted: BTreeSet<LocalNo>,
    received: BTreeSet<(ConversationId, Seq)>,
}

impl Diary {
    fn open(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let journal = Journal::from_text(&text).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(whole as u64).unwrap();
        let file = File::options().append(true).open(path).unwrap();
        let mut diary = Self {
            file,
            device: journal.device,
            composed: LocalNo(0),
            accepted: BTreeSet::new(),
            received: BTreeSet::new(),
        };
        for entry in &journal.entries {
            match &entry.what {
                What::Invoke { local_no, .. } => diary.composed = diary.composed.max(*local_no),
                What::Ok { local_no, .. } => drop(diary.accepted.insert(*local_no)),
                What::Received { conversation, seq, .. } => {
                    diary.received.insert((*conversation, *seq));
                }
                _ => {}
            }
        }
        diary
    }

    fn note(&mut self, what: What) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let at_ns = u64::try_from(now.as_nanos()).unwrap();
        let line = anser_sim::checker::Entry { at_ns, what }.to_string() + "\n";
        self.file.write_all(line.as_bytes()).unwrap();
    }

    /// What the process before this one did and could not write down any more.
    async fn take_up(&mut self, client: &Client, to: &UserId) {
        loop {
            let next = MessageId { device: self.device, local_no: self.composed.next() };
            let Some(message) = client.own_message(next).await.unwrap() else { break };
            self.invoked(next.local_no, client, to, &message.content.unwrap());
        }
        for no in (1..=self.composed.0).map(LocalNo) {
            let id = MessageId { device: self.device, local_no: no };
            let message = client.own_message(id).await.unwrap();
            let message = message.unwrap_or_else(|| panic!("{id} was composed and is gone"));
            if let Some(seq) = message.seq {
                self.was_accepted(no, seq);
            }
        }
    }

    async fn say(&mut self, client: &Client, to: &UserId) {
        let content =
            Content::text(format!("message {} of {}", self.composed.0 + 1, client.user()));
        let id = client.send_message(to.clone(), content.clone()).await.unwrap();
        self.invoked(id.local_no, client, to, &content);
    }

    fn invoked(&mut self, local_no: LocalNo, client: &Client, to: &UserId, content: &Content) {
        let conversation = client.direct_conversation(to);
        let body = BodyHash::of(&content.body);
        self.note(What::Invoke { local_no, conversation, body });
        self.composed = local_no;
    }

    fn was_accepted(&mut self, local_no: LocalNo, seq: Seq) {
        if self.accepted.insert(local_no) {
            self.note(What::Ok { local_no, command_no: CommandNo(0), seq });
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::MessageStateChanged { id, seq: Some(seq), .. } => {
                self.was_accepted(id.local_no, *seq);
            }
            Event::MessageStateChanged { id, status: Status::Failed { reason, .. }, .. } => {
                panic!("{id} failed: {reason}");
            }
            // An event that was not confirmed before the kill comes again.
            Event::NewMessage(message)
                if self.received.insert((message.conversation, message.seq.unwrap())) =>
            {
                self.note(received(message));
            }
            _ => {}
        }
    }
}

/// The process's side of the test.
struct Other {
    endpoint: String,
    store: PathBuf,
    journal: PathBuf,
    to: UserId,
    compose: usize,
    receive: usize,
}

impl Other {
    fn lines(&self, what: &str) -> usize {
        let journal = std::fs::read_to_string(&self.journal).unwrap();
        journal.lines().filter(|line| line.contains(what)).count()
    }

    /// The process, with something to do whatever those before it have done.
    fn program(&mut self) -> Command {
        self.compose = self.lines(" invoke ") + MESSAGES;
        let orders = json!({
            "endpoint": self.endpoint, "store": self.store, "journal": self.journal,
            "to": self.to.as_str(), "compose": self.compose, "receive": self.receive,
        });
        let mut program = Command::new(std::env::current_exe().unwrap());
        program
            .args(["--ignored", "--exact", "drills::client_kills::the_client_process"])
            .args(["--test-threads", "1"])
            .env(ORDERS, orders.to_string());
        program
    }

    fn start(&self, mut program: Command) -> Child {
        let out = self.journal.with_extension("out");
        let out = File::options().create(true).append(true).open(out).unwrap();
        program.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        program.spawn().unwrap_or_else(|error| {
            panic!("{:?} is needed by this test: {error}", program.get_program())
        })
    }

    /// How far it is, and what it printed.
    fn said(&self) -> String {
        let (composed, accepted) = (self.lines(" invoke "), self.lines(" ok "));
        let printed = std::fs::read_to_string(self.journal.with_extension("out"));
        format!(
            "{composed} of {} composed, {accepted} accepted, {} of {} received\n{}",
            self.compose,
            self.lines(" received "),
            self.receive,
            printed.unwrap_or_default()
        )
    }
}

/// Its end; killed and failed when it takes too long.
async fn end_of(
    mut child: Child,
    what: &str,
    said: impl Fn() -> String,
) -> std::process::ExitStatus {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if tokio::time::Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{what}: neither killed nor done within {PATIENCE:?}\n{}", said());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn requirement_a4_a_client_killed_at_named_points_goes_on_and_nothing_is_lost_or_doubled() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(client_kills());
}

async fn client_kills() {
    let mut random = length::random("client kills");
    let home = Home::new();
    let server = home.serve();
    let board = Board::new();
    let endpoint = format!("tcp://{}", server.address("tcp"));
    let mut signed_in = sign_up(&server, 2).await;
    let (process, person) = (signed_in.pop().unwrap(), signed_in.pop().unwrap());
    let mut other = Other {
        endpoint: endpoint.clone(),
        store: home.path().join("process"),
        journal: home.path().join("journal"),
        to: person.user.clone(),
        compose: 0,
        receive: 0,
    };
    let head = Journal::new(process.user.clone(), process.device).head_line() + "\n";
    std::fs::write(&other.journal, head).unwrap();
    let process_user = process.user.clone();
    // Its device is made here; the process resumes it.
    let first = Client::builder()
        .endpoint(endpoint.parse().unwrap())
        .store_directory(&other.store)
        .login_as(process)
        .await
        .unwrap();
    first.wait_connected().await.unwrap();
    first.close().await;
    let to = process_user.clone();
    let mut person = Person::sign_in(home.path(), &endpoint, person, to, board.clone()).await;

    let mut kills = 0;
    while kills < length::kills(POINTS.len()) {
        let mut order = POINTS.to_vec();
        order.shuffle(&mut random);
        for (name, syscalls, from, to) in order {
            // Not more than the process can read before it is killed again.
            while other.receive < other.lines(" received ") + MESSAGES {
                person.say(&board, format!("before kill {kills}, {}", other.receive)).await;
                other.receive += 1;
            }
            let when = random.random_range(from..=to).to_string();
            let injection = Injection { syscalls, what: "signal=KILL", when, files: &[] };
            let strace = under_strace(&other.program(), &injection, home.path());
            let at = format!("{name} ({syscalls} no. {})", injection.when);
            let status = end_of(other.start(strace), &at, || other.said()).await;
            assert_eq!(status.signal(), Some(9), "{at}: {status}\n{}", other.said());
            kills += 1;
            println!("client killed: {at}");
        }
    }

    let last = other.program();
    let status = end_of(other.start(last), "the last run", || other.said()).await;
    assert!(status.success(), "{status}\n{}", other.said());
    let people = [person];
    settle_with(&people, &board, other.compose).await;
    assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    let [person] = people;
    let journal = Journal::from_text(&std::fs::read_to_string(&other.journal).unwrap()).unwrap();
    println!("{kills} client kills at {} points", POINTS.len());
    judge_journals(&home, vec![person.leave().await, journal]).await;
}

/// The person's own messages are sent, and the process's have come.
async fn settle_with(people: &[Person], board: &Board, from_process: usize) {
    for id in &people[0].sent {
        people[0].client.wait_sent(*id).await.unwrap();
    }
    board.reaches("messages received", &board.received, from_process as u64).await;
}
