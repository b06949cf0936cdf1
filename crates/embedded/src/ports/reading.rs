//! How ports read: settled first, then inline when it is cheap, else on a thread that may block.

use std::sync::Arc;

use anser_backend::StoreError;

use crate::core::Core;
use crate::pending::Scope;
use crate::store::EmbeddedStore;
use crate::tables::TableError;

impl EmbeddedStore {
    /// What is shared, if the store still runs.
    pub(crate) fn sound(&self) -> Result<&Arc<Core>, StoreError> {
        self.inner.core.check()?;
        Ok(&self.inner.core)
    }

    /// A read of a few rows, on the calling thread.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Core) -> Result<T, TableError>,
    ) -> Result<T, StoreError> {
        Ok(read(self.sound()?)?)
    }

    /// A read of many rows of one scope, which sees everything durable of it.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        scope: Scope,
        read: impl FnOnce(&Core) -> Result<T, TableError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let core = Arc::clone(self.sound()?);
        core.pending.settle(scope).await?;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime
                .spawn_blocking(move || read(&core))
                .await
                .map_err(|error| StoreError::Failed(error.to_string()))?
                .map_err(StoreError::from),
            Err(_) => Ok(read(&core)?),
        }
    }
}
