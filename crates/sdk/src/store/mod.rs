//! The local store: an encrypted SQLite database that holds each message exactly once, the outbox, the device's
//! numbers and the queue of events the app has not confirmed.
//!
//! One directory per (user, device), one process at a time. A thread of its own owns the connection and does one
//! job after the other; [`Store`] is the handle to it.

mod alteration_rows;
mod apply;
mod arrivals;
mod change_rows;
mod conversation_rows;
mod coverage;
mod device_rows;
mod doubts;
mod error;
mod history;
mod key;
mod lock;
mod message_rows;
mod opening;
mod outbox_rows;
mod schema;
mod search;
mod snapshot;
mod values;
mod worker;

pub use arrivals::{Arrival, ArrivalNo};
pub use conversation_rows::Conversation;
pub use error::StoreError;
pub use history::{HistoryPage, PageBounds};
pub use key::KeySource;
pub use message_rows::{ChatMessage, Status};
pub use opening::StoreOptions;
pub use worker::{Applied, Store};

pub(crate) use coverage::Filled;
