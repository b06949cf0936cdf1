//! `cargo xtask fuzz`: builds the fuzz targets for libFuzzer with the stable compiler and runs them.
//!
//! What the fuzzer finds worth keeping gathers in `target/fuzz/corpus`; `--keep` takes the smallest set that covers as
//! much over into `fuzz/corpus`, from where every run begins.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::files::root;

/// Every target; the binaries of `fuzz/Cargo.toml`.
const TARGETS: [&str; 6] = [
    "frame_decoder",
    "server_session",
    "client_session",
    "client_core",
    "store_records",
    "contents",
];

/// What makes the compiler count which code an input reaches. The address sanitizer is left out: it needs a nightly
/// compiler, and the crates that are fuzzed hold no unsafe code.
const FLAGS: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// An input that takes longer is a finding.
const INPUT_SECONDS: u32 = 10;
/// More memory than this is a finding.
const MEMORY_MIB: u32 = 1024;
/// The longest input that is kept in the repository.
const KEPT_BYTES: u32 = 1024;

/// Runs one target, or each, for so many seconds on one core.
pub fn run(seconds: u64, target: Option<&str>) -> anyhow::Result<()> {
    let host = build()?;
    for name in chosen(target)? {
        println!("── fuzz {name}: {seconds} s");
        let status = fuzzer(&host, name)?
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            .arg("-print_final_stats=1")
            .args([gathered(name)?, kept(name)?])
            .status()
            .with_context(|| format!("cannot start {name}"))?;
        ensure!(
            status.success(),
            "{name} found something: the input is in target/fuzz/artifacts; give its path to the binary to see it again"
        );
    }
    Ok(())
}

/// Takes what was gathered over into the repository, as few files as cover it.
pub fn keep(target: Option<&str>) -> anyhow::Result<()> {
    let host = build()?;
    for name in chosen(target)? {
        let status = fuzzer(&host, name)?
            // Which code is reached counts, not how often: a few files instead of thousands.
            .args([
                "-set_cover_merge=1".to_owned(),
                "-use_counters=0".to_owned(),
                "-use_cmp=0".to_owned(),
            ])
            .arg(format!("-max_len={KEPT_BYTES}"))
            .args([kept(name)?, gathered(name)?])
            .status()
            .with_context(|| format!("cannot start {name}"))?;
        ensure!(status.success(), "{name}: the corpus was not merged");
    }
    Ok(())
}

fn chosen(target: Option<&str>) -> anyhow::Result<Vec<&'static str>> {
    match target {
        None => Ok(TARGETS.to_vec()),
        Some(name) => match TARGETS.iter().find(|known| **known == name) {
            Some(known) => Ok(vec![known]),
            None => bail!("no fuzz target '{name}'; there are {}", TARGETS.join(", ")),
        },
    }
}

/// Builds all targets; for which machine. It is named to cargo so that the flags reach no build script.
fn build() -> anyhow::Result<String> {
    let about = Command::new("rustc").arg("-vV").output().context("cannot start rustc")?;
    let about = String::from_utf8(about.stdout)?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc names no host")?.to_owned();
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target", &host, "--target-dir", "target/fuzz"])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the fuzz targets do not build (libFuzzer needs a C++ compiler)");
    Ok(host)
}

fn fuzzer(host: &str, name: &str) -> anyhow::Result<Command> {
    let artifacts = root().join("target/fuzz/artifacts");
    std::fs::create_dir_all(&artifacts)?;
    let mut command =
        Command::new(root().join("target/fuzz").join(host).join("release").join(name));
    let prefix = artifacts.join(format!("{name}-"));
    command.arg(format!("-artifact_prefix={}", prefix.display())).current_dir(root());
    Ok(command)
}

/// Where this machine's finds gather.
fn gathered(name: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join("target/fuzz/corpus").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The corpus of the repository.
fn kept(name: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join("fuzz/corpus").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
