//! `anser dump`: everything the store holds, read offline and raw, without rules. Checkers compare it with what
//! clients were told.

pub mod lines;
pub mod walk;

pub use walk::{Counts, Ports, Selection, WalkError, walk};
