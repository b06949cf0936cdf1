//! The project's own tasks: `cargo xtask test | tidy | sim | generate`.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks to a terminal")]

mod codegen;
mod files;
mod sim;
mod test;
mod tidy;

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
    /// Generate the code of the wire messages from `proto/`.
    Generate,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Test => test::run(),
        Task::Tidy { shrink } => tidy::run(shrink),
        Task::Sim { seeds: Some(range), .. } => sim::run(&sim::Seeds::Many(range)),
        Task::Sim { seed, .. } => sim::run(&sim::Seeds::One(seed.unwrap_or_default())),
        Task::Generate => codegen::generate(),
    }
}
