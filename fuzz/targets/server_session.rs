//! The server's half of a session under any client: an answer, a catalogued error, never a panic.
#![no_main]

#[path = "bodies/server_session.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
