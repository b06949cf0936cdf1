//! `cargo xtask test`: everything that must hold before a change lands, in the order that fails fastest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

use crate::files::root;
use crate::{bucket, judges, uploaders};

/// Programs the tests use, the Debian package each comes in, and what happens without it.
const TOOLS: &[(&str, &str)] = &[
    ("strace", "strace"),
    ("git", "git"),
    ("python3", "python3-venv"),
    ("pebble", "pebble"),
    ("npm", "npm"),
    ("ffmpeg", "ffmpeg"),
];

/// Runs format, lints, tidy, tests and the documentation build; stops at the first failure.
pub fn run() -> anyhow::Result<()> {
    install_missing_tools()?;
    judges::install()?;
    bucket::install()?;
    uploaders::install()?;
    let started = Instant::now();
    step("format", "cargo", &["fmt", "--all", "--check"])?;
    crate::tidy::run(false)?;
    step(
        "lints",
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    )?;
    // The fuzz targets are built apart; a lock file that is left behind would stop them on the day they are needed.
    let fuzz = ["tree", "--locked", "--depth", "0", "--manifest-path", "fuzz/Cargo.toml"];
    step("lock file of the fuzz targets", "cargo", &fuzz)?;
    // Not `--all-targets`: that would run the benchmarks, unoptimised and to no purpose.
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    let tests = [&["test", "--workspace", "--locked", "--no-fail-fast"], &targets[..]].concat();
    step("tests", "cargo", &tests)?;
    step("documentation tests", "cargo", &["test", "--workspace", "--locked", "--doc"])?;
    crate::contract::run()?;
    wasm_check()?;
    println!("all checks passed in {} s", started.elapsed().as_secs());
    Ok(())
}

fn step(name: &str, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    println!("── {name}: {program} {}", arguments.join(" "));
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{name} failed ({status}); run it alone with: {program} {}", arguments.join(" "));
    }
    println!("── {name}: ok, {} s", started.elapsed().as_secs());
    Ok(())
}

fn is_installed(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Installs what is missing with apt where that is possible; otherwise says what to install and stops.
fn install_missing_tools() -> anyhow::Result<()> {
    let missing: Vec<&str> = TOOLS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install -y {}", missing.join(" "));
    println!("── missing tools: {install}");
    let status = Command::new("sh")
        .args(["-c", &format!("apt-get update -qq && {install}")])
        .status()
        .context("cannot start sh")?;
    if !status.success() {
        bail!("the tests need {}; install them, on Debian with: {install}", missing.join(", "));
    }
    Ok(())
}

/// The sans-IO crates must build for the browser; said loudly where the target is not installed.
fn wasm_check() -> anyhow::Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let installed = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|path| std::path::Path::new(path.trim()).is_dir());
    if !installed {
        println!(
            "── SKIPPED: build for {TARGET}, the target is not installed (rustup target add {TARGET})"
        );
        return Ok(());
    }
    step(
        "build for the browser",
        "cargo",
        &["check", "--locked", "--target", TARGET, "-p", "anser-client"],
    )
}
