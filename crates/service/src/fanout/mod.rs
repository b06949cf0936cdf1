//! Getting what was committed to the sessions that are connected here.

pub(crate) mod feeds;
pub(crate) mod mailbox;
pub(crate) mod registry;
pub(crate) mod route;
pub(crate) mod signals;
pub(crate) mod sweep;
