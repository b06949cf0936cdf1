//! The simulated server: the real service on the in-memory store, with a process that dies and comes back.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::memory::{CommitDecision, CommitGate, MemoryBackend, PendingCommit};
use anser_backend::{Accounts, Boxed, CreateUser, NewToken};
use anser_client::io::Identity;
use anser_gateway::conn;
use anser_service::{Ports, Service, Settings};
use anser_types::{Clock, DeviceClass, UnixMs, UserId};
use anyhow::{Context, Result};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::clock::SimClock;
use crate::entropy::Seeded;
use crate::network::Network;

/// The disk of the simulation: how long commits take, and when the process dies in one.
pub struct Disk {
    random: Arc<Seeded>,
    network: Network,
    longest_ms: u64,
    /// Commits until the process dies in the middle of one, and whether that one survives.
    dies_in: Mutex<Option<(u64, bool)>>,
}

impl Disk {
    /// The process dies in the `commits`-th commit from now.
    pub fn die_in(&self, commits: u64, kept: bool) {
        *self.dies_in.lock() = Some((commits, kept));
    }

    /// The process dies in no commit any more.
    pub fn heal(&self) {
        *self.dies_in.lock() = None;
    }

    fn dies_now(&self) -> Option<bool> {
        let mut dies_in = self.dies_in.lock();
        let (left, kept) = dies_in.as_mut()?;
        *left = left.saturating_sub(1);
        let kept = (*left == 0).then_some(*kept);
        if kept.is_some() {
            *dies_in = None;
        }
        kept
    }
}

impl CommitGate for Disk {
    fn decide(&self, _commit: PendingCommit) -> Boxed<'_, CommitDecision> {
        Box::pin(async move {
            sleep(Duration::from_millis(self.random.below(self.longest_ms + 1))).await;
            match self.dies_now() {
                Some(kept) => {
                    // The process is dead: nothing it would still say leaves the machine.
                    self.network.server_died();
                    CommitDecision::Crash { kept }
                }
                None => CommitDecision::Commit,
            }
        })
    }
}

/// See the module's head.
pub struct Server {
    /// The store of the running process.
    pub backend: MemoryBackend,
    /// Its disk.
    pub disk: Arc<Disk>,
    /// Its clock.
    pub clock: Arc<SimClock>,
    network: Network,
    random: Arc<Seeded>,
}

impl Server {
    /// A server that listens on this network. Commits take up to `longest_ms`.
    #[must_use]
    pub fn start(network: Network, random: Arc<Seeded>, longest_ms: u64) -> Self {
        let disk = Arc::new(Disk {
            random: Arc::clone(&random),
            network: network.clone(),
            longest_ms,
            dies_in: Mutex::new(None),
        });
        let backend = MemoryBackend::with_gate(Arc::clone(&disk) as Arc<dyn CommitGate>);
        let server = Self { backend, disk, clock: Arc::new(SimClock::new()), network, random };
        server.listen();
        server
    }

    fn listen(&self) {
        let ports = Ports {
            ledger: Arc::new(self.backend.clone()),
            conversations: Arc::new(self.backend.clone()),
            accounts: Arc::new(self.backend.clone()),
        };
        let service = Service::start(
            ports,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.random) as Arc<dyn anser_service::Entropy>,
            Settings::default(),
        );
        // The token is the network's own: `server_died` cancels it.
        let _life = self.network.listen(service, conn::Settings::default());
    }

    /// Kills the process wherever it is and starts another on the same disk.
    pub fn crash_and_restart(&mut self) {
        self.network.server_died();
        self.backend.crash();
        self.backend = self.backend.reopen();
        self.listen();
    }

    /// Makes a user (if there is none yet) and a device with a token.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn sign_up(&self, user: &UserId, class: DeviceClass) -> Result<Identity> {
        let at = self.clock.now();
        let no = match self.backend.create_user(user.clone(), None, at).await? {
            CreateUser::Created(user) | CreateUser::Exists(user) => user.no,
        };
        let token = format!("simulated-{user}-{}", self.random.below(u64::MAX));
        let device = self
            .backend
            .put_token(NewToken {
                user: no,
                device: None,
                class,
                name: String::new(),
                hash: Sha256::digest(token.as_bytes()).into(),
                created_at: at,
                expires_at: UnixMs(u64::MAX),
            })
            .await
            .context("no token")?;
        Ok(Identity { user: user.clone(), device, class, token })
    }
}
