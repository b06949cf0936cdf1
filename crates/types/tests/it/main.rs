//! What the domain values promise.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod catalogue;
mod ids;
mod membership;
