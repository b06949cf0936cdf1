//! Both halves of a session, without I/O: frames in, requests out, and encoders for the way back.

pub mod client;
pub mod gate;
mod packing;
pub mod received;
pub mod server;
mod writing;
