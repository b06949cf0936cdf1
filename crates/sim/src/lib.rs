//! Deterministic simulation of the real actors, and the checker.
//!
//! The *real* connection actor, service, writer and client core run on one thread with paused time, over a simulated
//! network, clock, randomness and disk. Same seed, same run. The checker reads what every client saw, and the raw
//! store, and names what was promised and not kept.

pub mod audit;
pub mod bend;
pub mod chaos;
pub mod checker;
pub mod clock;
pub mod coverage;
pub mod disk;
pub mod entropy;
mod faults;
mod habits_of_lists;
pub mod hints;
pub mod host;
pub mod network;
pub mod readings;
pub mod reception;
pub mod scribe;
pub mod seams;
pub mod search;
pub mod server;
pub mod store;
pub mod trace;
mod workload;
pub mod world;
