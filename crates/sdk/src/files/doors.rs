//! What every transfer goes through: the HTTP API with the token of the moment.

use anser_types::Refusal;
use secrecy::SecretString;

use crate::http::FilesClient;
use crate::store::{Store, StoreError};

/// The way to the server's files, and the store that knows the token.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    pub(crate) http: FilesClient,
    pub(crate) store: Store,
}

impl Doors {
    /// The token as it is now: it is renewed while a long transfer runs.
    pub(crate) async fn token(&self) -> Result<SecretString, Refusal> {
        let identity = self.store.identity().await?.ok_or(StoreError::Closed)?;
        Ok(SecretString::from(identity.token))
    }
}
