//! What fan-out costs, without a network and without a disk: `cargo bench -p anser-service`.
//!
//! The same messages to the same groups twice: with nobody but the sender connected, and with everybody connected and
//! taking their copies. The difference is fan-out: audience, mailboxes, one wake for each, and taking out again.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anser_backend::memory::MemoryBackend;
use anser_service::{
    Answered, CommandRequest, Entropy, Hello, Mailbox, Ports, Service, Session, Settings, SignedIn,
};
use anser_types::{
    Clock, Command, CommandNo, Content, ConversationId, DeviceClass, InboxSeq, LocalNo, Outcome,
    Target, UnixMs, UserId,
};
use sha2::Digest as _;

/// Members of the groups.
const GROUPS: [usize; 3] = [2, 20, 200];
/// Deliveries of one round, whatever the group.
const DELIVERIES: usize = 100_000;
/// Commands on their way at a time: what a device may have in flight.
const WINDOW: usize = 64;
/// Rounds; the median is reported.
const ROUNDS: usize = 5;
const API_KEY: &str = "anser_bench_key";
const TEXT: &str = "A message of ordinary length, as people write them to each other all day.";

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> UnixMs {
        UnixMs(1_795_169_730_250)
    }
}

#[derive(Default)]
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(n.iter().cycle()).for_each(|(to, from)| *to = *from);
    }
}

fn service() -> Arc<Service> {
    let store = Arc::new(MemoryBackend::new());
    let ports = Ports {
        ledger: Arc::clone(&store) as _,
        conversations: Arc::clone(&store) as _,
        lists: Arc::clone(&store) as _,
        accounts: store,
        search: None,
        files: None,
    };
    let settings = Settings {
        api_keys: vec![sha2::Sha256::digest(API_KEY).into()],
        // Not what is measured.
        commands_per_second: 1_000_000_000,
        commands_burst: 1_000_000_000,
        ..Settings::default()
    };
    Service::start(ports, Arc::new(StandingClock), Arc::new(Counter::default()), settings)
}

/// A connected device.
struct Device {
    session: Session,
    mailbox: Mailbox,
    cursor: InboxSeq,
    command_no: u64,
}

impl Device {
    async fn connect(service: &Arc<Service>, who: &SignedIn) -> Self {
        let hello = Hello {
            token: who.token.clone(),
            device: who.device,
            log_epoch: service.status().ledger.log_epoch,
            inbox_cursor: InboxSeq::ZERO,
            rebuild_above: 0,
            arrived: service.arrival(),
        };
        let (session, mailbox) = service.open_session(hello).await.unwrap();
        let cursor = session.opened().inbox_head;
        Self { session, mailbox, cursor, command_no: 0 }
    }

    fn request(&mut self, command: Command) -> CommandRequest {
        self.command_no += 1;
        let mut hash = [0; 16];
        hash[..8].copy_from_slice(&self.command_no.to_be_bytes());
        CommandRequest {
            command_no: CommandNo(self.command_no),
            answered_up_to: CommandNo((self.command_no - 1) / WINDOW as u64 * WINDOW as u64),
            local_no: LocalNo(self.command_no),
            sent_at: UnixMs(1),
            hash,
            command,
        }
    }

    async fn run(&mut self, commands: Vec<Command>) -> Vec<Outcome> {
        let mut pending = Vec::new();
        for command in commands {
            let request = self.request(command);
            pending.push(self.session.submit(request).await);
        }
        let mut outcomes = Vec::new();
        for pending in pending {
            match pending.await {
                Answered::Final { answer, .. } => outcomes.push(answer.outcome),
                Answered::Refused { refusal, .. } => panic!("{refusal}"),
            }
        }
        outcomes
    }

    /// Takes everything out of the mailbox; how much it was.
    fn take_all(&mut self) -> usize {
        let mut taken = 0;
        while let Some(delivery) = self.mailbox.take(self.cursor.next()) {
            self.cursor = delivery.inbox_seq;
            taken += 1;
        }
        taken
    }
}

/// Microseconds of one message to a group of so many.
async fn cost(members: usize, are_connected: bool) -> f64 {
    let service = service();
    let app = service.authenticate_app(API_KEY).unwrap();
    let mut people = Vec::new();
    for n in 0..members {
        let user = UserId::new(&format!("member-{n}")).unwrap();
        let class = DeviceClass::Cli;
        let minted = service.mint_token(&app, user, None, class, String::new(), true).await;
        people.push(minted.unwrap());
    }
    let mut sender = Device::connect(&service, &people[0]).await;
    let group = create(&mut sender, &people).await;
    let mut receivers = Vec::new();
    for who in people.iter().skip(1).filter(|_| are_connected) {
        receivers.push(Device::connect(&service, who).await);
    }
    sender.take_all();
    let batches = (DELIVERIES / members / WINDOW).max(1);
    let say =
        || Command::SendMessage { to: Target::Conversation(group), content: Content::text(TEXT) };
    // The first batch fills the caches and is not counted.
    let mut start = Instant::now();
    let mut taken = 0;
    for batch in 0..=batches {
        if batch == 1 {
            (start, taken) = (Instant::now(), 0);
        }
        let outcomes = sender.run((0..WINDOW).map(|_| say()).collect()).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_))));
        sender.take_all();
        taken += receivers.iter_mut().map(Device::take_all).sum::<usize>();
    }
    let spent = start.elapsed().as_secs_f64();
    let messages = batches * WINDOW;
    assert_eq!(taken, messages * receivers.len(), "everybody who is connected gets everything");
    spent * 1e6 / messages as f64
}

/// A group of everybody.
async fn create(owner: &mut Device, people: &[SignedIn]) -> ConversationId {
    let create = Command::CreateGroup {
        title: "bench".to_owned(),
        members: people.iter().skip(1).map(|who| who.user.clone()).collect(),
        history_for_new_members: false,
    };
    // A whole window of commands, so that what follows is counted in windows.
    let read = || Command::MarkRead {
        at: Target::User(people[1].user.clone()),
        up_to: anser_types::Seq(0),
    };
    let mut commands = vec![create];
    commands.extend((1..WINDOW).map(|_| read()));
    let outcomes = owner.run(commands).await;
    match &outcomes[0] {
        Outcome::Done(done) => done.conversation.unwrap(),
        Outcome::Refused(refusal) => panic!("{refusal}"),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("fan-out of one message, {WINDOW} on their way, median of {ROUNDS} rounds");
    for members in GROUPS {
        let median = |are_connected| {
            let mut rounds: Vec<f64> =
                (0..ROUNDS).map(|_| runtime.block_on(cost(members, are_connected))).collect();
            rounds.sort_by(f64::total_cmp);
            rounds[ROUNDS / 2]
        };
        let (without, with) = (median(false), median(true));
        println!(
            "group of {members:>3}: {without:>7.1} µs per message with nobody connected, {with:>7.1} µs with everybody: \
             {:>5.0} ns per delivery",
            (with - without) * 1e3 / (members - 1) as f64
        );
    }
}
