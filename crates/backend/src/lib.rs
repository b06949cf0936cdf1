//! Storage ports, their in-memory reference, and the conformance suite that every backend runs.
//!
//! The log is the truth: whatever a command causes is one [`Append`] and reaches a store only through
//! [`Ledger::append_batch`]. [`Conversations`] and [`Accounts`] read (plus sign-in and administration, which have
//! no command number). This crate knows no protocol, no rules and no async runtime.

pub mod accounts;
pub mod append;
pub mod archive;
pub mod blobs;
pub mod codec;
#[cfg(feature = "test-support")]
pub mod conformance;
pub mod files;
pub mod ledger;
pub mod memory;
pub mod reads;
pub mod search;
#[cfg(feature = "test-support")]
pub mod testing;
pub mod weight;

pub use accounts::{Accounts, CreateUser, Device, NewToken, Others, Token, User};
pub use append::{
    Append, Appended, Assigned, Committed, InboxEntry, InboxWrite, MemberWrite, Origin, Record,
};
pub use blobs::{
    BlobError, BlobReader, Blobs, Condition, Examined, Reading, Upload, UploadState, UploadWriter,
    Variant,
};
pub use files::{Files, Hold, PutFile, Usage};
pub use ledger::{
    DeviceKey, ExpiryPolicy, ExpiryReport, InboxBounds, Ledger, LedgerStatus, SessionOpened,
    SoftPosition, StoreError, TrimPolicy, TrimReport,
};
pub use memory::{MemoryBackend, MemoryBlobs};
pub use reads::{
    Conversations, Heads, InboxPage, Inspect, Listing, Lists, Order, PageLimit, Position, Roster,
    Whom,
};
pub use search::SearchIndex;

use std::{future::Future, pin::Pin};

/// The future a port returns: boxed once per batch or page, never per message.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
