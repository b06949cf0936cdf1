//! `cargo xtask weaknet`: people on emulated bad networks talk through the real server; see docs/weak-network.md.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::files::root;

/// What to run; the program says what it does without.
#[derive(clap::Args)]
pub struct Arguments {
    /// One network; otherwise all.
    #[arg(long)]
    profile: Option<String>,
    /// One transport: tcp, tls, ws or quic; otherwise all.
    #[arg(long)]
    transport: Option<String>,
    /// Seconds of talking, and as many of silence after it.
    #[arg(long)]
    secs: Option<u64>,
    /// What happens when, and to which packet.
    #[arg(long)]
    seed: Option<u64>,
    /// Only how soon clients are back after a cut, in round trips.
    #[arg(long, conflicts_with_all = ["profile", "transport", "secs", "seed"])]
    reconnects: bool,
    /// Write charts and tables into docs/.
    #[arg(long)]
    write: bool,
}

/// Builds the server and the program that tries it, and runs that; fails if a promise was broken.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let program = ["--locked", "-p", "anser", "--example", "weaknet"];
    let cargo = |words: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(words).current_dir(root());
        command
    };
    let mut build = cargo(&[&["build", "--bin", "anser"], &program[..]].concat());
    ensure!(build.status().context("cannot start cargo")?.success(), "it does not build");
    let mut run = cargo(&[&["run", "--quiet"], &program[..], &["--"]].concat());
    run.args(arguments.reconnects.then_some("--reconnects"));
    let values = [
        ("--profile", arguments.profile.clone()),
        ("--transport", arguments.transport.clone()),
        ("--secs", arguments.secs.map(|secs| secs.to_string())),
        ("--seed", arguments.seed.map(|seed| seed.to_string())),
        ("--write", arguments.write.then(|| root().join("docs").display().to_string())),
    ];
    for (flag, value) in values {
        run.args(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    ensure!(run.status().context("cannot start cargo")?.success(), "the lab found something");
    Ok(())
}
