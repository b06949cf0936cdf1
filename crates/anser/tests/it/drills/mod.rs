//! Drills: the real server and real clients under everything that goes wrong outside of them, judged by the checker.
//!
//! Each is short here; `cargo xtask chaos` runs the same ones longer. Kill points are reached by strace or by the proxy,
//! never by anything in the product.

mod bad_network;
mod client_kills;
mod connections;
mod length;
mod proxy;
mod raw_session;
mod server_kills;
mod slow_disk;
mod strace;
mod weather;
