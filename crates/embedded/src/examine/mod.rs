//! Looking at every byte of a store that nobody uses: what is intact, what is damaged, and what each damage touches.
//!
//! Nothing is repaired and nothing is served. The tables are read with what the commit log adds to them, row by row,
//! also around places that do not read; what contradicts itself or is missing is named by conversation, inbox and
//! number, so that an operator knows what a salvage cannot bring back.

mod checks;
mod rows;
mod run;

pub use run::{Damage, Examination, Found, examine};
