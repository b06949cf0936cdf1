//! The in-memory reference of every storage port, with an explicit crash model.
//!
//! It is the simplest thing that keeps every promise of the ports: other backends are compared with it, and
//! simulations run on it. What a crash keeps is `state::Durable`; what it loses is `process::Process`. Between
//! the two stands the [`CommitGate`], through which a simulator delays, refuses or cuts short a commit.
//!
//! Reading order: `state` (what is stored), `staging` (a batch before its commit), `apply` (an append becomes
//! numbered entries), `backend` (the machine), then one file per port.

mod accounts;
mod apply;
mod backend;
mod blobs;
mod faults;
mod files;
mod gate;
mod ledger;
mod process;
mod reads;
mod search;
mod staging;
mod state;

pub use backend::MemoryBackend;
pub use blobs::MemoryBlobs;
pub use faults::Image;
pub use gate::{AtOnce, CommitDecision, CommitGate, CommitKind, PendingCommit};
