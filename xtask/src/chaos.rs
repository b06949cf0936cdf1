//! `cargo xtask chaos`: the drills of the real server and real clients in their long form.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::files::root;

/// Tests that kill: server at system calls, server at packets, client at system calls, client at packets. The kills are
/// shared out among them.
const KILLERS: usize = 4;
/// What the long form is made of: everything in `drills`, and these.
const DRILLS: [&str; 4] = ["drills", "kills", "fsync_errors", "full_disk"];
/// What is measured besides, by itself: others beside it would be measured with it.
const MEASURED: &str = "drills::slow_consumers";

/// Runs all drills with at least so many kills; everything else `factor` times as long as in a test run.
pub fn run(kills: usize, factor: usize, seed: Option<u64>) -> anyhow::Result<()> {
    let started = Instant::now();
    let drill = |arguments: &[&str]| -> anyhow::Result<()> {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--locked", "-p", "anser", "--test", "it", "--"])
            .args(arguments)
            .arg("--nocapture")
            .env("ANSER_DRILL_KILLS", kills.div_ceil(KILLERS).to_string())
            .env("ANSER_DRILL_FACTOR", factor.to_string())
            .current_dir(root());
        if let Some(seed) = seed {
            command.env("ANSER_DRILL_SEED", seed.to_string());
        }
        let status = command.status().context("cannot start cargo")?;
        ensure!(status.success(), "a drill failed; its seed is printed above (--seed repeats it)");
        Ok(())
    };
    drill(&[&DRILLS[..], &["--skip", MEASURED, "--test-threads", "2"]].concat())?;
    drill(&[MEASURED, "--test-threads", "1"])?;
    println!("all drills passed in {} s, at least {kills} kills", started.elapsed().as_secs());
    Ok(())
}
