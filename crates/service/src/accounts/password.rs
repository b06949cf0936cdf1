//! Passwords: argon2id, in a bounded number at once, with the same work for users that exist and users that do not.

use std::sync::Arc;
use std::time::Duration;

use anser_types::limits::PASSWORD_CHARS;
use anser_types::{ErrorCode, Refusal, UserId};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};
use zxcvbn::feedback::Feedback;
use zxcvbn::{Entropy, Score, zxcvbn};

use crate::settings::{self, HashPlace, Hashing};

/// Bytes of a salt.
const SALT_BYTES: usize = 16;

/// When a sign-in that found no room may come back: in this time dozens of others are done.
const RETRY_AFTER_MS: u32 = 1_000;

/// What becomes of a password that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// It is another one, or there is none.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, and was hashed with other work than is usual now.
    RightButOld,
}

/// A salt that no other password has.
pub(crate) fn salt(entropy: &dyn settings::Entropy) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    entropy.fill(&mut salt);
    salt
}

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

    /// The argon2id string of a password that a user chooses: long enough, and not among the first million that somebody
    /// would try who knows lists of passwords, words, names, keyboards, dates, and the user's id (Wheeler, "zxcvbn", USENIX
    /// Security 2016; NIST SP 800-63B, 5.1.1.2).
    ///
    /// # Errors
    /// `PasswordRefused` with the reason, `Overloaded`.
    pub(crate) async fn choose(
        &self,
        password: SecretString,
        user: UserId,
        salt: [u8; SALT_BYTES],
    ) -> Result<String, Refusal> {
        let (shortest, longest) = PASSWORD_CHARS;
        let text = password.expose_secret();
        if text.chars().count() < shortest || text.len() > longest {
            return Err(Refusal::new(ErrorCode::PasswordRefused));
        }
        let hashing = self.hashing;
        self.run(move || {
            let estimate = zxcvbn(password.expose_secret(), &[user.as_str(), "anser"]);
            if estimate.score() < Score::Two {
                return Err(Refusal::because(ErrorCode::PasswordRefused, why_guessed(&estimate)));
            }
            hash(&hashing, &password, salt)
        })
        .await?
    }

    /// The argon2id string of a password that was chosen before.
    pub(crate) async fn hash(
        &self,
        password: SecretString,
        salt: [u8; SALT_BYTES],
    ) -> Result<String, Refusal> {
        let hashing = self.hashing;
        self.run(move || hash(&hashing, &password, salt)).await?
    }

    /// Whether the password is the one behind `stored`. Without one the answer is no, after the same work.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Verified, Refusal> {
        if password.expose_secret().len() > PASSWORD_CHARS.1 {
            return Ok(Verified::Wrong);
        }
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobodys_hash());
        let hashing = self.hashing;
        self.run(move || {
            let hash = PasswordHash::new(&stored).map_err(|error| internal(&error))?;
            let password = password.expose_secret().as_bytes();
            let right = argon2(&hashing)?.verify_password(password, &hash).is_ok() && exists;
            Ok(match (right, is_of(&hashing, &hash)) {
                (false, _) => Verified::Wrong,
                (true, true) => Verified::Right,
                (true, false) => Verified::RightButOld,
            })
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

fn hash(
    hashing: &Hashing,
    password: &SecretString,
    salt: [u8; SALT_BYTES],
) -> Result<String, Refusal> {
    let password = password.expose_secret().as_bytes();
    let hash = argon2(hashing)?.hash_password_with_salt(password, &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| internal(&error))
}

fn argon2(hashing: &Hashing) -> Result<Argon2<'static>, Refusal> {
    let Hashing { memory_kib, passes, lanes, .. } = *hashing;
    let params = Params::new(memory_kib, passes, lanes, None).map_err(|error| internal(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Whether this is a hash as they are made now.
fn is_of(hashing: &Hashing, hash: &PasswordHash) -> bool {
    let Hashing { memory_kib, passes, lanes, .. } = *hashing;
    let made = Params::try_from(hash);
    made.is_ok_and(|made| {
        (made.m_cost(), made.t_cost(), made.p_cost()) == (memory_kib, passes, lanes)
    }) && hash.algorithm == Algorithm::Argon2id.ident()
}

/// Why it is guessed soon, in the words of the estimate; they never repeat the password.
fn why_guessed(estimate: &Entropy) -> String {
    let warning = estimate.feedback().and_then(Feedback::warning);
    warning.map_or_else(|| "it is guessed within a million tries".to_owned(), |why| why.to_string())
}

fn internal(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "hashing a password failed");
    Refusal::new(ErrorCode::Internal)
}
