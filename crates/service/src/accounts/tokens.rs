//! Tokens: 256 random bits, bound to a device, known to the store only by their hash.

use anser_backend::{DeviceKey, NewToken, Others, Token};
use anser_types::limits::{DEVICE_NAME_MAX_BYTES, TOKEN_REUSE_GRACE_MS};
use anser_types::{DeviceClass, DeviceNo, ErrorCode, Refusal, UnixMs, UserId, UserNo};
use sha2::{Digest, Sha256};

use crate::api::{Ended, SignedIn};
use crate::metrics;
use crate::service::Service;

/// Begins every token, so that one that leaked into a log or a repository is recognised.
const PREFIX: &str = "ans_";
/// See the limit.
const REUSE_GRACE_MS: i64 = TOKEN_REUSE_GRACE_MS.cast_signed();

/// For whom a token is made.
pub(crate) struct Bearer {
    pub(crate) user_no: UserNo,
    pub(crate) user: UserId,
    /// `None`: a new device.
    pub(crate) device: Option<DeviceNo>,
    pub(crate) class: DeviceClass,
    pub(crate) name: String,
    /// What becomes of the device's other tokens.
    pub(crate) others: Others,
}

/// The hash under which a token is stored.
pub(crate) fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Service {
    /// The token that somebody shows, if it is known and has not ended. Not to be called behind the user's door.
    ///
    /// # Errors
    /// `TokenInvalid`, `TokenExpired`, and as [`Self::known_token`].
    pub(crate) async fn valid_token(&self, token: &str) -> Result<Token, Refusal> {
        let found = self.known_token(token).await?;
        self.must_last(found)
    }

    /// The same once more, behind the user's door.
    pub(crate) async fn still_valid(&self, token: &str) -> Result<Token, Refusal> {
        let found = self.stored_token(token).await?.filter(|found| found.superseded_at.is_none());
        self.must_last(found.ok_or(Refusal::new(ErrorCode::TokenInvalid))?)
    }

    fn must_last(&self, found: Token) -> Result<Token, Refusal> {
        if self.clock().now() >= found.expires_at {
            return Err(Refusal::new(ErrorCode::TokenExpired));
        }
        Ok(found)
    }

    /// The device has this token: those beside which a renewal put it end. Call it behind the user's door.
    pub(crate) async fn settle_token(&self, token: &str) -> Result<(), Refusal> {
        let ended = self.accounts().settle_token(hash_of(token), self.clock().now()).await;
        if ended.map_err(|error| self.store_refusal(&error))? {
            // Whoever is about to open a session with one of the others looks again.
            self.doors().note_revocation();
        }
        Ok(())
    }

    /// The token that somebody shows, if it is known, ended or not. One that its device has replaced signs the device out:
    /// two hold what only one should, and nobody can tell who is who (RFC 9700, section 4.14.2). Not to be called behind
    /// the user's door.
    ///
    /// # Errors
    /// `TokenInvalid`; `TokenReused` once, after which the device's tokens are void and its sessions have ended.
    pub(crate) async fn known_token(&self, token: &str) -> Result<Token, Refusal> {
        let unknown = Refusal::new(ErrorCode::TokenInvalid);
        let found = self.stored_token(token).await?.ok_or(unknown.clone())?;
        let Some(superseded_at) = found.superseded_at else { return Ok(found) };
        // What was on its way when the device changed to its new token may come late.
        if self.clock().now().since(superseded_at) < REUSE_GRACE_MS {
            return Err(unknown);
        }
        let DeviceKey { user, device } = found.device;
        tracing::warn!(user = %found.user_id, %device, "a replaced token was used: signing out");
        metrics::token_reused();
        let why = Ended::because(ErrorCode::TokenReused, "");
        self.sign_out_these(user, &[device], &why).await?;
        Err(Refusal::new(ErrorCode::TokenReused))
    }

    async fn stored_token(&self, token: &str) -> Result<Option<Token>, Refusal> {
        let found = self.accounts().token(hash_of(token)).await;
        found.map_err(|error| self.store_refusal(&error))
    }

    /// Makes and stores a token. A user's devices with a living token are counted before one is added; call it
    /// behind the user's door.
    pub(crate) async fn issue(&self, bearer: Bearer) -> Result<SignedIn, Refusal> {
        let now = self.clock().now();
        if bearer.name.len() > DEVICE_NAME_MAX_BYTES || bearer.name.chars().any(char::is_control) {
            let detail = format!("a device name has at most {DEVICE_NAME_MAX_BYTES} plain bytes");
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        if bearer.device.is_none() {
            self.room_for_a_device(bearer.user_no, now).await?;
        }
        let mut secret = [0; 32];
        self.entropy().fill(&mut secret);
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = format!("{PREFIX}{hex}");
        let expires_at = UnixMs(now.0.saturating_add(self.settings().token_life_ms));
        let device = self
            .accounts()
            .put_token(NewToken {
                user: bearer.user_no,
                device: bearer.device,
                others: bearer.others,
                class: bearer.class,
                name: bearer.name,
                hash: hash_of(&token),
                created_at: now,
                expires_at,
            })
            .await
            .map_err(|error| self.store_refusal(&error))?;
        Ok(SignedIn { user: bearer.user, device, token, expires_at })
    }

    async fn room_for_a_device(&self, user: UserNo, now: UnixMs) -> Result<(), Refusal> {
        let devices =
            self.accounts().devices(user).await.map_err(|error| self.store_refusal(&error))?;
        let living = devices.iter().filter(|device| device.expires_at > now).count();
        if living >= self.settings().devices_per_user {
            return Err(Refusal::new(ErrorCode::TooManyDevices));
        }
        Ok(())
    }
}
