//! The HTTP API of users: every command and every query, as a session has them.

mod client;
mod described;
mod files;
mod limits;
mod once;
mod pages;
mod routes;
mod rules;
mod uploads;
