//! The checker's verdicts, and what the simulation shows.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod checker;
mod determinism;
mod seeds;
