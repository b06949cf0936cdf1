//! The simulated network between devices and the server: delay, arbitrary cuts, stalls, frames that come twice, devices
//! without a network, and a server that is gone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anser_client::io::Attempt;
use anser_gateway::conn::{self, Settings, Stream};
use anser_proto::codec::FrameDecoder;
use anser_service::Service;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::checker::BodyHash;
use crate::coverage::{Coverage, Rare};
use crate::entropy::Seeded;
use crate::trace::Trace;

/// The longest time a stalled chunk waits.
const STALL_MS: u64 = 60_000;
/// Larger than any frame.
const FRAME_LIMIT: usize = 1 << 20;
/// Bytes under way in one direction before the sender must wait.
const PIPE_BYTES: usize = 16 * 1024;
/// Chunks under way between a host and its connection.
const PIPE_CHUNKS: usize = 64;

/// How bad the network is; probabilities in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// The longest delay of a chunk.
    pub delay_ms: u64,
    /// Chance that a chunk is the last one: the connection is cut somewhere inside it.
    pub cut: u64,
    /// Chance that a chunk waits for up to a minute.
    pub stall: u64,
    /// Chance that a connection attempt fails.
    pub refuse: u64,
    /// Chance that a chunk of whole frames comes twice.
    pub twice: u64,
}

impl Weather {
    /// Fast and faultless.
    pub const FAIR: Self = Self { delay_ms: 5, cut: 0, stall: 0, refuse: 0, twice: 0 };
    /// A train in the mountains.
    pub const FOUL: Self = Self { delay_ms: 400, cut: 2, stall: 1, refuse: 10, twice: 2 };
}

/// A device's own way into the network.
#[derive(Debug, Default)]
pub struct Plug(Mutex<(bool, CancellationToken)>);

impl Plug {
    /// Pulls it (every connection breaks, none comes about) or puts it back.
    pub fn set_pulled(&self, pulled: bool) {
        let mut state = self.0.lock();
        if pulled {
            state.1.cancel();
            state.1 = CancellationToken::new();
        }
        state.0 = pulled;
    }

    /// Whether it is pulled.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.0.lock().0
    }

    /// Ends when it is pulled the next time; `None` while it is.
    fn connection(&self) -> Option<CancellationToken> {
        let state = self.0.lock();
        (!state.0).then(|| state.1.child_token())
    }
}

/// What a host hears of its connection.
#[derive(Debug)]
pub enum Heard {
    /// It can be used: send chunks here.
    Opened(Attempt, mpsc::Sender<Bytes>),
    /// It did not come about.
    Failed(Attempt),
    /// Bytes came.
    Bytes(Attempt, Bytes),
    /// It is gone.
    Closed(Attempt),
}

/// See the module's head. Clones share one network.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
    random: Arc<Seeded>,
    coverage: Coverage,
    trace: Trace,
}

struct State {
    weather: Weather,
    connections: u64,
    server: Option<Listening>,
}

#[derive(Clone)]
struct Listening {
    service: Arc<Service>,
    settings: Arc<Settings>,
    /// Everything the server's process owns ends with it.
    life: CancellationToken,
}

impl Network {
    /// A network without a server.
    #[must_use]
    pub fn new(random: Arc<Seeded>, coverage: Coverage, trace: Trace) -> Self {
        let state = State { weather: Weather::FAIR, connections: 0, server: None };
        Self { state: Arc::new(Mutex::new(state)), random, coverage, trace }
    }

    /// Changes the weather for everything that is sent from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.state.lock().weather = weather;
    }

    /// Connections reach this service until the returned token is cancelled.
    #[must_use]
    pub fn listen(&self, service: Arc<Service>, settings: Settings) -> CancellationToken {
        let life = CancellationToken::new();
        let listening = Listening { service, settings: Arc::new(settings), life: life.clone() };
        self.state.lock().server = Some(listening);
        life
    }

    /// The server's process is gone, at this instant: what it had not handed to the network never leaves.
    pub fn server_died(&self) {
        if let Some(server) = self.state.lock().server.take() {
            server.life.cancel();
        }
    }

    /// Opens a connection in the background; the host hears how it went.
    pub fn connect(&self, attempt: Attempt, plug: Arc<Plug>, host: mpsc::Sender<Heard>) {
        let network = self.clone();
        tokio::spawn(async move { network.open(attempt, plug, host).await });
    }

    async fn open(self, attempt: Attempt, plug: Arc<Plug>, host: mpsc::Sender<Heard>) {
        sleep(self.delay()).await;
        let (weather, server) = {
            let mut state = self.state.lock();
            state.connections += 1;
            (state.weather, state.server.clone())
        };
        let refused = self.random.chance(weather.refuse);
        if refused {
            self.coverage.note(Rare::Refused);
        }
        let (Some(server), Some(cut), false) = (server, plug.connection(), refused) else {
            // A host that is gone needs no answer.
            let _gone = host.send(Heard::Failed(attempt)).await;
            return;
        };
        let (near, far) = duplex(PIPE_BYTES);
        let life = server.life.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = server.life.cancelled() => {}
                _farewell = conn::run(Stream(far), server.service, server.settings) => {}
            }
        });
        let (sender, receiver) = mpsc::channel(PIPE_CHUNKS);
        let (reading, writing) = split(near);
        if host.send(Heard::Opened(attempt, sender)).await.is_err() {
            return;
        }
        let up = Line::new(&self, "up", life.clone(), cut.clone());
        tokio::spawn(up.carry_up(receiver, writing));
        Line::new(&self, "down", life, cut).carry_down(attempt, reading, host).await;
    }

    fn delay(&self) -> Duration {
        let weather = self.state.lock().weather;
        let longest = if self.random.chance(weather.stall) {
            self.coverage.note(Rare::Stalled);
            STALL_MS
        } else {
            weather.delay_ms
        };
        Duration::from_millis(self.random.below(longest + 1))
    }
}

/// One direction of one connection.
struct Line {
    network: Network,
    number: u64,
    direction: &'static str,
    /// Everything the server's process owns ends with it.
    life: CancellationToken,
    /// The connection is cut.
    cut: CancellationToken,
    /// Finds the borders of frames.
    frames: FrameDecoder,
    begun: bool,
}

/// What the network makes of a chunk.
struct Fate {
    chunk: Bytes,
    twice: bool,
    is_last: bool,
}

impl Line {
    fn new(
        network: &Network,
        direction: &'static str,
        life: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        let number = network.state.lock().connections;
        let frames = FrameDecoder::new(FRAME_LIMIT);
        Self { network: network.clone(), number, direction, life, cut, frames, begun: false }
    }

    /// From the device to the server.
    async fn carry_up(mut self, mut from: mpsc::Receiver<Bytes>, mut to: WriteHalf<DuplexStream>) {
        loop {
            let chunk = tokio::select! {
                biased;
                () = self.cut.cancelled() => return,
                () = self.life.cancelled() => break,
                chunk = from.recv() => chunk,
            };
            let Some(chunk) = chunk else { break };
            sleep(self.network.delay()).await;
            let fate = self.decide(chunk);
            let mut written = to.write_all(&fate.chunk).await;
            if fate.twice && written.is_ok() {
                written = to.write_all(&fate.chunk).await;
            }
            if written.is_err() || fate.is_last {
                break;
            }
        }
        self.cut.cancel();
    }

    /// From the server to the device.
    async fn carry_down(
        mut self,
        attempt: Attempt,
        mut from: ReadHalf<DuplexStream>,
        host: mpsc::Sender<Heard>,
    ) {
        let mut buffer = vec![0; 4096];
        loop {
            let read = tokio::select! {
                biased;
                () = self.cut.cancelled() => break,
                () = self.life.cancelled() => break,
                read = from.read(&mut buffer) => read.unwrap_or_default(),
            };
            if read == 0 {
                break;
            }
            sleep(self.network.delay()).await;
            let fate = self.decide(Bytes::copy_from_slice(&buffer[..read]));
            let mut gone = host.send(Heard::Bytes(attempt, fate.chunk.clone())).await.is_err();
            if fate.twice && !gone {
                gone = host.send(Heard::Bytes(attempt, fate.chunk)).await.is_err();
            }
            if gone || fate.is_last {
                break;
            }
        }
        self.cut.cancel();
        // A host that is gone needs no news.
        let _gone = host.send(Heard::Closed(attempt)).await;
    }

    fn decide(&mut self, chunk: Bytes) -> Fate {
        let Network { random, coverage, trace, state } = &self.network;
        let weather = state.lock().weather;
        let is_last = random.chance(weather.cut);
        let kept = random.below(chunk.len() as u64 + 1);
        let chunk = match usize::try_from(kept) {
            Ok(kept) if is_last => chunk.slice(..kept),
            _ => chunk,
        };
        let whole = self.frames.pending_bytes() == 0;
        self.frames.push(&chunk);
        while let Ok(Some(_)) = self.frames.next() {}
        let whole = whole && self.frames.pending_bytes() == 0;
        // Hello and Welcome are said once: a second one is rightly an error.
        let twice = self.begun && whole && !is_last && random.chance(weather.twice);
        self.begun = true;
        if twice {
            coverage.note(Rare::FrameDuplicated);
        }
        if is_last && self.frames.pending_bytes() > 0 {
            coverage.note(Rare::CutMidFrame);
        }
        trace.note(format_args!(
            "net {} {} {} bytes {}{}{}",
            self.number,
            self.direction,
            chunk.len(),
            Fingerprint(&chunk),
            if twice { " twice" } else { "" },
            if is_last { " cut" } else { "" }
        ));
        Fate { chunk, twice, is_last }
    }
}

/// A chunk as the trace shows it; worked out only if the trace is kept.
struct Fingerprint<'a>(&'a [u8]);

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", BodyHash::of(self.0))
    }
}
