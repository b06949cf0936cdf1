//! Register, sign in, renew, sign out.

use anser_backend::{CreateUser, Others, User};
use anser_types::{DeviceClass, ErrorCode, Refusal, UserId};
use secrecy::SecretString;

use crate::accounts::password::{SALT_BYTES, Verified};
use crate::accounts::tokens::Bearer;
use crate::api::{Ended, SignedIn};
use crate::service::Service;

impl Service {
    /// Makes an account with a password and signs its first device in.
    ///
    /// # Errors
    /// `RegistrationClosed`, `PasswordRefused`, `UserExists`, `InvalidArgument`, `Overloaded`, or what the store says.
    pub async fn register(
        &self,
        user: UserId,
        password: SecretString,
        class: DeviceClass,
        device_name: String,
    ) -> Result<SignedIn, Refusal> {
        if !self.settings().registration {
            return Err(Refusal::new(ErrorCode::RegistrationClosed));
        }
        let refused = |error| self.store_refusal(&error);
        // Before the costly hash: a taken name is no secret here.
        if self.accounts().user(user.clone()).await.map_err(refused)?.is_some() {
            return Err(Refusal::new(ErrorCode::UserExists));
        }
        let mut salt = [0; SALT_BYTES];
        self.entropy().fill(&mut salt);
        let hash = self.passwords().choose(password, user.clone(), salt).await?;
        let now = self.clock().now();
        match self.accounts().create_user(user, Some(hash), now).await.map_err(refused)? {
            CreateUser::Created(user) => {
                let _door = self.doors().enter(user.no).await;
                self.issue(Bearer {
                    user_no: user.no,
                    user: user.id,
                    device: None,
                    class,
                    name: device_name,
                    others: Others::End,
                })
                .await
            }
            CreateUser::Exists(_) => Err(Refusal::new(ErrorCode::UserExists)),
        }
    }

    /// Signs a new device in by password. Takes the same work and gives the same answer whether the user is unknown,
    /// has no password, or the password is wrong.
    ///
    /// # Errors
    /// `WrongCredentials`, `RateLimited` after too many wrong passwords, `TooManyDevices`, `InvalidArgument`, `Overloaded`,
    /// or what the store says.
    pub async fn sign_in(
        &self,
        user: UserId,
        password: SecretString,
        class: DeviceClass,
        device_name: String,
    ) -> Result<SignedIn, Refusal> {
        let user = self.right_password(user, password).await?;
        let _door = self.doors().enter(user.no).await;
        self.issue(Bearer {
            user_no: user.no,
            user: user.id,
            device: None,
            class,
            name: device_name,
            others: Others::End,
        })
        .await
    }

    /// The user, if this is their password. What is stored is hashed anew if it was hashed with less work than is usual now.
    pub(crate) async fn right_password(
        &self,
        id: UserId,
        password: SecretString,
    ) -> Result<User, Refusal> {
        self.guesses().begin(&id)?;
        let not_tried = |refusal| {
            self.guesses().not_tried(&id);
            refusal
        };
        let found = self.accounts().user(id.clone()).await;
        let found = found.map_err(|error| not_tried(self.store_refusal(&error)))?;
        let stored = found.as_ref().and_then(|user| user.password_hash.clone());
        let verified = self.passwords().verify(password.clone(), stored).await;
        let (Some(user), verified @ (Verified::Right | Verified::RightButOld)) =
            (found, verified.map_err(not_tried)?)
        else {
            return Err(Refusal::new(ErrorCode::WrongCredentials));
        };
        self.guesses().right(&id);
        if verified == Verified::RightButOld {
            self.hash_anew(&user, password).await;
        }
        Ok(user)
    }

    /// A password whose hash is out of date is known only now. Failing is no reason to refuse the sign-in.
    async fn hash_anew(&self, user: &User, password: SecretString) {
        let mut salt = [0; SALT_BYTES];
        self.entropy().fill(&mut salt);
        match self.passwords().hash(password, salt).await {
            Ok(hash) => {
                if let Err(error) = self.accounts().set_password(user.no, hash).await {
                    tracing::warn!(%error, user = %user.id, "a password could not be hashed anew");
                }
            }
            Err(refusal) => {
                tracing::info!(%refusal, user = %user.id, "a password is hashed anew another time");
            }
        }
    }

    /// Gives the same device a new token. The old one goes on until the new one is first used, to open a session or to
    /// be renewed, and at the longest to its own end: an answer that is lost on its way signs nobody out, the same
    /// request can be made again.
    ///
    /// # Errors
    /// `TokenInvalid`, `TokenExpired`, or what the store says.
    pub async fn renew(&self, token: &str) -> Result<SignedIn, Refusal> {
        let user = self.valid_token(token).await?.device.user;
        let _door = self.doors().enter(user).await;
        // Again behind the door: it may have ended while this waited.
        let old = self.still_valid(token).await?;
        self.settle_token(token).await?;
        let devices =
            self.accounts().devices(user).await.map_err(|error| self.store_refusal(&error))?;
        let name = devices
            .into_iter()
            .find(|device| device.device == old.device.device)
            .map_or_else(String::new, |device| device.name);
        self.issue(Bearer {
            user_no: user,
            user: old.user_id,
            device: Some(old.device.device),
            class: old.class,
            name,
            others: Others::EndWhenUsed,
        })
        .await
    }

    /// Ends a device's tokens, also one that was renewed and not used yet, and its sessions.
    ///
    /// # Errors
    /// `TokenInvalid`, or what the store says.
    pub async fn sign_out(&self, token: &str) -> Result<(), Refusal> {
        let device = self.known_token(token).await?.device;
        let why = Ended::because(ErrorCode::SignedOut, "");
        self.sign_out_these(device.user, &[device.device], &why).await
    }
}
