//! What the service promises, in domain words: users, devices and groups on the in-memory reference store.
#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod alterations;
mod app_door;
mod catalogue_doors;
mod channels;
mod contacts;
mod exactly_once;
mod expiry;
mod forgetting;
mod group_rules;
mod groups;
mod hardship;
mod history;
mod messages;
mod permissions;
mod presence;
mod put_away;
mod readers;
mod receipts;
mod search;
mod sessions;
mod sync;
mod world;
