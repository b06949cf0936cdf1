//! The simulated network between devices and the server: delay, arbitrary cuts, stalls, and a server that is gone.

use std::sync::Arc;
use std::time::Duration;

use anser_client::io::Attempt;
use anser_gateway::conn::{self, Settings, Stream};
use anser_service::Service;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::entropy::Seeded;

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
}

impl Weather {
    /// Fast and faultless.
    pub const FAIR: Self = Self { delay_ms: 5, cut: 0, stall: 0, refuse: 0 };
    /// A train in the mountains.
    pub const FOUL: Self = Self { delay_ms: 400, cut: 2, stall: 1, refuse: 10 };
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
}

struct State {
    weather: Weather,
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
    pub fn new(random: Arc<Seeded>, weather: Weather) -> Self {
        Self { state: Arc::new(Mutex::new(State { weather, server: None })), random }
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
    pub fn connect(&self, attempt: Attempt, host: mpsc::Sender<Heard>) {
        let network = self.clone();
        tokio::spawn(async move { network.open(attempt, host).await });
    }

    async fn open(self, attempt: Attempt, host: mpsc::Sender<Heard>) {
        sleep(self.delay()).await;
        let (weather, server) = {
            let state = self.state.lock();
            (state.weather, state.server.clone())
        };
        let server = server.filter(|_| !self.random.chance(weather.refuse));
        let Some(server) = server else {
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
        let cut = CancellationToken::new();
        let (reading, writing) = split(near);
        if host.send(Heard::Opened(attempt, sender)).await.is_err() {
            return;
        }
        let up = self.clone().carry_up(receiver, writing, life.clone(), cut.clone());
        tokio::spawn(up);
        self.carry_down(attempt, reading, host, life, cut).await;
    }

    /// From the device to the server.
    async fn carry_up(
        self,
        mut from: mpsc::Receiver<Bytes>,
        mut to: WriteHalf<DuplexStream>,
        life: CancellationToken,
        cut: CancellationToken,
    ) {
        loop {
            let chunk = tokio::select! {
                biased;
                () = cut.cancelled() => return,
                () = life.cancelled() => break,
                chunk = from.recv() => chunk,
            };
            let Some(chunk) = chunk else { break };
            sleep(self.delay()).await;
            let (chunk, is_last) = self.maybe_cut(chunk);
            if to.write_all(&chunk).await.is_err() || is_last {
                break;
            }
        }
        cut.cancel();
    }

    /// From the server to the device.
    async fn carry_down(
        self,
        attempt: Attempt,
        mut from: ReadHalf<DuplexStream>,
        host: mpsc::Sender<Heard>,
        life: CancellationToken,
        cut: CancellationToken,
    ) {
        let mut buffer = vec![0; 4096];
        loop {
            let read = tokio::select! {
                biased;
                () = cut.cancelled() => break,
                () = life.cancelled() => break,
                read = from.read(&mut buffer) => read.unwrap_or_default(),
            };
            if read == 0 {
                break;
            }
            sleep(self.delay()).await;
            let (chunk, is_last) = self.maybe_cut(Bytes::copy_from_slice(&buffer[..read]));
            if host.send(Heard::Bytes(attempt, chunk)).await.is_err() || is_last {
                break;
            }
        }
        cut.cancel();
        // A host that is gone needs no news.
        let _gone = host.send(Heard::Closed(attempt)).await;
    }

    fn delay(&self) -> Duration {
        let weather = self.state.lock().weather;
        let longest = if self.random.chance(weather.stall) { 60_000 } else { weather.delay_ms };
        Duration::from_millis(self.random.below(longest + 1))
    }

    fn maybe_cut(&self, chunk: Bytes) -> (Bytes, bool) {
        let weather = self.state.lock().weather;
        if !self.random.chance(weather.cut) {
            return (chunk, false);
        }
        let kept = usize::try_from(self.random.below(chunk.len() as u64 + 1)).unwrap_or_default();
        (chunk.slice(..kept), true)
    }
}
