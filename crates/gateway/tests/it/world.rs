//! A service on the in-memory reference store, with a clock that stands still and cheap passwords.

use std::{
    net::SocketAddr,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
};

use anser_backend::memory::{MemoryBackend, MemoryBlobs};
use anser_gateway::{
    Gateway, GatewayConfig, ListenerConfig, ListenerKind, Settings as ConnectionSettings, Stream,
};
use anser_service::{Entropy, FilePorts, HashPlace, Hashing, Ports, Service, Settings, SignedIn};
use anser_types::{Clock, DeviceClass, UnixMs, UserId};
use sha2::{Digest, Sha256};
use tokio::io::DuplexStream;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::peer::Peer;

/// What the test's app server authenticates with.
pub const API_KEY: &str = "anser_a_key_for_tests";
/// 2026-11-20T10:15:30.288Z.
const NOW: UnixMs = UnixMs(1_795_169_730_288);

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct StoppedClock(AtomicU64);

impl StoppedClock {
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::Relaxed))
    }
}

/// Numbers that look random and are the same in every run.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let random = (z ^ (z >> 31)).to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

/// Everything behind the doors.
pub struct World {
    pub clock: Arc<StoppedClock>,
    pub service: Arc<Service>,
    pub connection: ConnectionSettings,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A world whose service is told something else than the usual.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(MemoryBackend::new(), change)
    }

    /// A world on a store that exists.
    pub fn on(backend: MemoryBackend, change: impl FnOnce(&mut Settings)) -> Self {
        let ports = Ports {
            ledger: Arc::new(backend.clone()),
            conversations: Arc::new(backend.clone()),
            lists: Arc::new(backend.clone()),
            accounts: Arc::new(backend.clone()),
            search: Some(Arc::new(backend.clone())),
            files: Some(FilePorts {
                known: Arc::new(backend),
                bytes: Arc::new(MemoryBlobs::default()),
            }),
        };
        let mut settings = Settings {
            api_keys: vec![Sha256::digest(API_KEY).into()],
            hashing: Hashing {
                memory_kib: 8,
                passes: 1,
                lanes: 1,
                place: HashPlace::Inline,
                ..Hashing::default()
            },
            ..Settings::default()
        };
        change(&mut settings);
        let clock = Arc::new(StoppedClock(AtomicU64::new(NOW.0)));
        let entropy = Arc::new(Seeded(AtomicU64::new(1)));
        let service = Service::start(ports, Arc::clone(&clock) as _, entropy, settings);
        Self { clock, service, connection: ConnectionSettings::default() }
    }

    /// A device of a user (who is made if need be).
    pub async fn device(&self, user: &str, class: DeviceClass) -> SignedIn {
        let app = self.service.authenticate_app(API_KEY).unwrap();
        let user = UserId::new(user).unwrap();
        self.service.mint_token(&app, user, None, class, String::new(), true).await.unwrap()
    }

    pub fn config(&self, kinds: &[ListenerKind]) -> GatewayConfig {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        GatewayConfig {
            listeners: kinds.iter().map(|&kind| ListenerConfig { address, kind }).collect(),
            connection: self.connection.clone(),
            ..GatewayConfig::default()
        }
    }

    pub fn gateway(&self, kinds: &[ListenerKind]) -> Gateway {
        self.start(self.config(kinds))
    }

    pub fn start(&self, config: GatewayConfig) -> Gateway {
        Gateway::start(config, Arc::clone(&self.service)).unwrap()
    }

    /// A connection without a socket, whose pipe holds `pipe_bytes` each way.
    pub fn connect(
        &self,
        pipe_bytes: usize,
    ) -> (Peer<DuplexStream>, JoinHandle<anser_gateway::Farewell>) {
        let (here, there) = tokio::io::duplex(pipe_bytes);
        let settings = Arc::new(self.connection.clone());
        let service = Arc::clone(&self.service);
        (Peer::new(here), tokio::spawn(anser_gateway::run(Stream(there), service, settings)))
    }

    /// A signed-in device on a pipe, with its inbox read.
    pub async fn online(&self, user: &str) -> Peer<DuplexStream> {
        let device = self.device(user, DeviceClass::Phone).await;
        let (mut peer, _) = self.connect(64 * 1024);
        peer.sign_in(&device).await;
        peer
    }
}

pub async fn tcp(gateway: &Gateway) -> Peer<TcpStream> {
    let stream = TcpStream::connect(address(gateway, ListenerKind::Tcp)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Peer::new(stream)
}

pub fn address(gateway: &Gateway, kind: ListenerKind) -> SocketAddr {
    gateway.addresses().into_iter().find(|(other, _)| *other == kind).unwrap().1
}
