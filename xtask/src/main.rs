//! The project's own tasks: `cargo xtask test | tidy | contract | sim | chaos | weaknet | fuzz | generate | frames | dictionary`.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks to a terminal")]

mod bucket;
mod chaos;
mod codegen;
mod contract;
mod examples;
mod files;
mod fuzz;
mod judges;
mod packages;
mod sim;
mod test;
mod tidy;
mod uploaders;
mod weaknet;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what the tests need, then run format, lints, tidy and all tests: what CI runs.
    Test,
    /// Check the rules of the repository that no compiler knows.
    Tidy {
        /// Rewrite the ratchet of long files to today's lengths where they shrank.
        #[arg(long)]
        shrink: bool,
    },
    /// Ask a running server everything that its description of the HTTP API allows, and much that it does not.
    Contract,
    /// Run the simulation: many seeds, or one with its trace.
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Sim {
        /// Seeds 1 to N, or FROM..TO without TO.
        #[arg(long, group = "which")]
        seeds: Option<String>,
        /// This seed again, with everything that happens in it.
        #[arg(long, group = "which")]
        seed: Option<u64>,
    },
    /// Run the drills of the real server and real clients in their long form: kills, slow disks, bad networks.
    Chaos {
        /// Kills at least, of servers and clients together.
        #[arg(long, default_value_t = 100)]
        kills: usize,
        /// How many times longer everything else is than in a test run.
        #[arg(long, default_value_t = 5)]
        factor: usize,
        /// Repeat the random choices of an earlier run.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Let people talk over emulated bad networks and measure how long everything takes.
    Weaknet(weaknet::Arguments),
    /// Fuzz everything that reads bytes from outside.
    Fuzz {
        /// One target; otherwise each, one after the other.
        target: Option<String>,
        /// Seconds for each.
        #[arg(long, default_value_t = 60)]
        secs: u64,
        /// Do not fuzz: take what was gathered so far over into the repository's corpora.
        #[arg(long, conflicts_with = "secs")]
        keep: bool,
    },
    /// Generate the code of the wire messages from `proto/`.
    Generate,
    /// Add frozen frames for cases of the protocol that have none yet.
    Frames,
    /// Train the zstd dictionary of compressed frames. Another dictionary than the one in use is another method.
    Dictionary,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Test => test::run(),
        Task::Tidy { shrink } => tidy::run(shrink),
        Task::Contract => contract::run(),
        Task::Sim { seeds: Some(range), .. } => sim::run(&sim::Seeds::Many(range)),
        Task::Sim { seed, .. } => sim::run(&sim::Seeds::One(seed.unwrap_or_default())),
        Task::Chaos { kills, factor, seed } => chaos::run(kills, factor, seed),
        Task::Weaknet(arguments) => weaknet::run(&arguments),
        Task::Fuzz { target, keep: true, .. } => fuzz::keep(target.as_deref()),
        Task::Fuzz { target, secs, .. } => fuzz::run(secs, target.as_deref()),
        Task::Generate => codegen::generate(),
        Task::Frames => examples::run("frames"),
        Task::Dictionary => examples::run("dictionary"),
    }
}
