//! Where a client gets a device from: at the first start, when its token has ended, and when its store turned out to
//! be an old copy.

use std::future::Future;
use std::pin::Pin;

use anser_types::{Refusal, UserId};
use secrecy::SecretString;

use crate::http::{AccountClient, AppServerClient, DeviceDescription, SignedIn};

/// A device on its way.
pub type NewDevice<'a> = Pin<Box<dyn Future<Output = Result<SignedIn, Refusal>> + Send + 'a>>;

/// Signs the user in as a *new* device. An app without passwords implements it by asking its own server.
pub trait DeviceSource: Send + Sync + std::fmt::Debug {
    /// Whose devices these are.
    fn user(&self) -> &UserId;

    /// Takes a new device. A retryable refusal is tried again by the client with growing pauses.
    fn new_device(&self) -> NewDevice<'_>;
}

/// Devices by password over the HTTP API. The password stays in memory only.
#[derive(Debug)]
pub struct PasswordDevices {
    pub(super) account: AccountClient,
    pub(super) user: UserId,
    pub(super) password: SecretString,
    pub(super) device: DeviceDescription,
}

impl DeviceSource for PasswordDevices {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn new_device(&self) -> NewDevice<'_> {
        Box::pin(self.account.sign_in(&self.user, &self.password, &self.device))
    }
}

/// Devices by an app server's API key: for bots, tools on the server's machine, and tests.
#[derive(Debug)]
pub struct AppServerDevices {
    app_server: AppServerClient,
    user: UserId,
    device: DeviceDescription,
}

impl AppServerDevices {
    /// Devices of this user; an unknown user is made.
    #[must_use]
    pub const fn new(app_server: AppServerClient, user: UserId, device: DeviceDescription) -> Self {
        Self { app_server, user, device }
    }
}

impl DeviceSource for AppServerDevices {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn new_device(&self) -> NewDevice<'_> {
        Box::pin(self.app_server.mint_token(&self.user, &self.device, true, None))
    }
}
