//! The client core driven in virtual time against a small scripted server, with a store that can fail and a process
//! that can die at any transaction.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, missing_docs)]

mod beats;
mod channel_chaos;
mod channel_server;
mod channels;
mod chaos;
mod corpus;
mod crashes;
mod display;
mod endpoint_list;
mod host;
mod inbox;
mod lists;
mod outbox;
mod presence;
mod receipts;
mod restored;
mod server;
mod sessions;
mod world;
