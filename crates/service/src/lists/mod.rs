//! A user's own lists: contacts, settings, options of conversations, messages removed for oneself. Each item is altered
//! by a change of the user's own conversation, so that it is numbered, told to all one's devices and read again like
//! everything else.

pub(crate) mod contacts;
pub(crate) mod hide;
pub(crate) mod options;
pub(crate) mod own;
pub(crate) mod pages;
pub(crate) mod put_away;
pub(crate) mod query;
pub(crate) mod reach;
pub(crate) mod settings;
