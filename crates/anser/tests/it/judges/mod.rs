//! Judged from outside: programs by others look at the real server. `cargo xtask test` installs them; what they found is
//! shown by `cargo test -p anser --test it -- --nocapture judges::`.

mod tls;
mod websocket;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::text;

/// Says what was found even where the output of tests that pass is not shown.
fn tell(found: &str) {
    std::io::stderr().write_all(format!("{found}\n").as_bytes()).unwrap();
}

/// Runs Python with the judges' packages, and gives what it prints.
fn ask(words: &[&str]) -> String {
    let python: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "target", "judges", "bin", "python"]
            .iter()
            .collect();
    assert!(Path::new(&python).exists(), "the judges are not installed: cargo xtask test does it");
    let output = Command::new(python).args(words).stdin(Stdio::null()).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{words:?}: {}\n{out}\n{err}", output.status);
    out
}
