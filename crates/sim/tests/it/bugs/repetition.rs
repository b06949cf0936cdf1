//! Bugs of repetition: a command that comes again is executed again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{
    Append, Appended, Assigned, Boxed, DeviceKey, Ledger, MemoryBackend, Origin, StoreError,
};
use anser_service::Ports;
use anser_sim::bend::{BendLedger, BentLedger};
use anser_sim::checker::Kind;
use anser_sim::disk::Mishap;
use anser_sim::seams::{Seams, plain_ports};
use anser_types::{Answer, CommandNo, Done, Outcome};
use anyhow::Result;
use parking_lot::Mutex;

use super::{Bug, usual};

/// A ledger that does not recognise repetitions, or only those of what this process executed.
struct Forgetful {
    remembers: bool,
    executed: Mutex<BTreeSet<(DeviceKey, CommandNo)>>,
}

impl Forgetful {
    fn recognises(&self, origin: &Origin) -> bool {
        match origin {
            Origin::Device { device, command_no, .. } => {
                self.remembers && self.executed.lock().contains(&(*device, *command_no))
            }
            _ => true,
        }
    }
}

impl BendLedger for Forgetful {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let mut results = inner.append_batch(batch.clone()).await?;
            for (append, result) in batch.into_iter().zip(&mut results) {
                match (&append.origin, &*result) {
                    (Origin::Device { device, command_no, .. }, Appended::Committed(_)) => {
                        self.executed.lock().insert((*device, *command_no));
                    }
                    (origin, Appended::Duplicate(_)) if !self.recognises(origin) => {
                        *result = execute_again(inner, append).await?;
                    }
                    _ => {}
                }
            }
            Ok(results)
        })
    }
}

async fn execute_again(inner: &dyn Ledger, append: Append) -> Result<Appended, StoreError> {
    let Origin::Device { command_no, .. } = append.origin else {
        return Ok(Appended::Conflict);
    };
    let at = append.at;
    let again = Append { origin: Origin::Internal, ..append };
    let mut results = inner.append_batch(vec![again]).await?;
    let mut result = results.pop().unwrap_or(Appended::Stale);
    if let Appended::Committed(committed) = &mut result {
        let seq = committed.assigned.iter().find_map(|assigned| match assigned {
            Assigned::Message { seq, .. } => Some(*seq),
            _ => None,
        });
        let done = Done { seq: seq.unwrap_or_default(), at, ..Done::default() };
        committed.answer = Some(Answer { command_no, outcome: Outcome::Done(done) });
    }
    Ok(result)
}

pub struct Forgetting(Arc<Forgetful>);

impl Forgetting {
    pub fn seams(remembers: bool) -> Arc<dyn Seams> {
        Arc::new(Self(Arc::new(Forgetful { remembers, executed: Mutex::default() })))
    }
}

impl Seams for Forgetting {
    fn ports(&self, backend: &MemoryBackend) -> Ports {
        let ports = plain_ports(backend);
        let bent = BentLedger { inner: ports.ledger, bend: Arc::clone(&self.0) };
        Ports { ledger: Arc::new(bent), ..ports }
    }

    fn server_died(&self, _backend: &MemoryBackend) {
        self.0.executed.lock().clear();
    }
}

pub const NO_DEDUPE: Bug = Bug {
    name: "no dedupe",
    promise: "G3",
    seam: "ledger",
    workload: "a commit takes longer than a request may, and the sender asks again",
    verdict: Kind::Duplicate,
    seams: || Forgetting::seams(false),
    setup: usual,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            let slow = Mishap::Slow(Duration::from_secs(13));
            world.server.disk.go_wrong_in(1, slow);
            world.tell(0, 1, "two").await?;
            world.rest(30_000).await;
            Ok(())
        })
    },
};

pub const DEDUPE_IN_MEMORY: Bug = Bug {
    name: "dedupe only in memory",
    promise: "G3",
    seam: "ledger",
    workload: "the server dies between commit and answer; the sender, whose inbox is behind, asks the next process",
    verdict: Kind::Duplicate,
    seams: || Forgetting::seams(true),
    setup: |setup| setup.page_entries = 2,
    script: |world| {
        Box::pin(async move {
            world.tell(0, 1, "one").await?;
            world.rest(5_000).await;
            // Its own message comes back late: until then only the answer can tell that it was sent.
            world.server.hints.lose(100);
            for n in 0..30 {
                world.tell(1, 0, &format!("message {n}")).await?;
            }
            world.rest(1_000).await;
            world.server.disk.go_wrong_in(1, Mishap::Dies { kept: true });
            world.tell(0, 1, "two").await?;
            world.rest(3_000).await;
            world.server.crash_and_restart();
            world.rest(30_000).await;
            Ok(())
        })
    },
};
