//! Users, devices and tokens. Tokens are stored only as hashes, passwords only as argon2id strings.

use anser_types::{DeviceClass, DeviceNo, UnixMs, UserId, UserNo};

use crate::Boxed;
use crate::ledger::{DeviceKey, StoreError};

/// A user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Inside number, never given again.
    pub no: UserNo,
    /// Public id, never given again.
    pub id: UserId,
    /// argon2id string; `None` for users who sign in only with tokens minted by the app server.
    pub password_hash: Option<String>,
    /// When they came.
    pub created_at: UnixMs,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("no", &self.no).field("id", &self.id).finish_non_exhaustive()
    }
}

/// How creating a user ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateUser {
    /// Made; durable.
    Created(User),
    /// There was one with this id.
    Exists(User),
}

/// A token to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Whose.
    pub user: UserNo,
    /// For this device, or `None` for a new one, which gets the user's next device number.
    pub device: Option<DeviceNo>,
    /// What becomes of the device's other tokens.
    pub others: Others,
    /// The device's class.
    pub class: DeviceClass,
    /// What the device calls itself; may be empty.
    pub name: String,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: UnixMs,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// What becomes of a device's other tokens when it gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They end with this write.
    End,
    /// They go on until the new one is used ([`Accounts::settle_token`]): nobody knows yet whether it arrives. The
    /// device's oldest token stays, and of those made after it the newest, `TOKENS_PER_DEVICE` in all.
    EndWhenUsed,
}

/// A token as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose, on which device.
    pub device: DeviceKey,
    /// The user's public id.
    pub user_id: UserId,
    /// The device's class.
    pub class: DeviceClass,
    /// When it ends.
    pub expires_at: UnixMs,
    /// When a newer token of the device was used in its place; then it is good for nothing any more.
    pub superseded_at: Option<UnixMs>,
}

/// A device that holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Which.
    pub device: DeviceNo,
    /// Its class.
    pub class: DeviceClass,
    /// What it calls itself.
    pub name: String,
    /// When its present token was made.
    pub created_at: UnixMs,
    /// When that token ends.
    pub expires_at: UnixMs,
}

/// Accounts port. Every write is durable when its future ends.
pub trait Accounts: Send + Sync {
    /// Makes a user unless the id is taken.
    ///
    /// # Errors
    /// See [`StoreError`], here and below.
    fn create_user(
        &self,
        id: UserId,
        password_hash: Option<String>,
        at: UnixMs,
    ) -> Boxed<'_, Result<CreateUser, StoreError>>;

    /// A user by public id.
    fn user(&self, id: UserId) -> Boxed<'_, Result<Option<User>, StoreError>>;

    /// A user by number.
    fn user_by_no(&self, no: UserNo) -> Boxed<'_, Result<Option<User>, StoreError>>;

    /// Replaces the password; tokens are untouched (the caller revokes them).
    fn set_password(
        &self,
        user: UserNo,
        password_hash: String,
    ) -> Boxed<'_, Result<(), StoreError>>;

    /// Stores a token and returns its device. A new device number is never one that was used before. The device is
    /// described by its newest token.
    fn put_token(&self, token: NewToken) -> Boxed<'_, Result<DeviceNo, StoreError>>;

    /// A token by hash, expired and superseded ones too.
    fn token(&self, hash: [u8; 32]) -> Boxed<'_, Result<Option<Token>, StoreError>>;

    /// The token was used: if it was put beside others of its device ([`Others::EndWhenUsed`]), they end. Returns
    /// whether any did; only then is anything written. An unknown token, and the device's oldest, change nothing.
    ///
    /// Those that end stay known as superseded, the last `TOKENS_SUPERSEDED` of a device, until it is revoked or gets a
    /// token that ends all others.
    fn settle_token(&self, hash: [u8; 32], at: UnixMs) -> Boxed<'_, Result<bool, StoreError>>;

    /// Ends the tokens of one device, or of all. Returns the devices concerned, each once.
    fn revoke(
        &self,
        user: UserNo,
        device: Option<DeviceNo>,
    ) -> Boxed<'_, Result<Vec<DeviceNo>, StoreError>>;

    /// The user's devices that hold a token, each once, as its newest token describes it.
    fn devices(&self, user: UserNo) -> Boxed<'_, Result<Vec<Device>, StoreError>>;

    /// When each of the user's devices was connected last, by device, as far as it was noted
    /// ([`SoftPosition::Seen`](crate::SoftPosition::Seen)); those that were signed out since are among them.
    fn last_seen(&self, user: UserNo) -> Boxed<'_, Result<Vec<(DeviceNo, UnixMs)>, StoreError>>;
}
