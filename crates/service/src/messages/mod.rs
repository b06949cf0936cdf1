//! What members say and read: sending, read positions, and how any command is decided.

pub(crate) mod again;
pub(crate) mod alter;
pub(crate) mod decide;
pub(crate) mod expiry;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod send;
pub(crate) mod speak;
