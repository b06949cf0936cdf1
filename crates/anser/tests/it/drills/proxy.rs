//! The fault proxy: a TCP relay in user space that sees frames and treats each as the weather says.
//!
//! It also sets traps: the n-th packet of a kind is held back, cut in half or passed on, and then the trap snaps. Until
//! its owner has done what it wanted (killed the server), nothing else passes in that direction.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anser_proto::codec::FrameDecoder;
use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::weather::{Climate, Deed, Packet};

/// Larger than any frame either side may send.
const FRAME_MAX: usize = 4 * 1024 * 1024;

/// How much of the trapped packet is passed on before the trap snaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Nothing,
    Half,
    All,
}

/// A packet that is waited for.
struct Trap {
    packet: Packet,
    /// How many of the kind are let through first.
    skip: usize,
    share: Share,
    snapped: oneshot::Sender<()>,
}

/// What all connections share.
struct Shared {
    upstream: SocketAddr,
    climate: Mutex<Climate>,
    trap: Mutex<Option<Trap>>,
    random: Mutex<SmallRng>,
    /// Counts up when all connections must end.
    era: watch::Sender<u64>,
    deeds: Mutex<Vec<Deed>>,
    /// Frames are taken and not passed on, for everybody: a network that is gone without a word.
    silent: Mutex<bool>,
}

/// A relay to one address. It ends with its value.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(upstream: SocketAddr, random: &mut SmallRng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            climate: Mutex::new(Climate::CALM),
            trap: Mutex::new(None),
            random: Mutex::new(SmallRng::seed_from_u64(random.random())),
            era: watch::Sender::new(0),
            deeds: Mutex::default(),
            silent: Mutex::new(false),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where clients connect.
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// What frames go through from now on.
    pub fn weather(&self, climate: Climate) {
        *self.shared.climate.lock() = climate;
    }

    /// From now on all bytes vanish and nobody is told: every connection is half open.
    pub fn fall_silent(&self, silent: bool) {
        *self.shared.silent.lock() = silent;
    }

    /// Ends every connection; new ones are taken.
    pub fn drop_all(&self) {
        self.shared.era.send_modify(|era| *era += 1);
    }

    /// Faults so far.
    pub fn deeds(&self) -> Vec<Deed> {
        self.shared.deeds.lock().clone()
    }

    /// Waits for the n-th packet of a kind from now on.
    pub fn trap(&self, packet: Packet, skip: usize, share: Share) -> oneshot::Receiver<()> {
        let (snapped, snaps) = oneshot::channel();
        *self.shared.trap.lock() = Some(Trap { packet, skip, share, snapped });
        snaps
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.drop_all();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(relay(client, Arc::clone(&shared)));
    }
}

/// One connection, until either side ends it, a fault does, or the proxy goes.
async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let mut era = shared.era.subscribe();
    era.mark_unchanged();
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut up = Lane { from: from_client, to: to_server, of: Packet::of_client, shared: &shared };
    let mut down =
        Lane { from: from_server, to: to_client, of: Packet::of_server, shared: &shared };
    let end = tokio::select! {
        biased;
        // An error means that the proxy itself has gone.
        _gone = era.changed() => End::Closed,
        end = up.run() => end,
        end = down.run() => end,
    };
    if end == End::Reset {
        for side in [&up.to, &down.to] {
            side.as_ref().set_zero_linger().unwrap();
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

/// One direction of one connection.
struct Lane<'a> {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    of: fn(&Bytes) -> Packet,
    shared: &'a Shared,
}

impl Lane<'_> {
    async fn run(&mut self) -> End {
        let mut decoder = FrameDecoder::new(FRAME_MAX);
        let mut chunk = vec![0; 16 * 1024];
        loop {
            match self.from.read(&mut chunk).await {
                Ok(0) | Err(_) => return End::Closed,
                Ok(read) => decoder.push(&chunk[..read]),
            }
            while let Some(frame) = decoder.next().expect("both sides send whole frames") {
                if let Err(end) = self.pass(frame).await {
                    return end;
                }
            }
        }
    }

    async fn pass(&mut self, body: Bytes) -> Result<(), End> {
        let packet = (self.of)(&body);
        let frame = with_length(&body);
        if let Some(trap) = self.trap_for(packet) {
            let share = match trap.share {
                Share::Nothing => 0,
                Share::Half => frame.len() / 2,
                Share::All => frame.len(),
            };
            self.write(&frame[..share]).await?;
            // Whoever set the trap may have given up waiting.
            let _nobody_waits = trap.snapped.send(());
            return std::future::pending().await;
        }
        if *self.shared.silent.lock() {
            return std::future::pending().await;
        }
        let deed = {
            let climate = *self.shared.climate.lock();
            climate.next(&mut self.shared.random.lock(), frame.len())
        };
        if deed != Deed::Pass {
            self.shared.deeds.lock().push(deed);
        }
        match deed {
            Deed::Pass => self.write(&frame).await,
            Deed::Delay(time) => {
                tokio::time::sleep(time).await;
                self.write(&frame).await
            }
            Deed::Throttle(bytes_a_second) => {
                for piece in frame.chunks(64) {
                    self.write(piece).await?;
                    let seconds = piece.len() as f64 / f64::from(bytes_a_second);
                    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                }
                Ok(())
            }
            Deed::Cut(bytes) => {
                self.write(&frame[..bytes]).await?;
                Err(End::Closed)
            }
            Deed::Stall => std::future::pending().await,
            Deed::Reset => Err(End::Reset),
            Deed::Duplicate => {
                self.write(&frame).await?;
                self.write(&frame).await
            }
        }
    }

    /// The trap, if it waited for this packet.
    fn trap_for(&self, packet: Packet) -> Option<Trap> {
        let mut set = self.shared.trap.lock();
        let trap = set.as_mut().filter(|trap| trap.packet == packet)?;
        if trap.skip > 0 {
            trap.skip -= 1;
            return None;
        }
        set.take()
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.to.write_all(bytes).await.map_err(|_| End::Closed)
    }
}

/// The frame as it came: its length as a varint, then its body.
fn with_length(body: &Bytes) -> Bytes {
    let mut frame = BytesMut::with_capacity(body.len() + 5);
    prost::encode_length_delimiter(body.len(), &mut frame).unwrap();
    frame.put_slice(body);
    frame.freeze()
}
