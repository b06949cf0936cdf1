//! Search on the in-memory log and a real directory.
#![allow(clippy::unwrap_used, missing_docs)]

mod agreement;
mod finding;
mod following;
mod trust;
mod upkeep;
mod world;
