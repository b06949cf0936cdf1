//! Getting what was committed to the sessions that are connected here.

pub(crate) mod mailbox;
