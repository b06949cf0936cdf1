//! The checker's verdicts, and what the simulation shows.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "tests")]

mod backups;
mod bugs;
mod checker;
mod determinism;
mod found;
mod seeds;
