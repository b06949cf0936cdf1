//! Pictures made in code, looked at through the crate's doors.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs)]

mod films;
mod hostile;
mod metadata;
mod moving;
mod polyglots;
mod samples;
mod sizes;
mod sniffing;
mod upright;
