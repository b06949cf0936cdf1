//! Tests of the command line's pure parts: the chat's model and screens, places, slots, printed shapes.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod alterations;
mod asking;
mod chat;
mod files;
mod forwarding;
mod lists;
mod news;
mod notices;
mod people;
mod places;
mod presence;
mod printed;
mod reporting;
mod scrolling;
mod slash;
mod support;
mod texts;
mod view;
mod widths;
