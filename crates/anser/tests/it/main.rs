//! The real program as an operator meets it: started, asked, stopped, killed.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod acme;
mod backup;
mod commands;
mod drills;
mod files;
mod fsync_errors;
mod full_disk;
mod http;
mod http_once;
mod integrate;
mod judges;
mod kept;
mod kills;
mod life;
mod moderation;
mod mutual_tls;
mod online;
mod people;
mod program;
mod quic_restart;
mod refusals;
mod reload;
mod reports;
mod search;
mod secrets;
mod talk;
mod uploads;
