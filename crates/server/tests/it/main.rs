//! What an operator is promised about configuration, first start, dump, doctor and their documents.
#![allow(clippy::unwrap_used, missing_docs)]

mod config;
mod documents;
mod first_start;
mod place;
