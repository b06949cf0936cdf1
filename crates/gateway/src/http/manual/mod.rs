//! The description of the routes as pages for people: one that a server shows by itself, and those of `docs/http`.

mod html;
mod markdown;
mod outline;

pub use html::{Page, page};
pub use markdown::{Chapter, chapters};
