//! Packages from PyPI and npm that the checks use: their versions are named, and they are installed once, under `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};

use crate::files::root;

const PYTHON: &str = "Python 3 with venv (on Debian: apt-get install -y python3-venv)";
const NODE: &str = "Node.js with npm (on Debian: apt-get install -y npm)";

/// Where the programs of these packages from PyPI are, in an environment of their own in `target/<name>`.
///
/// # Errors
/// What could not be installed, and what to do by hand: as for every other tool of the tests.
pub fn pypi(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let place = root().join("target").join(name);
    let programs = place.join("bin");
    once(&place, packages, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place), packages, PYTHON)?;
        let mut pip = Command::new(programs.join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
        run(&mut pip, packages, PYTHON)
    })?;
    Ok(programs)
}

/// Installs these packages from npm into `target/<name>`.
///
/// # Errors
/// As for [`pypi`].
pub fn npm(name: &str, packages: &[&str]) -> anyhow::Result<()> {
    let place = root().join("target").join(name);
    once(&place, packages, || {
        fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]).arg(&place);
        run(npm.args(packages), packages, NODE)
    })
}

/// Installs packages at a place, unless they are there in these versions.
fn once(
    place: &Path,
    packages: &[&str],
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (stamp, wanted) = (place.join("installed"), packages.join("\n"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn run(command: &mut Command, packages: &[&str], needed: &str) -> anyhow::Result<()> {
    println!("── installing {}: {command:?}", packages.join(" and "));
    let status = command.status();
    if !status.as_ref().is_ok_and(ExitStatus::success) {
        bail!(
            "the checks need {}, which cannot be installed: {command:?}: {status:?}; they need {needed} and a way to its \
             packages",
            packages.join(" and ")
        );
    }
    Ok(())
}
