//! Bugs of durability: a write-back cache that loses what it had promised, each with something said too early.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::memory::{CommitDecision, Image};
use anser_backend::{Append, Appended, Boxed, Ledger, MemoryBackend, StoreError};
use anser_service::Ports;
use anser_sim::bend::{BendLedger, BentLedger};
use anser_sim::checker::Kind;
use anser_sim::disk::Mishap;
use anser_sim::seams::{Seams, plain_ports};
use anyhow::Result;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::{Bug, two_people, usual};

/// How long a write stays in the cache.
const WINDOW: Duration = Duration::from_secs(2);

/// What happens before the write is durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Early {
    /// The answer (and with it everything else).
    Answer,
    /// Everybody is told; only the answer waits.
    FanOut,
    /// Readers see it; answer and fan-out wait.
    Reads,
}

/// A ledger that writes through a cache.
struct WriteBack {
    early: Early,
    state: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    backend: Option<MemoryBackend>,
    /// The disk as it is without what is cached, and when the cache is written.
    unsynced: Option<(Image, Instant)>,
}

impl WriteBack {
    /// The write that follows is cached; says until when.
    fn begin(&self) -> Instant {
        let mut cache = self.state.lock();
        cache.unsynced.take_if(|(_, at)| *at <= Instant::now());
        if let Some((_, at)) = &cache.unsynced {
            return *at;
        }
        let at = Instant::now() + WINDOW;
        cache.unsynced = cache.backend.as_ref().map(|backend| (backend.image(), at));
        at
    }
}

impl BendLedger for WriteBack {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let durable_at = self.begin();
            let mut results = inner.append_batch(batch).await?;
            let repeats = results.iter().any(|one| matches!(one, Appended::Duplicate(_)));
            if self.early == Early::Reads || (self.early == Early::FanOut && repeats) {
                sleep_until(durable_at).await;
            }
            if self.early == Early::FanOut {
                for result in &mut results {
                    if let Appended::Committed(committed) = result {
                        committed.answer = None;
                    }
                }
            }
            Ok(results)
        })
    }
}

/// The cache under the server's ledger.
struct Cached(Arc<WriteBack>);

impl Cached {
    fn seams(early: Early) -> Arc<dyn Seams> {
        Arc::new(Self(Arc::new(WriteBack { early, state: Mutex::default() })))
    }
}

impl Seams for Cached {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        self.0.state.lock().backend = Some(backend.clone());
        let ports = plain_ports(backend);
        let bent = BentLedger { inner: ports.ledger, bend: Arc::clone(&self.0) };
        Ports { ledger: Arc::new(bent), ..ports }
    }

    fn server_died(&self, backend: &MemoryBackend) {
        if let Some((image, at)) = self.0.state.lock().unsynced.take()
            && at > Instant::now()
        {
            backend.go_back(&image);
        }
    }
}

pub const ACK_BEFORE_FSYNC: Bug = Bug {
    name: "ack before fsync",
    promise: "G1",
    seam: "ledger",
    workload: "the server dies right after an answer",
    verdict: Kind::Lost,
    seams: || Cached::seams(Early::Answer),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.tell(0, 1, "two").await?;
            world.rest(500).await;
            world.server.crash_and_restart();
            world.rest(20_000).await;
            Ok(())
        })
    },
};

pub const FAN_OUT_BEFORE_COMMIT: Bug = Bug {
    name: "fan-out before commit",
    promise: "G2",
    seam: "ledger",
    workload: "server and sender die while a message is being written",
    verdict: Kind::Phantom,
    seams: || Cached::seams(Early::FanOut),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.tell(0, 1, "two").await?;
            world.rest(300).await;
            world.away.insert(0);
            world.devices[0].kill_within(true).await;
            world.server.crash_and_restart();
            world.rest(20_000).await;
            Ok(())
        })
    },
};

pub const UNCOMMITTED_READS: Bug = Bug {
    name: "answer from uncommitted memory",
    promise: "G2, G4",
    seam: "ledger",
    workload: "a device reads its inbox while a message is being written, then server and sender die",
    verdict: Kind::Phantom,
    seams: || Cached::seams(Early::Reads),
    setup: two_people,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(30_000).await;
            world.devices[1].kill_within(true).await;
            world.tell(0, 1, "two").await?;
            world.rest(300).await;
            world.devices[1].switch_on();
            world.rest(300).await;
            world.away.insert(0);
            world.devices[0].kill_within(true).await;
            world.server.crash_and_restart();
            world.rest(20_000).await;
            Ok(())
        })
    },
};

/// A store that goes on when its disk reports an error.
#[derive(Default)]
struct Deaf(Mutex<(Option<MemoryBackend>, Option<Image>)>);

impl Seams for Deaf {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        self.0.lock().0 = Some(backend.clone());
        plain_ports(backend)
    }

    fn decide(&self, says: CommitDecision) -> CommitDecision {
        if !matches!(says, CommitDecision::Fail { .. }) {
            return says;
        }
        // Nothing from here on is on the disk.
        let mut state = self.0.lock();
        let image = state.0.as_ref().map(MemoryBackend::image);
        state.1 = state.1.take().or(image);
        CommitDecision::Commit
    }

    fn server_died(&self, backend: &MemoryBackend) {
        if let Some(image) = self.0.lock().1.take() {
            backend.go_back(&image);
        }
    }
}

pub const FSYNC_ERROR_IGNORED: Bug = Bug {
    name: "fsync error ignored",
    promise: "G20",
    seam: "commit gate",
    workload: "the disk reports an error for one commit, later the server is restarted",
    verdict: Kind::Lost,
    seams: || Arc::new(Deaf::default()),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            world.server.disk.go_wrong_in(1, Mishap::Error { kept: false });
            world.tell(0, 1, "two").await?;
            // Whether the process notices is what makes the difference; it is started again either way.
            let _noticed = world.server.fails_within(Duration::from_secs(10)).await;
            world.server.crash_and_restart();
            world.rest(30_000).await;
            Ok(())
        })
    },
};
