//! Everything a store reads back from a disk: rows, commits, the commit log, archives. Whatever the bytes are, they are
//! understood or refused with a reason; what is understood is written again as the same bytes.
#![no_main]

#[path = "bodies/store_records.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));
