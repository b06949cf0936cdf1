//! The HTTP API: accounts (register, sign in, renew, sign out), files and uploads, and the app-server door.
//!
//! Numbers of 64 bits travel as decimal strings; refusals as `application/problem+json`.

mod account;
mod app_server;
mod connection;
mod decimal;
mod file_json;
mod files;
mod uploads;

pub use account::{AccountClient, DeviceDescription, OwnDevice, SignedIn};
pub use app_server::{AppServerClient, Sent};
pub use connection::HttpConnection;
pub use files::{FileContent, FileInfo, FileLinks, FileUsage, FilesClient};
pub use uploads::{Challenge, NewUpload, Piece, PieceBytes, UploadAt};

pub(crate) use uploads::whole;
