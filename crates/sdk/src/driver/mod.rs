//! The driver: one task that runs the client core. It is the only place where the core meets sockets, timers and the
//! store.

mod actor;
mod completions;
mod connection;
mod credentials;
mod drafts;
mod forgetting;
mod gateways;
mod naming;
mod requests;
mod tell;
mod waits;

pub(crate) use actor::{Driver, DriverParts};
pub(crate) use credentials::{Credentials, CredentialsTask, Need};
pub(crate) use gateways::GatewayLists;
pub(crate) use requests::{Composed, Request};
