//! The commit log as bytes, without a store around it: for tools and tests that make, damage and read logs.

pub use crate::commit::{CommitBuilder, Operation, Operations};
pub use crate::keys::Table;
pub use crate::log::{
    Checkpoint, Damage, DurableMark, HEADER_BYTES, Recovered, Salt, Unread, recover, seal,
    segment_header, segment_name, survey,
};
