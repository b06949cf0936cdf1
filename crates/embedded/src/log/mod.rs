//! The commit log: one write and one fdatasync per commit is the ack.
//!
//! Preallocated segments hold records with a dense commit number and a checksum over everything, so that damage is
//! told exactly from a torn tail: only what stands after the last readable record may be a torn tail.

mod marks;
mod record;
mod recovery;
mod segment;
mod survey;
mod writer;

pub use marks::{Checkpoint, DurableMark};
pub use record::{HEADER_BYTES, Salt, seal};
pub use recovery::{Damage, Recovered, recover};
pub use segment::{has_segments, header as segment_header, name_of as segment_name};
pub use survey::{Unread, survey};
pub use writer::{AppendError, CommitLog};
