//! The composition root of the server: configuration, first start, lifecycle, telemetry, and the operator's
//! commands. The only crate that names a concrete backend.

pub mod acme;
pub mod announcement;
pub mod api_key;
pub mod app;
pub mod backup;
pub mod certificate;
pub mod command;
pub mod config;
pub mod data_dir;
pub mod doctor;
pub mod dump;
pub mod errors_page;
pub mod failure;
mod files;
pub mod first_start;
pub mod gateways;
pub mod limits_page;
pub mod listeners;
pub mod machine;
pub mod moderation;
pub mod open_files;
pub mod reports;
pub mod search;
pub mod secret_file;
pub mod serve;
pub mod setup;
pub mod store;
pub mod telemetry;
pub mod voice;

pub use anser_types::{ErrorCode, Failure, exit};
pub use command::{Command, run};
