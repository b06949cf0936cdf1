//! Register, sign in, renew, sign out.

use anser_backend::{CreateUser, Others, User};
use anser_types::{DeviceClass, ErrorCode, Refusal, UserId};
use secrecy::SecretString;

use crate::accounts::password::{Verified, salt};
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
        let salt = salt(self.entropy());
        let hash = self.passwords().choose(password, user.clone(), salt).await?;
        let now = self.clock().now();
        match self.accounts().create_user(user, Some(hash), now).await.map_err(refused)? {
            CreateUser::Created(user) => self.new_device(user, None, class, device_name).await,
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
        let (user, verified) = self.right_password(user, password.clone()).await?;
        let anew = match verified {
            Verified::RightButOld => self.hash_anew(&user.id, password).await,
            _ => None,
        };
        self.new_device(user, anew, class, device_name).await
    }

    /// The user, if this is their password, and whether it was hashed with other work than is usual now. Behind the user's
    /// door look again ([`Self::must_have_password_of`]): it may have been changed meanwhile.
    pub(crate) async fn right_password(
        &self,
        id: UserId,
        password: SecretString,
    ) -> Result<(User, Verified), Refusal> {
        self.guesses().begin(&id)?;
        let not_tried = |refusal| {
            self.guesses().not_tried(&id);
            refusal
        };
        let found = self.accounts().user(id.clone()).await;
        let found = found.map_err(|error| not_tried(self.store_refusal(&error)))?;
        let stored = found.as_ref().and_then(|user| user.password_hash.clone());
        let verified = self.passwords().verify(password, stored).await;
        let (Some(user), verified @ (Verified::Right | Verified::RightButOld)) =
            (found, verified.map_err(not_tried)?)
        else {
            return Err(Refusal::new(ErrorCode::WrongCredentials));
        };
        self.guesses().right(&id);
        Ok((user, verified))
    }

    /// The password is still the one that was right. Call it behind the user's door, where it is also changed.
    pub(crate) async fn must_have_password_of(&self, user: &User) -> Result<(), Refusal> {
        let found = self.accounts().user(user.id.clone()).await;
        let found = found.map_err(|error| self.store_refusal(&error))?;
        if found.is_some_and(|now| now.password_hash == user.password_hash) {
            Ok(())
        } else {
            Err(Refusal::new(ErrorCode::WrongCredentials))
        }
    }

    /// A password whose hash is out of date is known only now. Failing is no reason to refuse the sign-in.
    async fn hash_anew(&self, user: &UserId, password: SecretString) -> Option<String> {
        let hash = self.passwords().hash(password, salt(self.entropy())).await;
        hash.inspect_err(|refusal| {
            tracing::info!(%refusal, %user, "a password is hashed anew another time");
        })
        .ok()
    }

    /// A token for a new device of a user whose password was right, and the other hash of that password, if there is one.
    async fn new_device(
        &self,
        user: User,
        anew: Option<String>,
        class: DeviceClass,
        name: String,
    ) -> Result<SignedIn, Refusal> {
        let _door = self.doors().enter(user.no).await;
        self.must_have_password_of(&user).await?;
        if let Some(hash) = anew
            && let Err(error) = self.accounts().set_password(user.no, hash).await
        {
            tracing::warn!(%error, user = %user.id, "a password could not be hashed anew");
        }
        self.issue(Bearer {
            user_no: user.no,
            user: user.id,
            device: None,
            class,
            name,
            others: Others::End,
        })
        .await
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
