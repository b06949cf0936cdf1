//! What the embedded store promises: the conformance suite, and what a disk can do to it.
#![allow(clippy::unwrap_used, missing_docs)]

mod backup;
mod concurrency;
mod conformance;
mod corpus;
mod crash_images;
mod doubtful_tail;
mod faults;
mod first_start;
mod flips;
mod growth;
mod recovery;
mod simulated_disk;
mod talk;
