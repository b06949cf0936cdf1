//! Search on the in-memory log and a real directory.

mod agreement;
mod finding;
mod following;
mod trust;
mod upkeep;
mod world;
