//! The command line of a person or a script: `chat`, `send`, `tail`, `history`, `edit`, `react`, `group`, `token`, `bench`…
//!
//! Everything here is an ordinary client of the SDK: it never looks into a server's store.

mod alter;
pub mod bench;
pub mod chat;
pub mod command;
mod failure;
mod group;
mod history;
pub mod identity;
mod logging;
pub mod place;
pub mod plain;
mod printed_help;
pub mod say;
mod search;
mod send;
mod session;
mod signals;
mod tail;
mod token;

pub use command::{Command, run};
pub use printed_help::{PrintedHelp, completions};
