//! The client as an app uses it: open one with [`ClientBuilder`], listen to its [`Events`](crate::Events), say things.

mod account;
mod alterations;
mod builder;
mod contacts;
mod contents;
mod conversations;
mod devices;
mod file_messages;
mod files;
mod group_members;
mod groups;
mod handle;
mod messages;
mod options;
mod own_devices;
mod presence;
mod reports;
mod server_search;
mod state;

pub use builder::{ClientBuilder, SyncMode};
pub use contents::{body_of, content_of};
pub use devices::{AppServerDevices, DeviceSource, NewDevice, PasswordDevices};
pub use file_messages::{ShowAs, file_in, file_of};
pub use files::UnfinishedUpload;
pub use group_members::ReadersPage;
pub use groups::MembersPage;
pub use handle::Client;
pub use messages::SentMessage;
pub use server_search::{ServerSearch, ServerSearchPage};
pub use state::ConnectionState;
