//! The dictionary's training, shared by the program that writes it, the tests and the benchmarks.
#![allow(dead_code, unreachable_pub, reason = "each of them uses a part")]

pub mod frames;
pub mod training;
pub mod words;
