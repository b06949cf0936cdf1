//! The local store: an encrypted SQLite database that holds each message exactly once, the outbox, the device's
//! numbers and the queue of events the app has not confirmed.
//!
//! One directory per (user, device), one process at a time. A thread of its own owns the connection and does one
//! job after the other; [`Store`] is the handle to it.

mod alteration_rows;
mod apply;
mod arrivals;
mod change_rows;
mod channel_rows;
mod contact_rows;
mod conversation_list;
mod conversation_rows;
mod coverage;
mod device_rows;
mod doubts;
mod draft_rows;
mod error;
mod forgetting;
mod group_change;
mod group_rows;
mod history;
mod item_rows;
mod join_rows;
mod key;
mod lock;
mod message_rows;
mod opening;
mod option_rows;
mod outbox_rows;
mod schema;
mod search;
mod settings_rows;
mod snapshot;
mod upload_rows;
mod values;
mod worker;

pub use arrivals::{Arrival, ArrivalNo};
pub use conversation_list::{Conversation, TotalUnread};
pub use error::StoreError;
pub use forgetting::Forgotten;
pub use history::{HistoryPage, PageBounds};
pub use key::KeySource;
pub use message_rows::{ChatMessage, Status};
pub use opening::StoreOptions;
pub use option_rows::ConversationOptions;
pub use upload_rows::UploadNo;
pub use worker::{Applied, Store};

pub(crate) use coverage::Filled;
pub(crate) use draft_rows::KeptDraft;
pub(crate) use upload_rows::KeptUpload;
