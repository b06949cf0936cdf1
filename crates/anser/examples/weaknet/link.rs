//! A phone's link: a relay on this machine that carries what the phone says to the server and back as its weather has it.
//! TCP connections pass through [`streams`](super::streams), datagrams through [`packets`](super::packets).

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::tally::{Meter, Tally};
use super::weather::Weather;
use super::wire::Wires;
use super::{packets, streams};

/// Any free port of this machine.
const HERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// What a link carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    Streams,
    Datagrams,
}

/// A link. It ends, with all its connections, with its value.
pub struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
    relaying: JoinHandle<()>,
}

/// What all that passes a link shares.
pub(super) struct Shared {
    pub(super) upstream: SocketAddr,
    pub(super) began: Instant,
    pub(super) state: Mutex<State>,
    pub(super) weather: watch::Sender<Weather>,
    /// When anything from the server last reached the phone.
    pub(super) heard: watch::Sender<Duration>,
}

pub(super) struct State {
    pub(super) wires: Wires,
    pub(super) meter: Meter,
    pub(super) random: SmallRng,
}

impl Link {
    /// A link to a server, calm at first; a heartbeat on it is as long as this.
    pub async fn start(
        carries: Carries,
        upstream: SocketAddr,
        beat_bytes: RangeInclusive<usize>,
        seed: u64,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            upstream,
            began: Instant::now(),
            state: Mutex::new(State {
                wires: Wires::default(),
                meter: Meter::new(beat_bytes),
                random: SmallRng::seed_from_u64(seed),
            }),
            weather: watch::Sender::new(Weather::calm()),
            heard: watch::Sender::new(Duration::ZERO),
        });
        let (address, relaying) = match carries {
            Carries::Streams => {
                let listener = TcpListener::bind(HERE).await?;
                let address = listener.local_addr()?;
                (address, tokio::spawn(streams::accept(listener, Arc::clone(&shared))))
            }
            Carries::Datagrams => {
                let inside = UdpSocket::bind(HERE).await?;
                let seed = shared.state.lock().random.next_u64();
                let address = inside.local_addr()?;
                (address, tokio::spawn(packets::relay(inside, seed, Arc::clone(&shared))))
            }
        };
        Ok(Self { address, shared, relaying })
    }

    /// Where the phone connects.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Now, on the link's own clock.
    pub fn now(&self) -> Duration {
        self.shared.now()
    }

    /// Waits until then.
    pub async fn wait_until(&self, at: Duration) {
        sleep_until(self.shared.began + at).await;
    }

    /// What it does from now on, also to connections that are open.
    pub fn set(&self, weather: Weather) {
        self.shared.weather.send_replace(weather);
    }

    /// What it carried so far.
    pub fn tally(&self) -> Tally {
        self.shared.state.lock().meter.tally()
    }

    /// Waits until something that comes after this moment reaches the phone.
    pub async fn heard_after(&self, at: Duration) {
        let mut heard = self.shared.heard.subscribe();
        // The sender lives as long as the link.
        let _alive = heard.wait_for(|heard| *heard > at).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.relaying.abort();
    }
}

impl Shared {
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }
}
