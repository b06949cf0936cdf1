//! Version 1 of the wire messages, generated from `proto/anser/v1` by `cargo xtask generate`; never edited by hand.
#![allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic, rustdoc::all)]

include!("generated/anser.v1.rs");
