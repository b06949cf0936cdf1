//! The native client SDK: a driver on tokio around the client core, transports (TCP, TLS, WebSocket), an encrypted
//! store and a typed stream of events.
//!
//! Begin with [`Client::builder`]; the guide is `docs/develop/sdk.md`.

mod client;
mod clock;
mod driver;
mod endpoint;
mod error;
mod events;
mod files;
pub mod http;
pub mod store;
mod tls;
pub mod transports;
mod trust;

pub use anser_client::ListKey;
pub use anser_client::io::ListTrust;
pub use anser_client::queries::MemberState;
pub use anser_trust::CertificatePin;
pub use anser_types as types;
pub use client::{
    AppServerDevices, Client, ClientBuilder, ConnectionState, DeviceSource, MembersPage, NewDevice,
    PasswordDevices, ReadersPage, SentMessage, ServerSearch, ServerSearchPage, ShowAs, SyncMode,
    UnfinishedUpload, body_of, content_of, file_in, file_of,
};
pub use clock::SystemClock;
pub use endpoint::{Endpoint, Scheme};
pub use error::Error;
pub use events::{Delivery, Event, Events};
pub use files::{
    FileAt, Recording, Transfer, TransferProgress, TransferState, UploadOptions, UploadSource,
    shorten_name,
};
pub use http::{FileInfo, FileLinks, FileUsage};
pub use secrecy::SecretString;
pub use store::{
    ChatMessage, Conversation, ConversationOptions, HistoryPage, PageBounds, Status, TotalUnread,
    UploadNo,
};
pub use tls::{ClientCertificate, TlsTerms};
pub use trust::Trust;
