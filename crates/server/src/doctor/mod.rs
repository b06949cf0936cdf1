//! `anser doctor`: looks at everything a server needs, one line per check, each with its fix.

pub mod disk;
pub mod files;
pub mod finding;
mod kept_files;
pub mod machine;
pub mod ports;
pub mod run;
mod store_check;

pub use finding::{Finding, Verdict};
pub use run::examine;
pub use store_check::{salvage, verify};
