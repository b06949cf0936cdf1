//! The command line of a person or a script: `chat`, `send`, `tail`, `history`, `edit`, `react`, `list`, `contact`, `group`, `token`, `bench`…
//!
//! Everything here is an ordinary client of the SDK: it never looks into a server's store.

mod alter;
pub mod bench;
mod changes;
pub mod chat;
pub mod command;
mod contact;
pub mod devices;
mod download;
mod failure;
pub mod files;
mod forward;
mod group;
mod history;
pub mod identity;
mod kinds;
mod list;
mod logging;
mod mine;
mod moving;
pub mod named;
pub mod news;
mod password;
pub mod people;
pub mod place;
pub mod plain;
pub mod presence;
mod printed_help;
pub mod readers;
mod report;
pub mod say;
mod search;
mod send;
mod session;
mod settings;
mod signals;
mod tail;
mod token;
mod upload;

pub use command::{Command, run};
pub use printed_help::{PrintedHelp, completions};
