//! The bytes of files: uploads on their way in a local spool, complete ones in a directory or an object store.
//!
//! A file can be read only after every byte of it was durable and compared with its hash (guarantee G21); what an upload
//! was told to have survives any crash (G1). The port is [`anser_backend::Blobs`]; this crate knows no protocol and no rule
//! of the product.
//!
//! Reading order: `store` (the port), `upload` (an upload and its owner), `spool` (its files), `keep` (complete bytes),
//! `inspection` (how they are, for an operator).
//! What may wait for a disk runs on the threads of `lanes`; each upload has one owner, reached through its `strand`.

mod disk;
mod hashing;
mod inspection;
mod keep;
mod lanes;
mod looks;
mod reading;
mod settings;
mod spool;
mod store;
mod strand;
mod upload;

pub use disk::{Disk, SystemDisk};
pub use inspection::Inspection;
pub use settings::{BucketSettings, Keep, Settings};
pub use store::FileStore;

/// Bytes of a block that is collected before it is written.
const BLOCK_BYTES: usize = 256 * 1024;
/// Blocks of an upload: one is filled while the others wait for the disk and the hash. They are all it has in memory.
const BLOCKS: usize = 4;
/// Bytes of a block that is read. Two of them are all a reader has in memory.
const READ_BYTES: usize = 256 * 1024;
