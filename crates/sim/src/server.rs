//! The simulated server: the real service on the in-memory store, with a process that dies and comes back.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::memory::{CommitGate, Image};
use anser_backend::{Ledger, MemoryBackend};
use anser_gateway::conn;
use anser_service::{Entropy, Ports, Service, Settings};
use anser_types::{Clock, LogEpoch};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::bend::BentLedger;
use crate::clock::SimClock;
use crate::disk::Disk;
use crate::entropy::Seeded;
use crate::hints::Hints;
use crate::network::Network;
use crate::reception::Reception;
use crate::seams::Seams;

/// How the server is set up.
#[derive(Clone)]
pub struct ServerSetup {
    /// The service's settings.
    pub service: Settings,
    /// The connections' settings.
    pub connection: conn::Settings,
    /// What a test bends.
    pub seams: Arc<dyn Seams>,
}

/// See the module's head.
pub struct Server {
    /// Its disk.
    pub disk: Arc<Disk>,
    /// Its clock.
    pub clock: Arc<SimClock>,
    /// Loses hints, if it is told to.
    pub hints: Arc<Hints>,
    backend: Arc<Mutex<MemoryBackend>>,
    network: Network,
    random: Arc<Seeded>,
    setup: ServerSetup,
    reception: Reception,
    /// The running process; dropped when it dies.
    service: Option<Arc<Service>>,
}

impl Drop for Server {
    /// The network holds the service, which holds its disk, which holds the network.
    fn drop(&mut self) {
        self.network.server_died();
    }
}

impl Server {
    /// A server that listens on this network.
    #[must_use]
    pub fn start(
        network: Network,
        random: Arc<Seeded>,
        disk: Arc<Disk>,
        hints: Arc<Hints>,
        setup: ServerSetup,
    ) -> Self {
        let backend = MemoryBackend::with_gate(Arc::clone(&disk) as Arc<dyn CommitGate>);
        let backend = Arc::new(Mutex::new(backend));
        let clock = Arc::new(SimClock::new());
        let reception =
            Reception::new(Arc::clone(&backend), Arc::clone(&clock), Arc::clone(&random));
        let service = None;
        let mut server =
            Self { disk, clock, hints, backend, network, random, setup, reception, service };
        server.listen();
        server
    }

    /// The store, whatever process runs on it.
    #[must_use]
    pub fn backend(&self) -> MemoryBackend {
        self.backend.lock().clone()
    }

    /// Where users and devices are signed up.
    #[must_use]
    pub fn reception(&self) -> Reception {
        self.reception.clone()
    }

    /// The log's epoch, whatever process runs.
    #[must_use]
    pub fn log_epoch(&self) -> LogEpoch {
        self.backend().status().log_epoch
    }

    fn listen(&mut self) {
        let ports = self.setup.seams.ports(&self.backend());
        let ledger = Arc::clone(&ports.ledger);
        let watched = BentLedger { inner: ledger, bend: Arc::clone(&self.hints) };
        let service = Service::start(
            Ports { ledger: Arc::new(watched), ..ports },
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.random) as Arc<dyn Entropy>,
            self.setup.service.clone(),
        );
        self.service = Some(Arc::clone(&service));
        // The token is the network's own: `server_died` cancels it.
        let _life = self.network.listen(service, self.setup.connection.clone());
    }

    /// Kills the process wherever it is and starts another on the same disk.
    pub fn crash_and_restart(&mut self) {
        let seams = Arc::clone(&self.setup.seams);
        self.restart(|backend| {
            backend.crash();
            seams.server_died(backend);
        });
    }

    /// Kills the process wherever it is and starts another on a restored backup.
    pub fn restore(&mut self, backup: &Image) {
        self.restart(|backend| backend.restore(backup));
    }

    fn restart(&mut self, meanwhile: impl FnOnce(&MemoryBackend)) {
        self.network.server_died();
        self.service = None;
        {
            let mut backend = self.backend.lock();
            meanwhile(&backend);
            *backend = backend.reopen();
        }
        self.listen();
    }

    /// Waits until the process wants to end because its store failed, as the product's main function does.
    /// False if it does not within this time.
    pub async fn fails_within(&self, time: Duration) -> bool {
        match &self.service {
            Some(service) => timeout(time, service.store_failed()).await.is_ok(),
            None => false,
        }
    }
}
