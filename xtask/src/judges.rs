//! Judges from outside: programs by others that look at the running server. Their versions stand here; they are installed
//! once, into `target/judges`.

use std::fs;
use std::process::{Command, ExitStatus};

use anyhow::{Context, bail};

use crate::files::root;

/// What looks at TLS, and what speaks WebSocket independently of the server's own library.
const PACKAGES: &[&str] = &["sslyze==6.3.1", "wsproto==1.3.2"];

/// Installs what is missing; otherwise says what to do by hand and stops, as for every other tool of the tests.
pub fn install() -> anyhow::Result<()> {
    let place = root().join("target/judges");
    let stamp = place.join("installed");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let python = place.join("bin/python");
    run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    run(Command::new(python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("── judges: {command:?}");
    let status = command.status();
    if !status.as_ref().is_ok_and(ExitStatus::success) {
        bail!(
            "the tests judge TLS and WebSocket by {}, which cannot be installed: {command:?}: {status:?}; \
             it needs Python 3 with venv (on Debian: apt-get install -y python3-venv) and a way to its packages",
            PACKAGES.join(" and ")
        );
    }
    Ok(())
}
