//! Drills: the real server and real clients under everything that goes wrong outside of them, judged by the checker.
//!
//! Each is short here; `cargo xtask chaos` runs the same ones longer. Kill points are reached by strace or by the proxy,
//! never by anything in the product.

mod bad_network;
mod client_kills;
mod client_process;
mod connections;
pub mod length;
mod login_storm;
mod pace;
mod proxy;
mod raw_session;
mod server_kills;
mod slow_consumers;
mod slow_disk;
mod steps;
mod strace;
mod weather;
