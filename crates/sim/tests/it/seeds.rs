//! Many seeds, all faults: nothing is lost, doubled, out of order or in the wrong hands, and everything comes together.

use std::num::NonZero;
use std::ops::Range;
use std::time::Duration;

use anser_sim::chaos::{Plan, run};
use anser_sim::checker::{Counts, check, report};
use anser_sim::coverage::Coverage;

/// Seeds of the usual run; `ANSER_SIM_SEEDS=10000` or `ANSER_SIM_SEEDS=42..43` runs others.
const SEEDS: Range<u64> = 1..201;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("ANSER_SIM_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").unwrap_or(("1", &text));
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

/// What a share of the seeds showed.
#[derive(Default)]
struct Shown {
    coverage: Coverage,
    slowest: Duration,
    failed: Vec<String>,
}

/// Every `of`-th seed, beginning with the `nth`.
fn show(seeds: Range<u64>, nth: usize, of: usize) -> Shown {
    let mut shown = Shown::default();
    for seed in seeds.skip(nth).step_by(of) {
        let run = match run(Plan::of(seed)) {
            Ok(run) => run,
            Err(stopped) => {
                shown.failed.push(format!("seed {seed}: {:#}", stopped.error));
                continue;
            }
        };
        let verdicts = check(&run.evidence);
        let counts = Counts::of(&run.evidence);
        if !verdicts.is_empty() {
            shown.failed.push(format!("seed {seed}: {}", report(&verdicts)));
        } else if counts.ok <= 20 {
            shown.failed.push(format!("seed {seed} proved nothing: {counts}"));
        }
        println!("seed {seed}: {counts}; together after {:?}", run.converged_in);
        shown.slowest = shown.slowest.max(run.converged_in);
        shown.coverage.add(&run.coverage);
    }
    shown
}

#[test]
fn requirement_a4_nothing_is_lost_doubled_or_reordered_whatever_fails() {
    let seeds = seeds();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let shares: Vec<Shown> = std::thread::scope(|scope| {
        let share = |nth| {
            let seeds = seeds.clone();
            scope.spawn(move || show(seeds, nth, threads))
        };
        let running: Vec<_> = (0..threads).map(share).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let all = Coverage::default();
    shares.iter().for_each(|share| all.add(&share.coverage));
    let slowest = shares.iter().map(|share| share.slowest).max().unwrap_or_default();
    let failed: Vec<String> = shares.into_iter().flat_map(|share| share.failed).collect();
    let count = seeds.count();
    println!("{count} seeds, together after {slowest:?} at the latest\n{}", all.report());
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), failed.join("\n"));
    let missing = all.missing();
    assert!(count < 200 || missing.is_empty(), "paths never taken: {missing:?}");
}
