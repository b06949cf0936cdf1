//! Many seeds, all faults: nothing is lost, doubled, out of order or in the wrong hands.

use anser_sim::checker::{Counts, check, report};
use anser_sim::world::{Faults, Plan, run};

/// Seeds of the usual run; `ANSER_SIM_SEEDS=10000` or `ANSER_SIM_SEEDS=42..43` runs others.
const SEEDS: std::ops::Range<u64> = 1..201;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("ANSER_SIM_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").unwrap_or(("1", &text));
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn requirement_a4_nothing_is_lost_doubled_or_reordered_whatever_crashes() {
    let mut all = Faults::default();
    let seeds = seeds();
    for seed in seeds.clone() {
        let (evidence, faults) =
            run(Plan::of(seed)).unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        let verdicts = check(&evidence);
        assert!(verdicts.is_empty(), "seed {seed}: {}", report(&verdicts));
        let counts = Counts::of(&evidence);
        assert!(counts.ok > 20, "seed {seed} proved nothing: {counts}");
        println!("seed {seed}: {counts}; {faults:?}");
        all.server_crashes += faults.server_crashes;
        all.inside_a_commit += faults.inside_a_commit;
        all.device_kills += faults.device_kills;
        all.clock_jumps += faults.clock_jumps;
    }
    println!("{} seeds, all faults: {all:?}", seeds.clone().count());
    assert!(
        seeds.count() < 20 || all.every_kind_happened(),
        "a kind of fault never happened: {all:?}"
    );
}
