//! A light client: the sans-IO core on one socket, with a store that forgets (it confirms at once and keeps nothing).

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anser_client::core::Core;
use anser_client::io::{AppEvent, Attempt, Input, MessageState, Now, Output};
use anser_client::queries::{Query, Reply};
use anser_types::limits::{INBOX_FANOUT_MAX, MEMBERS_PER_COMMAND};
use anser_types::{
    Command, Content, ConversationId, ErrorCode, LocalNo, MessageKind, Refusal, Seq, SetGroup,
    Target, UnixMs, UserId,
};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::body::{Sequence, Stamp};
use super::measure::Shared;
use super::way::{self, Stream, Way};

/// What the whole fleet does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Be connected, send nothing.
    Ready,
    /// Send as planned.
    Run,
    /// Send nothing more, receive what is on its way.
    Quiet,
    /// Drop the connection without a word and come back at once.
    Cut,
    /// Close the connection and stay away.
    Away,
    /// Read the conversation's history and count.
    Verify,
    /// Close and report.
    Stop,
}

/// What a client sends while the fleet runs.
pub enum Plan {
    /// Nothing.
    Listen,
    /// Makes a group of these users when it is connected, and reports its id once all of them are in it.
    MakeGroup {
        /// Who else is in it.
        members: Vec<UserId>,
        /// It is a channel.
        channel: bool,
    },
    /// Keeps this many messages unacknowledged, at most so many in all.
    Window {
        /// To whom.
        to: Target,
        /// How many at once.
        window: usize,
        /// How many in all.
        total: u64,
    },
    /// Sends whenever its pace says so.
    Paced {
        /// To whom.
        to: Target,
        /// When.
        pace: Rc<Pace>,
    },
}

/// Moments at which a client must send, filled by the fleet's pacer.
#[derive(Default)]
pub struct Pace {
    /// Intended send times that are due.
    pub due: RefCell<VecDeque<u64>>,
    /// Rung when there is one.
    pub bell: Notify,
}

/// What a client found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Its index in the fleet.
    pub index: u32,
    /// Messages acknowledged to it.
    pub acked: u64,
    /// What it received, by sender.
    pub received: BTreeMap<u32, Sequence>,
    /// What history held, by sender.
    pub in_history: BTreeMap<u32, u64>,
}

/// See the module's head.
pub struct LightClient {
    core: Core,
    way: Way,
    tally: Shared,
    plan: Plan,
    body_bytes: usize,
    link: Option<(Attempt, Box<dyn Stream>)>,
    in_session: bool,
    outgoing: BytesMut,
    waiting: VecDeque<(LocalNo, u64)>,
    counter: u64,
    made_group: Rc<RefCell<Option<ConversationId>>>,
    /// Of making a group, once it has a name.
    steps_left: Option<usize>,
    history_of: Option<Target>,
    outcome: Outcome,
}

impl LightClient {
    /// A client that is not connected yet. `made_group` is filled by [`Plan::MakeGroup`].
    pub fn new(
        index: u32,
        core: Core,
        way: Way,
        tally: Shared,
        plan: Plan,
        body_bytes: usize,
    ) -> Self {
        let history_of = match &plan {
            Plan::Window { to, .. } | Plan::Paced { to, .. } => Some(to.clone()),
            Plan::Listen | Plan::MakeGroup { .. } => None,
        };
        Self {
            core,
            way,
            tally,
            plan,
            body_bytes,
            link: None,
            in_session: false,
            outgoing: BytesMut::new(),
            waiting: VecDeque::new(),
            counter: 0,
            made_group: Rc::default(),
            steps_left: None,
            history_of,
            outcome: Outcome { index, ..Outcome::default() },
        }
    }

    /// Where the id of a group appears once [`Plan::MakeGroup`] has made it.
    pub fn made_group(&self) -> Rc<RefCell<Option<ConversationId>>> {
        Rc::clone(&self.made_group)
    }

    /// Lives until the fleet stops.
    pub async fn run(mut self, mut phase: watch::Receiver<Phase>) -> Outcome {
        let mut now_in = *phase.borrow_and_update();
        self.handle(Input::Start);
        self.enter(now_in);
        while now_in != Phase::Stop {
            if now_in == Phase::Run {
                self.compose_what_is_due();
            }
            self.drive().await;
            let pace = match &self.plan {
                Plan::Paced { pace, .. } => Some(Rc::clone(pace)),
                _ => None,
            };
            let wake = self.core.next_timer().map(|at| Instant::from_std(self.tally.started + at));
            tokio::select! {
                biased;
                // The sender outlives the fleet: `changed` cannot fail before Stop.
                Ok(()) = phase.changed() => {
                    now_in = *phase.borrow_and_update();
                    self.enter(now_in);
                }
                came = way::read(self.link.as_mut().map(|(_, stream)| stream)) => self.came(came),
                () = rung(pace.as_deref()), if now_in == Phase::Run => {}
                () = until(wake) => self.handle(Input::Timer),
            }
        }
        self.handle(Input::Stop);
        self.drive().await;
        self.outcome
    }

    fn enter(&mut self, phase: Phase) {
        match phase {
            Phase::Cut => {
                if let Some((attempt, _dropped)) = self.link.take() {
                    self.outgoing.clear();
                    self.handle(Input::Closed { attempt, detail: "cut".to_owned() });
                    self.handle(Input::NetworkChanged { network: String::new() });
                }
            }
            Phase::Verify => self.ask_history(Seq::ZERO),
            Phase::Run => {
                if let Plan::MakeGroup { members, .. } = &self.plan {
                    let first = members.len().min(INBOX_FANOUT_MAX - 1);
                    let command = Command::CreateGroup {
                        title: "bench".to_owned(),
                        members: members[..first].to_vec(),
                        history_for_new_members: false,
                    };
                    self.ask(command);
                }
            }
            Phase::Away => self.handle(Input::Stop),
            Phase::Ready => self.handle(Input::Start),
            Phase::Quiet | Phase::Stop => {}
        }
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            mono: self.tally.started.elapsed(),
            wall: UnixMs(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        self.core.handle_input(input, now);
    }

    fn refused(&self, refusal: &Refusal) {
        tracing::warn!(client = self.outcome.index, %refusal, "not sent");
        self.tally.count(|counts| counts.failed += 1);
    }

    fn ask(&mut self, command: Command) {
        if let Err(refusal) = self.core.compose(command, self.now()) {
            self.refused(&refusal);
        }
    }

    /// A step of making a group is done: the first one names it, and the others follow from that.
    fn group_step_done(&mut self, conversation: Option<ConversationId>) {
        let Plan::MakeGroup { members, channel } = &self.plan else { return };
        let Some(conversation) = conversation else { return };
        match &mut self.steps_left {
            Some(left) => *left = left.saturating_sub(1),
            None => {
                let mut steps = Vec::new();
                if *channel {
                    let set = SetGroup { channel: true, ..SetGroup::default() };
                    steps.push(Command::UpdateGroup { conversation, set });
                }
                let rest = members.get(INBOX_FANOUT_MAX - 1..).unwrap_or_default();
                let invites = rest
                    .chunks(MEMBERS_PER_COMMAND)
                    .map(|users| Command::Invite { conversation, users: users.to_vec() });
                steps.extend(invites);
                self.steps_left = Some(steps.len());
                steps.into_iter().for_each(|step| self.ask(step));
            }
        }
        if self.steps_left == Some(0) {
            *self.made_group.borrow_mut() = Some(conversation);
        }
    }

    fn compose_what_is_due(&mut self) {
        match &self.plan {
            Plan::Listen | Plan::MakeGroup { .. } => {}
            Plan::Window { to, window, total } => {
                let (to, window, total) = (to.clone(), *window, *total);
                while self.waiting.len() < window && self.counter < total {
                    let intended = self.tally.now_ns();
                    self.compose(to.clone(), intended);
                }
            }
            Plan::Paced { to, pace } => {
                let (to, pace) = (to.clone(), Rc::clone(pace));
                while let Some(intended) = { pace.due.borrow_mut().pop_front() } {
                    self.compose(to.clone(), intended);
                }
            }
        }
    }

    fn compose(&mut self, to: Target, intended_ns: u64) {
        self.counter += 1;
        let stamp = Stamp { sender: self.outcome.index, counter: self.counter, intended_ns };
        let content = Content {
            kind: MessageKind::Custom,
            body: stamp.encode(self.body_bytes),
            mentions: Vec::new(),
            mention_all: false,
            reply_to: None,
            expires_at: None,
            burn_after_ms: None,
            files: Vec::new(),
            forwarded: None,
        };
        match self.core.compose(Command::SendMessage { to, content }, self.now()) {
            Ok(local_no) => self.waiting.push_back((local_no, intended_ns)),
            Err(refusal) => self.refused(&refusal),
        }
        self.tally.count(|counts| counts.composed += 1);
    }

    /// Does what the core asks until it asks for nothing, then writes what is to be sent in one go.
    async fn drive(&mut self) {
        loop {
            let Some(output) = self.core.poll_output() else {
                if self.outgoing.is_empty() {
                    return;
                }
                self.write().await;
                continue;
            };
            match output {
                Output::Connect { attempt, .. } => self.connect(attempt).await,
                Output::Transmit { attempt, bytes } => {
                    if self.link.as_ref().is_some_and(|(current, _)| *current == attempt) {
                        self.outgoing.extend_from_slice(&bytes);
                    }
                }
                Output::Disconnect { attempt } => {
                    self.write().await;
                    self.link.take_if(|(current, _)| *current == attempt);
                }
                Output::Persist { ticket, .. } => self.handle(Input::Persisted { ticket }),
                // It was told where the server is.
                Output::AskEndpointList => {}
                Output::Event(event) => self.hear(event),
                Output::QueryDone { result, .. } => self.count_history(result),
            }
        }
    }

    async fn connect(&mut self, attempt: Attempt) {
        self.outgoing.clear();
        let connecting =
            tokio::time::timeout(Duration::from_secs(10), self.way.open(self.outcome.index));
        match connecting.await {
            Ok(Ok(stream)) => {
                self.link = Some((attempt, stream));
                self.handle(Input::Opened { attempt, by: None });
            }
            Ok(Err(error)) => self.handle(Input::Failed { attempt, detail: error.to_string() }),
            Err(_) => self.handle(Input::Failed { attempt, detail: "no answer".to_owned() }),
        }
    }

    async fn write(&mut self) {
        let Some((attempt, stream)) = &mut self.link else {
            self.outgoing.clear();
            return;
        };
        let attempt = *attempt;
        let bytes = self.outgoing.split();
        self.tally.count(|counts| counts.bytes += bytes.len() as u64);
        let wrote = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        if let Err(error) = wrote.await {
            self.link = None;
            self.handle(Input::Closed { attempt, detail: error.to_string() });
        }
    }

    fn came(&mut self, came: io::Result<Bytes>) {
        let Some((attempt, _)) = &self.link else { return };
        let attempt = *attempt;
        let ended = match came {
            Err(error) => error.to_string(),
            Ok(bytes) if bytes.is_empty() => "closed by the server".to_owned(),
            Ok(bytes) => {
                self.tally.count(|counts| counts.bytes += bytes.len() as u64);
                return self.handle(Input::Bytes { attempt, bytes });
            }
        };
        self.link = None;
        self.handle(Input::Closed { attempt, detail: ended });
    }

    fn hear(&mut self, event: AppEvent) {
        match event {
            AppEvent::NewMessage { message, .. } => {
                let stamp =
                    message.content.as_ref().and_then(|content| Stamp::decode(&content.body));
                if let Some(stamp) = stamp.filter(|stamp| stamp.sender != self.outcome.index) {
                    self.outcome.received.entry(stamp.sender).or_default().note(stamp.counter);
                    self.tally.delivered(&stamp);
                }
            }
            AppEvent::MessageStateChanged { id, state, .. } => self.settle(id.local_no, &state),
            AppEvent::CommandDone { outcome, .. } => match outcome {
                Ok(done) => self.group_step_done(done.conversation),
                Err(refusal) => self.refused(&refusal),
            },
            AppEvent::Connected { .. } => {
                self.in_session = true;
                self.tally.count(|counts| counts.connected += 1);
            }
            AppEvent::SyncFinished => self.tally.count(|counts| counts.synced += 1),
            AppEvent::Disconnected { reason, .. } => {
                let turned_away =
                    matches!(reason.code, ErrorCode::Overloaded | ErrorCode::TooManyConnections);
                let lost = std::mem::take(&mut self.in_session);
                self.tally.count(|counts| {
                    counts.disconnected += u64::from(lost);
                    counts.turned_away += u64::from(turned_away);
                });
            }
            AppEvent::KickedOffline { reason } | AppEvent::TokenExpired { reason } => {
                self.refused(&reason);
            }
            _ => {}
        }
    }

    fn settle(&mut self, local_no: LocalNo, state: &MessageState) {
        let Some(place) = self.waiting.iter().position(|(waiting, _)| *waiting == local_no) else {
            return;
        };
        match state {
            MessageState::Sent { .. } => {
                if let Some((_, intended)) = self.waiting.remove(place) {
                    self.outcome.acked += 1;
                    self.tally.acked(intended);
                }
            }
            MessageState::Failed { reason, .. } => {
                self.waiting.remove(place);
                self.refused(reason);
            }
            MessageState::Queued | MessageState::Sending => {}
        }
    }

    fn ask_history(&mut self, after: Seq) {
        if let Some(of) = self.history_of.clone() {
            let query =
                Query::History { of, after, before: Seq::ZERO, limit: 500, oldest_first: true };
            let now = self.now();
            self.core.query(query, now);
        }
    }

    fn count_history(&mut self, result: Result<Reply, Refusal>) {
        match result {
            Ok(Reply::History { messages, more, .. }) => {
                for stamp in messages
                    .iter()
                    .filter_map(|message| Stamp::decode(&message.content.as_ref()?.body))
                {
                    *self.outcome.in_history.entry(stamp.sender).or_default() += 1;
                }
                match messages.last() {
                    Some(last) if more => self.ask_history(last.seq),
                    _ => self.history_of = None,
                }
            }
            Ok(_) => {}
            Err(refusal) => {
                self.refused(&refusal);
                self.history_of = None;
            }
        }
        if self.history_of.is_none() {
            self.tally.count(|counts| counts.verified += 1);
        }
    }
}

async fn rung(pace: Option<&Pace>) {
    match pace {
        Some(pace) => pace.bell.notified().await,
        None => std::future::pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
