//! Tests of the wire protocol, one subject per module.
#![allow(clippy::unwrap_used, missing_docs)]

mod bodies;
mod closing;
mod codec;
mod commands;
mod compression;
mod corpora;
#[path = "../../dictionary/mod.rs"]
mod dictionary;
#[path = "../frames/mod.rs"]
mod frames;
mod frozen;
mod garbage;
mod life;
mod newer;
mod packets;
mod pairings;
mod phases;
mod samples;
mod times;
mod unknown;
mod versions;
