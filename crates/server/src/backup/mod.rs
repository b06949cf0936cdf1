//! `anser backup` and `anser restore`: archives of the whole store, made from a running server through its admin door
//! or from a stopped one directly, and stores made from archives.

pub mod commands;
mod door;
mod fetch;
mod part;
mod report;

pub use door::Door;
pub(crate) use fetch::ask;
