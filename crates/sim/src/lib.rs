//! Deterministic simulation of the real actors, and the checker.
//!
//! The *real* connection actor, service, writer and client core run on one thread with paused time, over a simulated
//! network, clock, randomness and disk. Same seed, same run. The checker reads what every client saw, and the raw
//! store, and names what was promised and not kept.

pub mod checker;
pub mod clock;
pub mod entropy;
pub mod host;
pub mod network;
pub mod scribe;
pub mod server;
pub mod store;
pub mod world;
