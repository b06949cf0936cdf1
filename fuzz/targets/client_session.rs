//! The client's half of a session under any server: a meaning, a catalogued error, never a panic.
#![no_main]

#[path = "bodies/client_session.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
