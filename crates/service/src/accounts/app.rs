//! The app server's door: users and tokens of those it answers for.

use anser_backend::{CreateUser, Others};
use anser_types::{DeviceClass, DeviceNo, ErrorCode, Refusal, UserId, UserNo};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::accounts::tokens::Bearer;
use crate::api::SignedIn;
use crate::service::Service;

/// Proof that a request came with an accepted API key: only the service makes one.
#[derive(Clone, Debug)]
pub struct AppCaller(());

impl Service {
    /// Checks an API key, in a time that says nothing about how much of it is right.
    ///
    /// # Errors
    /// `ApiKeyInvalid`.
    pub fn authenticate_app(&self, key: &str) -> Result<AppCaller, Refusal> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let known = self
            .settings()
            .api_keys
            .iter()
            .fold(Choice::from(0), |found, known| found | known.ct_eq(&hash));
        if bool::from(known) {
            Ok(AppCaller(()))
        } else {
            Err(Refusal::new(ErrorCode::ApiKeyInvalid))
        }
    }

    /// On a development server everybody has what elsewhere takes an API key, as far as a caller lets them.
    #[must_use]
    pub fn development(&self) -> Option<AppCaller> {
        self.settings().development.then_some(AppCaller(()))
    }

    /// The number of a user whom an app server names.
    ///
    /// # Errors
    /// `UserUnknown`, or what the store says.
    pub(crate) async fn known_user(&self, user: &UserId) -> Result<UserNo, Refusal> {
        let found =
            self.directory().user(user).await.map_err(|error| self.store_refusal(&error))?;
        found.ok_or_else(|| Refusal::because(ErrorCode::UserUnknown, user.as_str()))
    }

    /// Makes a user without a password.
    ///
    /// # Errors
    /// `UserExists`, or what the store says.
    pub async fn create_user(&self, _app: &AppCaller, user: UserId) -> Result<(), Refusal> {
        let now = self.clock().now();
        let made = self
            .accounts()
            .create_user(user, None, now)
            .await
            .map_err(|error| self.store_refusal(&error))?;
        match made {
            CreateUser::Created(_) => Ok(()),
            CreateUser::Exists(_) => Err(Refusal::new(ErrorCode::UserExists)),
        }
    }

    /// Makes a token for a user's device: a new one, or (by number) one that holds a token, which then ends.
    ///
    /// # Errors
    /// `UserUnknown` (unless `create`), `TooManyDevices`, `InvalidArgument`, or what the store says.
    pub async fn mint_token(
        &self,
        _app: &AppCaller,
        user: UserId,
        device: Option<DeviceNo>,
        class: DeviceClass,
        name: String,
        create: bool,
    ) -> Result<SignedIn, Refusal> {
        let refused = |error| self.store_refusal(&error);
        let user_no = match self.directory().user(&user).await.map_err(refused)? {
            Some(no) => no,
            None if create => {
                let now = self.clock().now();
                match self.accounts().create_user(user.clone(), None, now).await.map_err(refused)? {
                    CreateUser::Created(user) | CreateUser::Exists(user) => user.no,
                }
            }
            None => return Err(Refusal::because(ErrorCode::UserUnknown, user.as_str())),
        };
        let _door = self.doors().enter(user_no).await;
        if let Some(device) = device {
            self.must_hold_a_token(user_no, device).await?;
        }
        let others = Others::End;
        let minted = self.issue(Bearer { user_no, user, device, class, name, others }).await?;
        if device.is_some() {
            self.doors().note_revocation();
        }
        Ok(minted)
    }

    async fn must_hold_a_token(&self, user: UserNo, device: DeviceNo) -> Result<(), Refusal> {
        let devices =
            self.accounts().devices(user).await.map_err(|error| self.store_refusal(&error))?;
        if devices.iter().any(|known| known.device == device) {
            return Ok(());
        }
        let detail = format!("device {device} holds no token; leave it out to get a new device");
        Err(Refusal::because(ErrorCode::InvalidArgument, detail))
    }
}
