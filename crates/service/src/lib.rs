//! The rules of the product: commands, writer, fan-out, receipts, sync, accounts.
//!
//! The door is [`Service`]: a gateway opens a [`Session`] per connection, hands in commands and queries as domain
//! values, and takes deliveries out of the session's [`Mailbox`]. This crate knows no protobuf, no HTTP, no SQL and
//! no concrete backend; time, randomness and stores are passed in.

mod accounts;
mod admission;
mod api;
mod cache;
mod directory;
mod door;
mod erase;
mod fanout;
mod files;
mod groups;
mod history;
mod lane;
mod lists;
mod messages;
mod metrics;
mod moderation;
mod pace;
mod presence;
mod rate;
mod readers;
mod receipts;
mod reports;
mod rules;
mod search;
mod service;
mod session;
mod sessionless;
mod settings;
mod stripes;
mod sync;
mod texts;
mod trim;
mod turns;
mod verdict;
mod visible;
mod writer;

pub use accounts::app::AppCaller;
pub use accounts::devices::{SignedInDevice, Which};
pub use anser_backend::Heads;
pub use anser_backend::Usage;
pub use anser_backend::search::Hit;
pub use api::*;
pub use fanout::mailbox::{ChannelDelivery, Delivery, Mailbox};
pub use files::{
    Challenge, Claim, FileLink, FilePorts, FileReader, FileSettings, NewUpload, UploadInto,
    UploadProgress, Variant,
};
pub use lane::Pending;
pub use metrics::names as metric_names;
pub use moderation::{InvalidWords, Words};
pub use pace::Penalties;
pub use reports::Reports;
pub use secrecy::SecretString;
pub use service::{Ports, Service, Status};
pub use session::{Page, Reader, Session};
pub use sessionless::{Allowance, Executed, KeyedCommand};
pub use settings::{Entropy, HashPlace, Hashing, SessionsPerClass, Settings};
pub use texts::ReadBody;
pub use turns::Turns;
