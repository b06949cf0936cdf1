//! Programs from PyPI that the checks use: their versions are named, and they are installed once, into an environment of
//! their own under `target`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};

use crate::files::root;

/// Where the programs of these packages are, in `target/<name>`; they are installed if they are not there in these
/// versions.
///
/// # Errors
/// What could not be installed, and what to do by hand: as for every other tool of the tests.
pub fn tools(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let place = root().join("target").join(name);
    let (stamp, programs) = (place.join("installed"), place.join("bin"));
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place), packages)?;
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    run(&mut pip, packages)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(programs)
}

fn run(command: &mut Command, packages: &[&str]) -> anyhow::Result<()> {
    println!("── installing {}: {command:?}", packages.join(" and "));
    let status = command.status();
    if !status.as_ref().is_ok_and(ExitStatus::success) {
        bail!(
            "the checks need {}, which cannot be installed: {command:?}: {status:?}; they need Python 3 with venv \
             (on Debian: apt-get install -y python3-venv) and a way to its packages",
            packages.join(" and ")
        );
    }
    Ok(())
}
