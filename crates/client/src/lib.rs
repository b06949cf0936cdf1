//! The sans-IO client core: outbox, sync, reconnect, order.
//!
//! It does no I/O, starts no thread and reads no clock, so the SDK, the command line, the load generator, the
//! simulator and the browser share it. Begin with [`core`]: it states the driving contract.

pub mod io;
pub mod queries;
pub mod records;
