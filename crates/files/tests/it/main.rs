//! What the bytes of files promise: the conformance suite, and what a disk, a crash and other people can do to them.
#![allow(clippy::unwrap_used, missing_docs)]

mod buckets;
mod conditions;
mod conformance;
mod crashes;
mod disks;
mod faults;
mod garbage;
mod memory;
mod moto;
mod people;
mod pictures;
mod places;
mod writers;
