//! Passwords: argon2id, in a bounded number at once, with the same work for users that exist and users that do not.

use std::sync::Arc;
use std::time::Duration;

use anser_types::limits::PASSWORD_CHARS;
use anser_types::{ErrorCode, Refusal};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};

use crate::settings::{HashPlace, Hashing};

/// Bytes of a salt.
pub(crate) const SALT_BYTES: usize = 16;

/// When a sign-in that found no room may come back: in this time dozens of others are done.
const RETRY_AFTER_MS: u32 = 1_000;

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    hashing: Hashing,
    running: Arc<Semaphore>,
    /// Those that run and those that wait.
    room: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(hashing: Hashing) -> Self {
        let at_once = hashing.at_once.max(1);
        Self {
            hashing,
            running: Arc::new(Semaphore::new(at_once)),
            room: Arc::new(Semaphore::new(at_once + hashing.waiting)),
        }
    }

    /// Whether a password may be chosen.
    pub(crate) fn check(password: &SecretString) -> Result<(), Refusal> {
        let (shortest, longest) = PASSWORD_CHARS;
        let text = password.expose_secret();
        if text.chars().count() < shortest || text.len() > longest {
            return Err(Refusal::new(ErrorCode::PasswordRefused));
        }
        Ok(())
    }

    /// The argon2id string to store.
    pub(crate) async fn hash(
        &self,
        password: SecretString,
        salt: [u8; SALT_BYTES],
    ) -> Result<String, Refusal> {
        let hashing = self.hashing;
        self.run(move || {
            let argon2 = argon2(&hashing)?;
            let hash = argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| internal(&error))
        })
        .await?
    }

    /// Whether the password is the one behind `stored`. Without one the answer is no, after the same work.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Refusal> {
        if password.expose_secret().len() > PASSWORD_CHARS.1 {
            return Ok(false);
        }
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobodys_hash());
        let hashing = self.hashing;
        self.run(move || {
            let hash = PasswordHash::new(&stored).map_err(|error| internal(&error))?;
            let password = password.expose_secret().as_bytes();
            Ok(argon2(&hashing)?.verify_password(password, &hash).is_ok() && exists)
        })
        .await?
    }

    /// A well-formed hash that no password has: random bytes never came out of argon2.
    fn nobodys_hash(&self) -> String {
        let Hashing { memory_kib, passes, lanes, .. } = self.hashing;
        let salt = "bm9ib2R5J3Mgc2FsdC4u";
        let hash = "bm9ib2R5J3MgcGFzc3dvcmQgaGFzIHRoaXMgaGFzaC4";
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let overloaded = || Refusal::new(ErrorCode::Overloaded).retry_after(RETRY_AFTER_MS);
        let _room = self.room.try_acquire().map_err(|_| overloaded())?;
        let turn = Arc::clone(&self.running).acquire_owned();
        let turn = tokio::time::timeout(Duration::from_millis(self.hashing.wait_ms), turn)
            .await
            .map_err(|_| overloaded())?
            .map_err(|error| internal(&error))?;
        match self.hashing.place {
            HashPlace::Inline => Ok(work()),
            HashPlace::OwnThread(begin) => {
                let (done, result) = oneshot::channel();
                let work = move || {
                    begin();
                    // Held by the work, not by its caller, who may go away meanwhile.
                    let _turn = turn;
                    let _nobody_waits_any_more = done.send(work());
                };
                let thread = std::thread::Builder::new().name("anser-hash".to_owned());
                thread.spawn(work).map_err(|error| {
                    tracing::warn!(%error, "no thread for hashing a password");
                    overloaded()
                })?;
                result.await.map_err(|error| internal(&error))
            }
            HashPlace::BlockingPool => tokio::task::spawn_blocking(move || {
                // Held by the work, not by its caller, who may go away meanwhile.
                let _turn = turn;
                work()
            })
            .await
            .map_err(|error| internal(&error)),
        }
    }
}

fn argon2(hashing: &Hashing) -> Result<Argon2<'static>, Refusal> {
    let Hashing { memory_kib, passes, lanes, .. } = *hashing;
    let params = Params::new(memory_kib, passes, lanes, None).map_err(|error| internal(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn internal(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "hashing a password failed");
    Refusal::new(ErrorCode::Internal)
}
