//! `cargo xtask dictionary`: trains the zstd dictionary of compressed frames with frames that are made up, the same ones
//! each time. A test of `anser-proto` checks that the committed file is what this makes.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::files::root;

/// Writes `crates/proto/src/compression/dictionary.bin`.
pub fn train() -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--locked", "-p", "anser-proto", "--example", "dictionary"])
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the dictionary was not trained");
    Ok(())
}
