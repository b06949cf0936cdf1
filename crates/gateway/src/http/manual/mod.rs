//! The description of the routes as pages for people: one that a server shows by itself, and those of `docs/http`.

mod html;
mod markdown;
mod outline;

use std::fmt::Write as _;

pub use html::{Page, page};
pub use markdown::{Chapter, chapters};

/// Writing to a String cannot fail.
fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    if text.write_fmt(more).is_err() {
        unreachable!("a String takes every write");
    }
}
