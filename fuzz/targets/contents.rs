//! What is in a content of any kind, whoever wrote it.
#![no_main]

#[path = "bodies/contents.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
