//! The account of the user who is logged in: its devices, signing them out from here, and its password.

use anser_types::DeviceNo;
use secrecy::SecretString;

use super::account::no_http;
use super::handle::Client;
use crate::error::Error;
use crate::http::{AccountClient, OwnDevice};

impl Client {
    /// One's own devices that are signed in, by number: class, name, when each was here last, and which is this one.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when no HTTP base is known, or the server cannot be reached.
    pub async fn devices(&self) -> Result<Vec<OwnDevice>, Error> {
        let (account, token) = self.account().await?;
        Ok(account.devices(&token).await?)
    }

    /// Signs another device out: when this returns its token is void, and its session has ended.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` of a device that is not signed in, else as [`Self::devices`].
    pub async fn sign_out_device(&self, device: DeviceNo) -> Result<(), Error> {
        let (account, token) = self.account().await?;
        Ok(account.sign_out_device(&token, device).await?)
    }

    /// Signs all devices out but this one. Returns which those were.
    ///
    /// # Errors
    /// As [`Self::devices`].
    pub async fn sign_out_other_devices(&self) -> Result<Vec<DeviceNo>, Error> {
        let (account, token) = self.account().await?;
        Ok(account.sign_out_others(&token).await?)
    }

    /// Replaces the user's password. When this returns, all other devices of the user are signed out.
    ///
    /// # Errors
    /// `WRONG_CREDENTIALS` if `old` is not the password, `PASSWORD_REFUSED` with the reason, `RATE_LIMITED` after too many
    /// wrong ones, else as [`Self::devices`].
    pub async fn change_password(&self, old: SecretString, new: SecretString) -> Result<(), Error> {
        let (account, token) = self.account().await?;
        Ok(account.change_password(&token, &old, &new).await?)
    }

    async fn account(&self) -> Result<(&AccountClient, SecretString), Error> {
        let account = self.inner.account.as_ref().ok_or_else(no_http)?;
        let identity = self.inner.store.identity().await?.ok_or(Error::Closed)?;
        Ok((account, SecretString::from(identity.token)))
    }
}
