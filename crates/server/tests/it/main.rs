//! What an operator is promised about configuration, first start, dump, doctor and their documents.
#![allow(clippy::unwrap_used, missing_docs)]

mod acme;
mod config;
mod doctor;
mod documents;
mod dump;
mod first_start;
mod gateways;
mod listeners;
mod machine;
mod place;
