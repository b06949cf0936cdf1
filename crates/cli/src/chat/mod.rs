//! `anser chat`: people talking in a terminal.
//!
//! ```text
//! keys, client events, results ──► update(model, input) ──► effects ──► work ──► results
//!                                        │
//!                                        ▼
//!                                  view(model) ──► screen
//! ```
//! `update` and `view` are pure: they neither wait nor read a clock, and tests drive them without a terminal.

pub mod asked;
pub mod blocks;
pub mod carrying;
pub mod commands;
pub mod composer;
pub mod forwarding;
pub mod keys;
pub mod layout;
pub mod link;
pub mod list;
pub mod listing;
pub mod looking;
pub mod model;
pub mod moving;
pub mod notices;
pub mod of_oneself;
pub mod opening;
pub mod overlay;
pub mod palette;
pub mod reasons;
pub mod reporting;
mod screen;
mod shell;
pub mod slash;
pub mod states;
pub mod step;
pub mod switcher;
pub mod tellings;
pub mod texts;
pub mod timeline;
pub mod times;
pub mod typing;
pub mod update;
pub mod view;
pub mod viewport;
mod work;
pub mod wrap;

pub use shell::{ChatOptions, run};
