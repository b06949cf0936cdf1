//! `anser bench`: the load generator. Light clients (the sans-IO core without a store on disk) obey the whole
//! protocol, all six packets; latency is measured at the socket.
//!
//! Scenarios: `pairs` (closed loop), `rate` (open loop, safe against coordinated omission), `idle`, `group`,
//! `offline`, `storm`. Each message carries its sender's counter and its intended send time, so that lost, doubled
//! and reordered ones are counted and not believed.

mod body;
mod client;
mod fleet;
mod measure;
mod options;
mod pacer;
mod report;
mod scenarios;
mod server;
mod storm;
mod verify;
mod way;

pub use options::BenchOptions;
pub use scenarios::run;
