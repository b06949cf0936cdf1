//! How much a run proved: a verdict of "nothing broke" is worth what was tried.

use std::collections::BTreeSet;
use std::fmt;

use super::evidence::Evidence;
use super::journal::What;

/// What a run tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages handed to clients.
    pub invoked: usize,
    /// Accepted ones.
    pub ok: usize,
    /// Refused ones.
    pub failed: usize,
    /// Messages whose outcome was unknown at some time.
    pub unknown: usize,
    /// Messages whose outcome was unknown at some time and settled later.
    pub settled: usize,
    /// Alterations accepted.
    pub altered: usize,
    /// Messages stored by devices.
    pub received: usize,
    /// Messages in the raw store.
    pub stored: usize,
}

impl Counts {
    /// Counts the evidence.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let mut counts = Self {
            stored: evidence.store.iter().map(|log| log.messages.len()).sum(),
            ..Self::default()
        };
        for journal in &evidence.journals {
            let (mut invoked, mut ok) = (BTreeSet::new(), BTreeSet::new());
            let (mut failed, mut unknown) = (BTreeSet::new(), BTreeSet::new());
            for entry in &journal.entries {
                match &entry.what {
                    What::Invoke { local_no, .. } => drop(invoked.insert(*local_no)),
                    What::Ok { local_no, .. } => drop(ok.insert(*local_no)),
                    What::Fail { local_no, .. } => drop(failed.insert(*local_no)),
                    What::Unknown { local_no } => drop(unknown.insert(*local_no)),
                    What::AlterDone { .. } => counts.altered += 1,
                    What::Received { .. } => counts.received += 1,
                    _ => {}
                }
            }
            counts.invoked += invoked.len();
            counts.ok += ok.len();
            counts.failed += failed.len();
            counts.settled +=
                unknown.iter().filter(|no| ok.contains(*no) || failed.contains(*no)).count();
            counts.unknown += unknown.len();
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invoked, ok, failed, unknown, settled, altered, received, stored } = self;
        write!(
            f,
            "{invoked} sent: {ok} accepted, {failed} refused, {unknown} in doubt ({settled} settled); \
             {altered} alterations accepted; {stored} in the store, {received} stored by devices"
        )
    }
}
