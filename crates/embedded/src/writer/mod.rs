//! The one writer of the store: a thread that numbers, commits and publishes.
//!
//! Jobs stage what they would change (`stage`), a group of jobs becomes one commit of the log (`thread`), and only
//! after it are caches, readers and callers told.

mod alter;
mod append;
mod devices;
pub mod files;
mod members;
mod stage;
mod thread;

pub use append::append;
pub use devices::DeviceBook;
pub use stage::{Fault, Stage};
pub use thread::{Handle, Parts, start};
