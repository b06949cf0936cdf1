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
mod garbage;
mod life;
mod packets;
mod phases;
mod samples;
mod times;
mod unknown;
mod versions;
