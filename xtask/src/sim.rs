//! `cargo xtask sim`: many seeds of the simulation on every core, or one with everything that happened in it.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::files::root;

/// What to run.
pub enum Seeds {
    /// All from 1 to N, or from A to B where it says `A..B`; failing ones are named.
    Many(String),
    /// This one, with its trace.
    One(u64),
}

/// Runs them; fails if a promise was broken.
pub fn run(seeds: &Seeds) -> anyhow::Result<()> {
    let (flag, value) = match seeds {
        Seeds::Many(range) => ("--seeds", range.clone()),
        Seeds::One(seed) => ("--seed", seed.to_string()),
    };
    let status = Command::new("cargo")
        // Optimised it runs five times as fast; the first build of it takes its minutes.
        .args(["run", "--quiet", "--locked", "--config", "profile.dev.opt-level=2"])
        .args(["-p", "anser-sim", "--example", "sim", "--"])
        .args([flag, &value])
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the simulation found something");
    Ok(())
}
