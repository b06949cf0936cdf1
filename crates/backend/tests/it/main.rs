//! The reference under its own conformance suite, and what only the reference has: gates, crashes, faults.
#![allow(clippy::unwrap_used, missing_docs)]

mod archive;
mod conformance;
mod cuts;
mod memory;
mod properties;
mod sabotage;
