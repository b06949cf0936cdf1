//! What the gateway promises, shown on real sockets and, where time matters, in memory with the clock paused.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_possible_truncation, missing_docs)]

mod api;
mod app_door;
mod certificate;
mod channels;
mod compression;
mod delivery;
mod development;
mod doors;
mod gateways;
mod golden;
mod hostile;
mod http;
mod inbox_truth;
mod moderation;
mod origins;
mod passwords;
mod peer;
mod people;
mod phases;
mod proxies;
mod quic;
mod searching;
mod shape;
mod silence;
mod stampede;
mod survival;
mod websocket;
mod world;
