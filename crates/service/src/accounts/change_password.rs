//! Changing a password: by its owner, who knows the old one, or by the app server. Everybody else is signed out.

use anser_types::{DeviceNo, ErrorCode, Refusal, UserId, UserNo};
use secrecy::SecretString;

use crate::accounts::app::AppCaller;
use crate::accounts::password::salt;
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
        let (user, _) = self.right_password(asks.user_id, old).await?;
        let hash = self.hash_of_choice(&user.id, new).await?;
        let _door = self.doors().enter(user.no).await;
        self.must_have_password_of(&user).await?;
        self.replace_password(user.no, hash, Some(asks.device.device)).await
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
        let no = self.known_user(&user).await?;
        let hash = self.hash_of_choice(&user, new).await?;
        let _door = self.doors().enter(no).await;
        self.replace_password(no, hash, None).await
    }

    async fn hash_of_choice(&self, user: &UserId, new: SecretString) -> Result<String, Refusal> {
        self.passwords().choose(new, user.clone(), salt(self.entropy())).await
    }

    /// The password, and the end of all devices but one. Call it behind the user's door: who signs in with the old one is
    /// there before, and is signed out, or comes after and is refused.
    async fn replace_password(
        &self,
        user: UserNo,
        hash: String,
        but: Option<DeviceNo>,
    ) -> Result<(), Refusal> {
        let refused = |error| self.store_refusal(&error);
        self.accounts().set_password(user, hash).await.map_err(refused)?;
        let held = self.accounts().devices(user).await.map_err(refused)?;
        let others: Vec<DeviceNo> =
            held.into_iter().map(|held| held.device).filter(|one| Some(*one) != but).collect();
        let why = Ended::because(ErrorCode::SignedOut, "the password was changed");
        self.end_these(user, &others, &why).await
    }
}
