//! Whether a kept file still has the hash by which it is named: read block by block, in turn with what others read.

use std::path::PathBuf;

use anser_backend::{BlobError, Condition};
use anser_types::Sha256;

use crate::hashing::Running;
use crate::lanes::Lane;
use crate::reading::Ranged;

/// See [`anser_backend::Blobs::condition`].
pub(super) async fn condition(
    reads: &Lane,
    path: PathBuf,
    sha256: Sha256,
    bytes: u64,
) -> Result<Condition, BlobError> {
    let mut file = match reads.run(move || Ok(Ranged::open_on_disk(&path))).await? {
        Err(BlobError::Unknown) => return Ok(Condition::Missing),
        Err(error) => return Ok(Condition::Unreadable(error.to_string())),
        Ok(file) if file.bytes != bytes => return Ok(Condition::Damaged),
        Ok(file) => file,
    };
    let mut hash = Running::new();
    loop {
        let take = move || {
            let block = file.next_from_disk();
            if let Ok(Some(block)) = &block {
                hash.update(block);
            }
            Ok((file, hash, block.map(|block| block.is_some())))
        };
        let more;
        (file, hash, more) = reads.run(take).await?;
        match more {
            Ok(true) => {}
            Ok(false) if hash.hash() == sha256 => return Ok(Condition::Intact),
            Ok(false) => return Ok(Condition::Damaged),
            Err(error) => return Ok(Condition::Unreadable(error.to_string())),
        }
    }
}
