//! Runs seeds of the simulation: `--seeds 500..1000` looks for failures, `--seed 42` replays one with its trace.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks to a terminal")]

use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use anser_sim::chaos::{Plan, run};
use anser_sim::checker::{Counts, check, report};
use anser_sim::coverage::Coverage;
use anyhow::{Context, bail};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => Ok(replay(seed.parse().context("a seed is a number")?)),
        ["--seeds", seeds] => Ok(search(range(seeds)?)),
        _ => bail!("say --seeds N, --seeds FROM..TO or --seed N"),
    }
}

fn range(text: &str) -> anyhow::Result<Range<u64>> {
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (from.parse()?, to.parse()?),
        None => (1, text.parse::<u64>()? + 1),
    };
    Ok(from..to)
}

/// Everything that happened, then what the checker says.
fn replay(seed: u64) -> ExitCode {
    let plan = Plan { with_text: true, ..Plan::of(seed) };
    match run(plan) {
        Err(stopped) => {
            stopped.trace.lines().iter().for_each(|line| println!("{line}"));
            println!("seed {seed}: {:#}", stopped.error);
            ExitCode::FAILURE
        }
        Ok(run) => {
            run.trace.lines().iter().for_each(|line| println!("{line}"));
            let verdicts = check(&run.evidence);
            println!("seed {seed}: {}, {}", Counts::of(&run.evidence), report(&verdicts));
            println!("together after {:?}; trace {:016x}", run.converged_in, run.trace.hash());
            if verdicts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

/// All of them; every failing one is named.
fn search(seeds: Range<u64>) -> ExitCode {
    let all = Coverage::default();
    let (mut failed, mut slowest, mut accepted) = (Vec::new(), Duration::ZERO, 0);
    for seed in seeds.clone() {
        match run(Plan::of(seed)) {
            Err(stopped) => {
                println!("seed {seed}: {:#}", stopped.error);
                failed.push(seed);
            }
            Ok(run) => {
                let verdicts = check(&run.evidence);
                if !verdicts.is_empty() {
                    println!("seed {seed}: {}", report(&verdicts));
                    failed.push(seed);
                }
                accepted += Counts::of(&run.evidence).ok;
                slowest = slowest.max(run.converged_in);
                all.add(&run.coverage);
            }
        }
    }
    println!("{}", all.report());
    let count = seeds.count();
    println!(
        "{count} seeds, {accepted} messages accepted, together after {slowest:?} at the latest"
    );
    if failed.is_empty() {
        println!("no promise was broken");
        return ExitCode::SUCCESS;
    }
    println!("failed: {failed:?}; look at one with: cargo xtask sim --seed {}", failed[0]);
    ExitCode::FAILURE
}
