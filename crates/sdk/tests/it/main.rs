//! Tests of the client SDK: its store alone, its transports alone, and whole clients against a real server in this
//! process.
#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod alterations;
mod channels;
mod chat;
mod endpoints;
mod full_disk;
mod group_rules;
mod groups;
mod history;
mod kill;
mod offline;
mod options;
mod people;
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
mod world;
