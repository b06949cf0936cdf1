//! The archive: everything a store holds, as one file that no backend owns. Backups are archives, and the way from
//! one backend to another is an archive.
//!
//! ```text
//! header   magic, format version, log epoch, commit, start counter, time, program       CRC-32C
//! block*   length, kind, CRC-32C over the block's number and its bytes; whole records
//! trailer  a block of another kind: records per subject, root hash; nothing follows it
//! ```
//!
//! Records stand in ascending order of subject and key, each at most once; values are the rows of [`crate::codec`].
//! The root hash is SHA-256 over all records as they stand in the archive, so it is the same for the same content,
//! however it was cut into blocks, whichever store wrote it, and when. What derives from other records (tokens by
//! hash, users by id, a user's conversations) is not in it; tokens are only in it as hashes.
//!
//! Both ways stream: memory is bounded by one block. A reader trusts nothing that a checksum has not covered, and an
//! archive without its trailer is no archive.

mod error;
mod header;
mod reader;
mod record;
mod writer;

pub use error::ArchiveError;
pub use header::{FORMAT, Header};
pub use reader::Reader;
pub use record::{Counts, Entry, RootHash, Subject, Summary};
pub use writer::Writer;

/// Records are collected into blocks of about this size.
const BLOCK_BYTES: usize = 256 * 1024;
/// No block is larger; a reader refuses such a length before it allocates.
const BLOCK_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Length, kind, checksum.
const BLOCK_HEAD_BYTES: usize = 9;
const RECORDS: u8 = 1;
const TRAILER: u8 = 2;

/// A block's checksum also covers its place and kind: no block can be missing, moved or taken for another one.
fn checksum(number: u64, kind: u8, payload: &[u8]) -> u32 {
    let sum = crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), &[kind]);
    crc32c::crc32c_append(sum, payload)
}
