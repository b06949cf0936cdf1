//! The loop around the model: terminal, client and clock in, effects and screens out.

use std::time::{Duration, Instant};

use anser_sdk::{Client, ConnectionState, Events, SystemClock};
use anser_types::{Clock, ErrorCode, Refusal, Target, UserId};
use clap::Args;
use crossterm::event::{Event as TerminalEvent, EventStream, KeyEventKind};
use futures::StreamExt;
use tokio::sync::{mpsc, watch};

use super::model::{Model, Setting};
use super::opening;
use super::palette::Palette;
use super::screen::Screen;
use super::step::{Effect, Input, Link, Now};
use super::texts::{Language, Texts};
use super::times::LocalTimes;
use super::update::update;
use super::view;
use super::work::{self, Worker};
use crate::identity::{self, Purpose, Who};
use crate::signals;

/// Countdowns and fading notices move this often.
const TICK: Duration = Duration::from_secs(1);
/// Inputs taken before the screen is drawn again.
const INPUTS_PER_SCREEN: usize = 256;
/// How long the end may take; what was not sent is kept either way.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Chat in the terminal.
#[derive(Args, Clone, Debug)]
pub struct ChatOptions {
    /// As whom.
    #[command(flatten)]
    pub who: Who,
    /// Open the conversation with this user
    #[arg(long, value_name = "USER")]
    pub to: Option<UserId>,
    /// The language: en or zh (default: that of LC_ALL or LANG)
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<Language>,
}

/// Runs the chat until the user ends it.
///
/// # Errors
/// Why it cannot begin, or what the terminal says.
pub async fn run(options: ChatOptions) -> anyhow::Result<()> {
    if !Screen::is_possible() {
        let why = "chat needs a terminal; in scripts use 'anser send' and 'anser tail'";
        return Err(Refusal::because(ErrorCode::InvalidArgument, why).into());
    }
    let place = options.who.place.find()?;
    let client = identity::open(&options.who, &place, Purpose::Chat).await?;
    let language = options.lang.unwrap_or_else(|| Language::of_environment(identity::variable));
    let setting = Setting {
        me: options.who.user.clone(),
        server: place.shown,
        texts: Texts(language),
        palette: Palette::new(identity::variable("NO_COLOR").is_none_or(|value| value.is_empty())),
        times: LocalTimes::system(),
    };
    let result = talk(&client, setting, options.to).await;
    // The screen is given back by now: whoever waits sees the shell.
    if tokio::time::timeout(CLOSE_WITHIN, client.close()).await.is_err() {
        tracing::warn!("the client did not close in time");
    }
    result
}

/// What the loop waits for.
struct Shell {
    started: Instant,
    results: mpsc::Receiver<Input>,
    link: watch::Receiver<ConnectionState>,
    keys: EventStream,
}

async fn talk(client: &Client, setting: Setting, to: Option<UserId>) -> anyhow::Result<()> {
    let mut screen = Screen::take()?;
    let started = Instant::now();
    let (results_from, results) = mpsc::channel(work::RESULTS);
    let listening = tokio::spawn(listen(client.events(), results_from.clone()));
    let worker = Worker::start(client.clone(), results_from);
    let mut shell =
        Shell { started, results, link: client.watch_state(), keys: EventStream::new() };
    let size = screen.terminal.size()?;
    let mut model = Model::new(setting, shell.now(), (size.width, size.height));
    let mut first = Vec::new();
    if let Some(peer) = to {
        opening::open(&mut model, Target::User(peer), &mut first);
    }
    let mut inputs: Vec<Input> = begin_all(first, &worker).collect();
    inputs.push(shell.link_now());
    let ended = signals::asked_to_end();
    tokio::pin!(ended);
    let result = loop {
        if shell.take_in(inputs, &mut model, &worker) {
            break Ok(());
        }
        screen.terminal.draw(|frame| view::draw(&model, frame))?;
        tokio::select! {
            biased;
            () = &mut ended => break Ok(()),
            next = shell.next() => match next {
                Ok(next) => inputs = next,
                Err(error) => break Err(error.into()),
            },
        }
    };
    listening.abort();
    if let Some((at, text)) = opening::unkept_draft(&model)
        && let Err(error) = work::keep_draft(client, at, text).await
    {
        tracing::warn!(%error, "what was begun could not be kept");
    }
    result
}

/// Begins effects; gives back those there was no room for.
fn begin_all(effects: Vec<Effect>, worker: &Worker) -> impl Iterator<Item = Input> {
    effects.into_iter().filter_map(|effect| worker.begin(effect))
}

/// Hands the client's events to the model. Taking the next one confirms the one before: the model has it, and what it
/// tells of is in the store.
async fn listen(mut events: Events, results: mpsc::Sender<Input>) {
    loop {
        let input = match events.try_next().await {
            Ok(Some(delivery)) => Input::Event(Box::new(delivery.event().clone())),
            Ok(None) => return,
            Err(error) => {
                // The store may come back (a full disk is emptied); the user is told by the client's own event.
                tracing::warn!(%error, "events cannot be read from the local store");
                tokio::time::sleep(TICK).await;
                continue;
            }
        };
        if results.send(input).await.is_err() {
            return;
        }
    }
}

impl Shell {
    fn now(&self) -> Now {
        Now { wall: SystemClock.now(), mono: self.started.elapsed() }
    }

    /// Steps through the inputs and what comes of them; true when the chat ends.
    fn take_in(&self, inputs: Vec<Input>, model: &mut Model, worker: &Worker) -> bool {
        let mut waiting = std::collections::VecDeque::from(inputs);
        while let Some(input) = waiting.pop_front() {
            for effect in update(model, input, self.now()) {
                if effect == Effect::Quit {
                    return true;
                }
                waiting.extend(worker.begin(effect));
            }
        }
        false
    }

    /// Waits for something to happen and takes what else is there already.
    async fn next(&mut self) -> std::io::Result<Vec<Input>> {
        let mut inputs = Vec::new();
        tokio::select! {
            biased;
            key = self.keys.next() => match key {
                Some(event) => inputs.extend(input_of(event?)),
                None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            },
            changed = self.link.changed() => {
                // An error means that the client is closed: its last state says so.
                drop(changed);
                inputs.push(self.link_now());
            }
            Some(input) = self.results.recv() => inputs.push(input),
            () = tokio::time::sleep(TICK) => inputs.push(Input::Tick),
        }
        while inputs.len() < INPUTS_PER_SCREEN
            && let Ok(input) = self.results.try_recv()
        {
            inputs.push(input);
        }
        Ok(inputs)
    }

    fn link_now(&mut self) -> Input {
        let state = self.link.borrow_and_update().clone();
        Input::Link(match state {
            ConnectionState::Offline => Link::Offline,
            ConnectionState::Connecting => Link::Connecting,
            ConnectionState::Connected => Link::Connected,
            ConnectionState::Disconnected { retry_at, reason } => {
                let retry_at = retry_at.map(|at| at.saturating_duration_since(self.started));
                Link::Waiting { retry_at, reason }
            }
            ConnectionState::KickedOffline { reason } => Link::Kicked(reason),
            ConnectionState::SignInNeeded { reason } => Link::SignInNeeded(reason),
        })
    }
}

fn input_of(event: TerminalEvent) -> Option<Input> {
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => Some(Input::Key(key)),
        TerminalEvent::Paste(text) => Some(Input::Paste(text)),
        TerminalEvent::Resize(columns, rows) => Some(Input::Resized(columns, rows)),
        TerminalEvent::FocusGained => Some(Input::Focused(true)),
        TerminalEvent::FocusLost => Some(Input::Focused(false)),
        _ => None,
    }
}
