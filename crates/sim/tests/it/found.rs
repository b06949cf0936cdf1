//! Seeds that found a bug of the product, each with what it was: they must not find it again.

use anser_sim::chaos::{Plan, run};
use anser_sim::checker::{check, report};

fn holds(seed: u64) {
    let run = run(Plan::of(seed)).unwrap_or_else(|stopped| panic!("{:#}", stopped.error));
    let verdicts = check(&run.evidence);
    assert!(verdicts.is_empty(), "{}", report(&verdicts));
}

/// The server ignored the acknowledgement of an interrupted rebuild, which ends below the latest `SyncReset`.
#[test]
fn seed_21_an_interrupted_rebuild_starts_the_flow_again() {
    holds(21);
}
