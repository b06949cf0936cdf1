//! Who is online, for those who want to know and may: told to the sessions that watch a user, never stored in an inbox.
//!
//! The board keeps who is here and who watches whom; one task, the teller, looks at what the watched let others see and
//! puts the newest state into the watchers' mailboxes. States replace each other on their way, so a user who flaps costs
//! no more than one who does not, and nothing here is ever waited for by a command.

pub(crate) mod board;
pub(crate) mod look;
pub(crate) mod teller;
pub(crate) mod watch;
