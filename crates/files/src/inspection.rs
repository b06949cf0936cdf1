//! Complete bytes alone, while no store uses them: for an operator who wants to know how they are.

use std::io;
use std::sync::Arc;

use anser_backend::{BlobError, Condition};
use anser_types::Sha256;

use crate::disk::SystemDisk;
use crate::keep::Keeper;
use crate::lanes::Lanes;
use crate::settings::Keep;

/// See the module. It needs no spool, and changes nothing.
pub struct Inspection {
    keeper: Keeper,
    lanes: Lanes,
}

impl std::fmt::Debug for Inspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspection").field("keeper", &self.keeper).finish_non_exhaustive()
    }
}

impl Inspection {
    /// Looks into a place.
    ///
    /// # Errors
    /// A directory that is not there or cannot be used; settings that make no sense.
    pub fn of(keep: &Keep) -> io::Result<Self> {
        if let Keep::Directory(path) = keep {
            // It would be made otherwise.
            std::fs::read_dir(path)?;
        }
        let keeper = Keeper::open(keep, Arc::new(SystemDisk), 0)?;
        Ok(Self { keeper, lanes: Lanes::start(1, || {})? })
    }

    /// Asks whether the place can be reached.
    ///
    /// # Errors
    /// [`BlobError::Failed`] with what an object store says.
    pub async fn check(&self) -> Result<(), BlobError> {
        self.keeper.check().await
    }

    /// As [`anser_backend::Blobs::condition`].
    ///
    /// # Errors
    /// As there.
    pub async fn condition(&self, sha256: Sha256, bytes: u64) -> Result<Condition, BlobError> {
        self.keeper.condition(&self.lanes.reads, sha256, bytes).await
    }
}

impl Drop for Inspection {
    fn drop(&mut self) {
        self.lanes.close();
    }
}
