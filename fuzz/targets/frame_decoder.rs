//! The frame decoder: bytes cut anywhere give the same frames or the same error, and never more than the limit.
#![no_main]

#[path = "bodies/frame_decoder.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
