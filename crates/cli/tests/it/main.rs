//! Tests of the command line's pure parts: the chat's model and screens, places, slots, printed shapes.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod alterations;
mod chat;
mod places;
mod printed;
mod scrolling;
mod slash;
mod support;
mod texts;
mod view;
mod widths;
