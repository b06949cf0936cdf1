//! Many seeds, all faults: nothing is lost, doubled, out of order or in the wrong hands, and everything comes together.

use std::ops::Range;

use anser_sim::search::{all_cores, search};

/// Seeds of the usual run; `ANSER_SIM_SEEDS=10000` or `ANSER_SIM_SEEDS=42..43` runs others.
const SEEDS: Range<u64> = 1..201;
/// Commands per simulated second that the usual run must reach: people in a hurry find more than people at rest.
const LEAST_PACE: f64 = 50.0;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("ANSER_SIM_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").unwrap_or(("1", &text));
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn requirement_a4_nothing_is_lost_doubled_or_reordered_whatever_fails() {
    let seeds = seeds();
    let shown = search(seeds.clone(), all_cores(), |judged| {
        let (seed, counts) = (judged.seed, judged.counts);
        println!("seed {seed}: {counts}; together after {:?}", judged.converged_in);
    });
    println!("{}\n{}", shown.coverage.report(), shown.summary());
    let failed: Vec<String> =
        shown.failed.iter().map(|(seed, failure)| format!("seed {seed}: {failure}")).collect();
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), failed.join("\n"));
    if seeds == SEEDS {
        let missing = shown.coverage.missing();
        assert!(missing.is_empty(), "paths never taken: {missing:?}");
        let pace = shown.mean_pace();
        assert!(pace >= LEAST_PACE, "{pace:.1} commands per simulated second");
    }
}
