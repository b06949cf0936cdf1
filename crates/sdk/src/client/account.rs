//! The account side of an open client: signing out, and going on with other credentials.

use secrecy::SecretString;
use tokio::sync::oneshot;

use super::handle::Client;
use crate::driver::Need;
use crate::error::Error;
use crate::http::SignedIn;

impl Client {
    /// Signs this device out at the server and closes the client. Messages stay in the store; what was not sent is
    /// sent by the next device that is logged in on it.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when no HTTP base is known, or the server cannot be reached: the client then goes on.
    pub async fn logout(&self) -> Result<(), Error> {
        let account = self.inner.account.as_ref().ok_or_else(no_http)?;
        let identity = self.inner.store.identity().await?.ok_or(Error::Closed)?;
        // Offline first: the server closes the session of a device it signs out, which is no news to the app.
        self.go_offline().await?;
        if let Err(refusal) = account.sign_out(&SecretString::from(identity.token.clone())).await
            && !is_signed_out(&refusal)
        {
            self.go_online().await?;
            return Err(refusal.into());
        }
        let signed_out = anser_client::io::Identity { token: String::new(), ..identity };
        self.inner.store.keep_identity(signed_out, None).await?;
        self.close().await;
        Ok(())
    }

    /// Goes on as a device that was signed in by other means: after [`Event::TokenExpired`](crate::Event::TokenExpired)
    /// or [`Event::StoreWasRestored`](crate::Event::StoreWasRestored). A device number other than the present one is
    /// a new device: what was not sent is settled first, so nothing is sent twice.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn take_device(&self, signed_in: SignedIn) -> Result<(), Error> {
        let (reply, taken) = oneshot::channel();
        let given = Need::Given { signed_in, reply };
        self.inner.needs.send(given).await.map_err(|_| Error::Closed)?;
        taken.await.map_err(|_| Error::Closed)
    }
}

pub(super) fn no_http() -> Error {
    let what = "no HTTP base URL is known: give one with http(…)";
    Error::Refused(anser_types::Refusal::because(anser_types::ErrorCode::ConfigInvalid, what))
}

const fn is_signed_out(refusal: &anser_types::Refusal) -> bool {
    use anser_types::ErrorCode::{SignedOut, TokenExpired, TokenInvalid, TokenReused};
    matches!(refusal.code, SignedOut | TokenExpired | TokenInvalid | TokenReused)
}
