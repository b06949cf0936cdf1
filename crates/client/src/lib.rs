//! The sans-IO client core: outbox, sync, reconnect, order.
//!
//! It does no I/O, starts no thread and reads no clock, so the SDK, the command line, the load generator, the
//! simulator and the browser share it. Begin with [`core`]: it states the driving contract.

mod asks;
mod channel_held;
mod channel_log;
mod channel_reading;
mod channels;
mod clock;
pub mod core;
mod endpoint_list;
mod endpoints;
mod heartbeat;
pub mod io;
mod keeping;
mod levels;
mod marks;
mod nat;
mod networks;
pub mod order;
mod outbox;
mod presence;
pub mod queries;
mod rebuild;
mod receipts;
mod reconnect;
pub mod records;
mod restored;
mod rng;
mod sending;
mod session;
mod settling;
mod store;
mod sync;
mod translate;

pub use crate::core::Core;
pub use anser_proto::endpoint_list::ListKey;
pub use io::{
    AppEvent, Attempt, Config, Endpoint, Identity, Input, ListTrust, MessageState, Now, Output,
    QueryNo, Ticket, TransportKind,
};
pub use levels::Levels;
pub use nat::NatKnown;
pub use queries::{FoundMessage, MemberState, Query, Receipt, Reply};
pub use records::{
    ChannelMark, ChannelPosition, ConversationMark, ConversationRow, ConversationState,
    DeviceState, OutboxItem, OutboxState, OwnMessage, Rebuild, Record, RowUpdate, Settled,
    Snapshot, StoredMessage, UnknownEvent,
};
