//! Many seeds, all faults: nothing is lost, doubled, out of order or in the wrong hands, and everything comes together.

use std::time::Duration;

use anser_sim::chaos::{Plan, run};
use anser_sim::checker::{Counts, check, report};
use anser_sim::coverage::Coverage;

/// Seeds of the usual run; `ANSER_SIM_SEEDS=10000` or `ANSER_SIM_SEEDS=42..43` runs others.
const SEEDS: std::ops::Range<u64> = 1..201;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("ANSER_SIM_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").unwrap_or(("1", &text));
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn requirement_a4_nothing_is_lost_doubled_or_reordered_whatever_fails() {
    let all = Coverage::default();
    let mut slowest = Duration::ZERO;
    let seeds = seeds();
    let mut failed = Vec::new();
    for seed in seeds.clone() {
        let run = match run(Plan::of(seed)) {
            Ok(run) => run,
            Err(stopped) => {
                failed.push(format!("seed {seed}: {:#}", stopped.error));
                continue;
            }
        };
        let verdicts = check(&run.evidence);
        if !verdicts.is_empty() {
            failed.push(format!("seed {seed}: {}", report(&verdicts)));
        }
        let counts = Counts::of(&run.evidence);
        assert!(counts.ok > 20, "seed {seed} proved nothing: {counts}");
        println!("seed {seed}: {counts}; together after {:?}", run.converged_in);
        slowest = slowest.max(run.converged_in);
        all.add(&run.coverage);
    }
    println!("{} seeds, together after {slowest:?} at the latest", seeds.clone().count());
    println!("{}", all.report());
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), failed.join("\n"));
    let missing = all.missing();
    assert!(seeds.count() < 200 || missing.is_empty(), "paths never taken: {missing:?}");
}
