//! `cargo xtask chaos`: the drills of the real server and real clients in their long form.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::files::root;

/// Tests that kill: server at system calls, server at packets, client. The kills are shared out among them.
const KILLERS: usize = 3;
/// What the long form is made of, besides everything in `drills`.
const ALSO: [&str; 3] = ["kills", "fsync_errors", "full_disk"];

/// Runs all drills with at least so many kills; everything else `factor` times as long as in a test run.
pub fn run(kills: usize, factor: usize, seed: Option<u64>) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "-p", "anser", "--test", "it", "--", "drills"])
        .args(ALSO)
        .args(["--nocapture", "--test-threads", "2"])
        .env("ANSER_DRILL_KILLS", kills.div_ceil(KILLERS).to_string())
        .env("ANSER_DRILL_FACTOR", factor.to_string())
        .current_dir(root());
    if let Some(seed) = seed {
        command.env("ANSER_DRILL_SEED", seed.to_string());
    }
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "a drill failed; its seed is printed above (--seed repeats it)");
    println!("all drills passed in {} s, at least {kills} kills", started.elapsed().as_secs());
    Ok(())
}
