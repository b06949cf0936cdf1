//! Tests of the client SDK: its store alone, its transports alone, and whole clients against a real server in this
//! process.
#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod alterations;
mod channels;
mod chat;
mod compression;
mod contents;
mod endpoints;
mod forgetting;
mod full_disk;
mod group_rules;
mod groups;
mod history;
mod kill;
#[path = "../../../proto/tests/it/newer.rs"]
mod newer;
mod offline;
mod on_demand;
mod options;
mod people;
mod presence;
mod quic;
mod resume;
mod search;
mod server_search;
mod store_alterations;
mod store_channels;
mod store_groups;
mod store_lists;
mod store_opening;
mod store_rows;
mod trust;
mod versions;
mod wire;
mod world;
