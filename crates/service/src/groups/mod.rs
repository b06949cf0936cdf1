//! Ordinary groups: making one, and who comes and goes. Each change raises the conversation's version by one and is
//! told to everybody it concerns by an entry in their inbox.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod invite;
pub(crate) mod kick;
pub(crate) mod leave;
