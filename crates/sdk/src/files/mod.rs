//! Files on their way: uploads and downloads that go on by themselves after breaks.
//!
//! ```text
//! Client::upload ──► Transfer (the app's handle)          drive: one task each
//!                       │  wishes: pause, resume, cancel     │  attempt ─► HTTP ─► done
//!                       ◄── progress ────────────────────────┤     └─ refused: wait, again, or give up
//! ```
//! What is sent or received is read and written piece by piece: memory does not depend on a file's size.

mod doors;
mod download;
mod drive;
mod grown;
mod opened;
mod part;
mod patience;
mod piece_size;
mod recording;
mod running;
mod source;
mod transfer;
mod upload;

pub use download::FileAt;
pub use recording::Recording;
pub use source::{UploadOptions, UploadSource, shorten_name};
pub use transfer::{Transfer, TransferProgress, TransferState};

pub(crate) use doors::Doors;
pub(crate) use download::{Receiving, in_memory};
pub(crate) use drive::begin;
pub(crate) use opened::Stamp;
pub(crate) use running::{RunningUpload, RunningUploads};
pub(crate) use source::Wanted;
pub(crate) use upload::Sending;
