//! Packages from npm that the checks use: their versions are named, and they are installed once, under `target`.

use std::fs;
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};

use crate::files::root;

/// Installs these packages into `target/<name>` if they are not there in these versions.
///
/// # Errors
/// What could not be installed, and what to do by hand.
pub fn install(name: &str, packages: &[&str]) -> anyhow::Result<()> {
    let place = root().join("target").join(name);
    let (stamp, wanted) = (place.join("installed"), packages.join("\n"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]).arg(&place);
    npm.args(packages);
    println!("── installing {}: {npm:?}", packages.join(" and "));
    let status = npm.status();
    if !status.as_ref().is_ok_and(ExitStatus::success) {
        bail!(
            "the checks need {}, which cannot be installed: {npm:?}: {status:?}; they need Node.js with npm (on Debian: \
             apt-get install -y npm) and a way to its packages",
            packages.join(" and ")
        );
    }
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
