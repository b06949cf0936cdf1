//! How a device gets what it missed: pages of its inbox, or a rebuild from conversation heads.

pub(crate) mod follow;
pub(crate) mod inbox;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod reset;
