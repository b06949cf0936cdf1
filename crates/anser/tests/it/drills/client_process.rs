//! A client of the SDK in a process of its own, that can be killed: it composes and receives what it is told to, and
//! writes a journal that survives it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anser_sdk::{Client, Event, Status};
use anser_sim::checker::{BodyHash, Journal, What};
use anser_types::{CommandNo, Content, ConversationId, DeviceNo, LocalNo, MessageId, Seq, UserId};
use serde_json::{Value, json};

use crate::people::{PATIENCE, received};

/// Messages either side composes for every run of the process.
pub const MESSAGES: usize = 20;

/// What the process is told, as JSON in its environment.
const ORDERS: &str = "ANSER_DRILL_CLIENT";

/// The client; a process of its own, started by the drills of client kills.
#[tokio::test]
#[ignore = "started as a process by the drills of client kills"]
async fn the_client_process() {
    let Ok(orders) = std::env::var(ORDERS) else {
        println!("SKIPPED: this is no test, it has no orders");
        return;
    };
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
                diary.heed(event.expect("the store works").event(), &client, &to).await;
            }
            () = std::future::ready(()), if diary.composed.0 < compose => {
                diary.say(&client, &to).await;
            }
        }
    }
    if orders["stay"] == true {
        // Whoever wants to kill it at a packet may have to wait for one.
        while let Some(event) = events.next().await {
            diary.heed(event.event(), &client, &to).await;
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

    async fn heed(&mut self, event: &Event, client: &Client, to: &UserId) {
        match event {
            // States are not kept for a slow reader: they are looked up.
            Event::Lagged { .. } => self.take_up(client, to).await,
            event => self.hear(event),
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
pub struct Other {
    pub endpoint: String,
    pub store: PathBuf,
    pub journal: PathBuf,
    pub to: UserId,
    pub compose: usize,
    pub receive: usize,
    /// Whether it stays when it has done everything.
    pub stays: bool,
}

impl Other {
    pub fn lines(&self, what: &str) -> usize {
        let journal = std::fs::read_to_string(&self.journal).unwrap();
        journal.lines().filter(|line| line.contains(what)).count()
    }

    /// The process, with something to do whatever those before it have done.
    pub fn program(&mut self) -> Command {
        self.compose = self.lines(" invoke ") + MESSAGES;
        let orders = json!({
            "endpoint": self.endpoint, "store": self.store, "journal": self.journal,
            "to": self.to.as_str(), "compose": self.compose, "receive": self.receive,
            "stay": self.stays,
        });
        let mut program = Command::new(std::env::current_exe().unwrap());
        program
            .args(["--ignored", "--exact", "drills::client_process::the_client_process"])
            .args(["--test-threads", "1"])
            .env(ORDERS, orders.to_string());
        program
    }

    pub fn start(&self, mut program: Command) -> Child {
        let out = self.journal.with_extension("out");
        let out = File::options().create(true).append(true).open(out).unwrap();
        program.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        program.spawn().unwrap_or_else(|error| {
            panic!("{:?} is needed by this test: {error}", program.get_program())
        })
    }

    /// How far it is, and what it printed.
    pub fn said(&self) -> String {
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
pub async fn end_of(
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
