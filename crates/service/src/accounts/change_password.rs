//! Changing a password: by its owner, who knows the old one, or by the app server. Everybody else is signed out.

use anser_types::{DeviceNo, ErrorCode, Refusal, UserId, UserNo};
use secrecy::SecretString;

use crate::accounts::app::AppCaller;
use crate::accounts::password::SALT_BYTES;
use crate::api::Ended;
use crate::service::Service;

impl Service {
    /// Replaces the password of the user whose token this is. When this returns, the user's other devices are signed out
    /// and their sessions have ended: who changes a password may do so because somebody else knows it (guarantee G26).
    ///
    /// # Errors
    /// `WrongCredentials` if `old` is not the password or there is none, `PasswordRefused`, `RateLimited` after too many
    /// wrong ones, `TokenInvalid`, `TokenExpired`, `Overloaded`, or what the store says.
    pub async fn change_password(
        &self,
        token: &str,
        old: SecretString,
        new: SecretString,
    ) -> Result<(), Refusal> {
        let asks = self.valid_token(token).await?;
        let user = self.right_password(asks.user_id, old).await?;
        self.replace_password(user.no, &user.id, new).await?;
        self.sign_out_everywhere(user.no, Some(asks.device.device)).await
    }

    /// Gives a user another password, or the first one, and signs all their devices out.
    ///
    /// # Errors
    /// `UserUnknown`, `PasswordRefused`, `Overloaded`, or what the store says.
    pub async fn reset_password(
        &self,
        _app: &AppCaller,
        user: UserId,
        new: SecretString,
    ) -> Result<(), Refusal> {
        let found =
            self.directory().user(&user).await.map_err(|error| self.store_refusal(&error))?;
        let no = found.ok_or_else(|| Refusal::because(ErrorCode::UserUnknown, user.as_str()))?;
        self.replace_password(no, &user, new).await?;
        self.sign_out_everywhere(no, None).await
    }

    async fn replace_password(
        &self,
        no: UserNo,
        user: &UserId,
        new: SecretString,
    ) -> Result<(), Refusal> {
        let mut salt = [0; SALT_BYTES];
        self.entropy().fill(&mut salt);
        let hash = self.passwords().choose(new, user.clone(), salt).await?;
        self.accounts().set_password(no, hash).await.map_err(|error| self.store_refusal(&error))
    }

    async fn sign_out_everywhere(
        &self,
        user: UserNo,
        but: Option<DeviceNo>,
    ) -> Result<(), Refusal> {
        let refused = |error| self.store_refusal(&error);
        let held = self.accounts().devices(user).await.map_err(refused)?;
        let others: Vec<DeviceNo> =
            held.into_iter().map(|held| held.device).filter(|one| Some(*one) != but).collect();
        let why = Ended::because(ErrorCode::SignedOut, "the password was changed");
        self.sign_out_these(user, &others, &why).await
    }
}
