//! Runs seeds of the simulation: `--seeds 500..1000` looks for failures on every core, `--seed 42` replays one with its
//! trace.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks to a terminal")]

use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anser_sim::chaos::{Plan, run};
use anser_sim::checker::{Counts, check, report};
use anser_sim::search::{all_cores, search};
use anser_sim::trace::Keep;
use anyhow::{Context, bail};

/// Seeds between two lines about how far a search is.
const TELL_EVERY: u64 = 50;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => Ok(replay(seed.parse().context("a seed is a number")?)),
        ["--seeds", seeds] => Ok(look(range(seeds)?, all_cores())),
        ["--seeds", seeds, "--threads", threads] => {
            Ok(look(range(seeds)?, threads.parse().context("threads are a number")?))
        }
        _ => bail!("say --seeds N, --seeds FROM..TO (and --threads N) or --seed N"),
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
    let plan = Plan { keep: Keep::Text, ..Plan::of(seed) };
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
            println!(
                "{} commands, {:.1} a second; together after {:?}; trace {:016x}",
                run.commands,
                run.pace(),
                run.converged_in,
                run.trace.hash()
            );
            if verdicts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

/// All of them; every failing one is named as soon as it has failed.
fn look(seeds: Range<u64>, threads: usize) -> ExitCode {
    let (begun, done, failed) = (Instant::now(), AtomicU64::new(0), AtomicU64::new(0));
    let all = seeds.end.saturating_sub(seeds.start);
    let shown = search(seeds, threads, |judged| {
        if let Some(failure) = &judged.failure {
            failed.fetch_add(1, Ordering::Relaxed);
            println!("seed {}: {failure}", judged.seed);
        }
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(TELL_EVERY) {
            let failed = failed.load(Ordering::Relaxed);
            println!("{done} of {all} seeds in {} s, {failed} failed", begun.elapsed().as_secs());
        }
    });
    println!("{}\n{}", shown.coverage.report(), shown.summary());
    println!("{} s on {threads} threads", begun.elapsed().as_secs());
    let Some((first, _)) = shown.failed.first() else {
        println!("no promise was broken");
        return ExitCode::SUCCESS;
    };
    let failed: Vec<u64> = shown.failed.iter().map(|(seed, _)| *seed).collect();
    println!("failed: {failed:?}; look at one with: cargo xtask sim --seed {first}");
    ExitCode::FAILURE
}
