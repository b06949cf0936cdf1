//! The client core under any host events and any server: it never panics, never has two tickets, says only what the
//! server's half of a session accepts, and never moves a cursor back within one log.
#![no_main]

#[path = "bodies/client_core.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
