//! Where a test may put itself between the parts of a simulation: the places at which seeded bugs are injected.

use std::sync::Arc;

use anser_backend::MemoryBackend;
use anser_backend::memory::CommitDecision;
use anser_client::io::{AppEvent, Identity};
use anser_client::records::{Record, Snapshot};
use anser_service::Ports;

use crate::store::DeviceStore;

/// What a test may bend. By default nothing is bent: product code runs as it is.
pub trait Seams: Send + Sync {
    /// The ports of a server process that starts now.
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        plain_ports(backend)
    }

    /// What becomes of a commit, given what the disk says.
    fn decide(&self, says: CommitDecision) -> CommitDecision {
        says
    }

    /// The server's process is dead; its disk may not be what the process believed.
    fn server_died(&self, _backend: &MemoryBackend) {}

    /// What is in a device's store when it dies inside a transaction of which nothing should be there.
    fn torn<'a>(&self, _records: &'a [Record]) -> &'a [Record] {
        &[]
    }

    /// What a transaction makes of a device's store.
    fn stores(&self, store: &mut DeviceStore, records: &[Record]) {
        store.apply(records);
    }

    /// Whether a device's app is told of an event.
    fn tells(&self, _event: &AppEvent) -> bool {
        true
    }

    /// What a device's process loads.
    fn loads(&self, _device: &Identity, stored: Snapshot) -> Snapshot {
        stored
    }
}

/// Nothing is bent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unbent;

impl Seams for Unbent {}

/// A store's own ports.
#[must_use]
pub fn plain_ports(backend: &MemoryBackend) -> Ports {
    Ports {
        ledger: Arc::new(backend.clone()),
        conversations: Arc::new(backend.clone()),
        lists: Arc::new(backend.clone()),
        accounts: Arc::new(backend.clone()),
        search: None,
        files: None,
    }
}
