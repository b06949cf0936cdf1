//! `cargo xtask frames` and `cargo xtask dictionary`: files of `anser-proto` that its own code makes. Tests of that crate
//! check that what is committed is what these make.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::files::root;

/// Runs the example that writes the files.
pub fn run(example: &str) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--locked", "-p", "anser-proto", "--example", example])
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "{example}: nothing was written");
    Ok(())
}
