//! Same seed, same run: a failure that was found can be looked at again.

use anser_sim::chaos::{Plan, run};
use anser_sim::trace::Keep;

/// Runs a seed and says what happened, as a hash or as text.
fn trace(seed: u64, keep: Keep) -> (u64, Vec<String>) {
    let plan = Plan { keep, ..Plan::of(seed) };
    let trace = run(plan).map_or_else(|stopped| stopped.trace, |run| run.trace);
    (trace.hash(), trace.lines())
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let mut hashes = Vec::new();
    for seed in 1..=12 {
        let (first, _) = trace(seed, Keep::Hash);
        let (second, _) = trace(seed, Keep::Hash);
        if first != second {
            let (one, other) = (trace(seed, Keep::Text).1, trace(seed, Keep::Text).1);
            let apart = one.iter().zip(&other).position(|(a, b)| a != b);
            let at = apart.unwrap_or(one.len().min(other.len()));
            let (a, b) = (one.get(at), other.get(at));
            panic!("seed {seed}: two runs differ from line {at} on:\n  {a:?}\n  {b:?}");
        }
        hashes.push(first);
    }
    let runs = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), runs, "different seeds give different runs");
}
