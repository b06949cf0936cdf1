//! Same seed, same run: a failure that was found can be looked at again.

use anser_sim::chaos::{Plan, run};

/// Runs a seed and says what happened, as a hash or as text.
fn trace(seed: u64, with_text: bool) -> (u64, Vec<String>) {
    let plan = Plan { with_text, ..Plan::of(seed) };
    let trace = run(plan).map_or_else(|stopped| stopped.trace, |run| run.trace);
    (trace.hash(), trace.lines())
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let mut hashes = Vec::new();
    for seed in 1..=12 {
        let (first, _) = trace(seed, false);
        let (second, _) = trace(seed, false);
        if first != second {
            let (one, other) = (trace(seed, true).1, trace(seed, true).1);
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
