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
    let mut file = match reads.run(move || Ranged::open(&path, None)).await {
        Err(BlobError::Unknown) => return Ok(Condition::Missing),
        opened => opened?,
    };
    if file.bytes != bytes {
        return Ok(Condition::Damaged);
    }
    let mut hash = Running::new();
    let mut more = true;
    while more {
        let take = move || {
            let block = file.next_from_disk()?;
            if let Some(block) = &block {
                hash.update(block);
            }
            Ok((file, hash, block.is_some()))
        };
        (file, hash, more) = reads.run(take).await?;
    }
    Ok(if hash.hash() == sha256 { Condition::Intact } else { Condition::Damaged })
}
