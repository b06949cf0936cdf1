//! Files through the whole program: one of them against `cp` of the same bytes in the same round, and messages beside many
//! uploads.
//!
//! `cargo bench -p anser --bench files -- --mib 1024 --rounds 5`, and with `--beside 12` the messages, so many times;
//! `--in DIR` chooses the disk, `--lockstep` lets all uploads send their bytes at the same moments.
//!
//! The clients run on the same machine and would take its cores from the server: that of the one file sends within the
//! system (`sendfile`), those of the many give way to everything else. Every copy is durable when its time ends: `cp`'s and
//! a download's by an fsync of the file, an upload's when it is answered. A download is also synced while it comes, as an
//! upload is. Cold: nothing of the source is in the system's memory when it begins.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod beside;
#[allow(dead_code)]
#[path = "../../tests/it/program.rs"]
mod program;
mod transfer;
mod wire;

use std::path::Path;

use program::Home;

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn number(name: &str, default: usize) -> usize {
    argument(name).map_or(default, |value| value.parse().unwrap())
}

/// One after the other, with so many decimals.
fn listed(values: &[f64], decimals: usize) -> String {
    values.iter().map(|value| format!(" {value:.decimals$}")).collect()
}

/// The middle one, or what lies between the two that are.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

fn main() {
    let place = argument("--in").unwrap_or_else(|| "/tmp".to_owned());
    let home = Home::inside(Path::new(&place));
    let server = home.serve();
    let settings = transfer::Settings { mib: number("--mib", 1024), rounds: number("--rounds", 3) };
    if settings.rounds > 0 {
        transfer::measure(&home, &server, &settings);
    }
    let lockstep = std::env::args().any(|argument| argument == "--lockstep");
    let turns = number("--beside", 0);
    if turns > 0 {
        beside::measure(&home, &server, turns, lockstep);
    }
    assert!(server.stop().0.success());
}
