//! Accounts: register, sign in, renew a token, sign out.

use anser_types::{DeviceClass, DeviceNo, ErrorCode, Refusal, UnixMs, UserId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::connection::HttpConnection;
use super::decimal;

/// What the server should call this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDescription {
    /// What it is; decides whether a newer sign-in ends an older one.
    pub class: DeviceClass,
    /// A name the user recognises in a list of devices.
    pub name: String,
}

/// A device that may open sessions.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// The device the token is bound to.
    pub device: DeviceNo,
    /// The token.
    pub token: SecretString,
    /// When the token ends.
    pub expires_at: UnixMs,
}

#[derive(Serialize)]
struct Credentials<'a> {
    user: &'a str,
    password: &'a str,
    device_class: &'a str,
    device_name: &'a str,
}

/// The JSON of [`SignedIn`].
#[derive(Deserialize)]
pub(super) struct SignedInAnswer {
    user: String,
    #[serde(deserialize_with = "decimal::read")]
    device_no: u64,
    token: String,
    #[serde(deserialize_with = "decimal::read")]
    expires_at_ms: u64,
}

impl TryFrom<SignedInAnswer> for SignedIn {
    type Error = Refusal;

    fn try_from(answer: SignedInAnswer) -> Result<Self, Refusal> {
        let user = UserId::new(&answer.user).map_err(|error| {
            Refusal::because(
                ErrorCode::Internal,
                format!("the server named an invalid user: {error}"),
            )
        })?;
        Ok(Self {
            user,
            device: DeviceNo(answer.device_no),
            token: SecretString::from(answer.token),
            expires_at: UnixMs(answer.expires_at_ms),
        })
    }
}

/// A device of one's own that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDevice {
    /// Its number.
    pub device: DeviceNo,
    /// What it is.
    pub class: DeviceClass,
    /// What it calls itself.
    pub name: String,
    /// When its token was made.
    pub signed_in_at: UnixMs,
    /// When its token ends.
    pub expires_at: UnixMs,
    /// It is connected now.
    pub online: bool,
    /// When it was connected last, if that was noted.
    pub last_seen: Option<UnixMs>,
    /// It is the one that asks.
    pub current: bool,
}

#[derive(Deserialize)]
struct DevicesAnswer {
    devices: Vec<DeviceAnswer>,
}

#[derive(Deserialize)]
struct DeviceAnswer {
    #[serde(deserialize_with = "decimal::read")]
    device_no: u64,
    device_class: String,
    device_name: String,
    #[serde(deserialize_with = "decimal::read")]
    signed_in_ms: u64,
    #[serde(deserialize_with = "decimal::read")]
    expires_at_ms: u64,
    online: bool,
    last_seen_ms: Option<String>,
    current: bool,
}

impl DeviceAnswer {
    fn read(self) -> Option<OwnDevice> {
        Some(OwnDevice {
            device: DeviceNo(self.device_no),
            class: DeviceClass::from_name(&self.device_class)?,
            name: self.device_name,
            signed_in_at: UnixMs(self.signed_in_ms),
            expires_at: UnixMs(self.expires_at_ms),
            online: self.online,
            last_seen: self.last_seen_ms.and_then(|at| at.parse().ok()).map(UnixMs),
            current: self.current,
        })
    }
}

#[derive(Serialize)]
struct SignOutBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_no: Option<String>,
    others: bool,
}

#[derive(Deserialize)]
struct SignedOutAnswer {
    signed_out: Vec<String>,
}

#[derive(Serialize)]
struct PasswordChange<'a> {
    old: &'a str,
    new: &'a str,
}

#[derive(Deserialize)]
struct GatewaysAnswer {
    signed: Option<String>,
}

/// What a person's device may ask over HTTP; cheap to clone.
#[derive(Clone, Debug)]
pub struct AccountClient(HttpConnection);

impl AccountClient {
    /// Uses this connection.
    #[must_use]
    pub const fn new(connection: HttpConnection) -> Self {
        Self(connection)
    }

    /// Makes an account and signs this device in.
    ///
    /// # Errors
    /// `USER_EXISTS`, `PASSWORD_REFUSED`, `REGISTRATION_CLOSED`, or the connection failed.
    pub async fn register(
        &self,
        user: &UserId,
        password: &SecretString,
        device: &DeviceDescription,
    ) -> Result<SignedIn, Refusal> {
        self.with_password("/v1/register", user, password, device).await
    }

    /// Signs this device in as a new device.
    ///
    /// # Errors
    /// `WRONG_CREDENTIALS`, `TOO_MANY_DEVICES`, or the connection failed.
    pub async fn sign_in(
        &self,
        user: &UserId,
        password: &SecretString,
        device: &DeviceDescription,
    ) -> Result<SignedIn, Refusal> {
        self.with_password("/v1/sign-in", user, password, device).await
    }

    /// Takes a new token for the same device; the old one ends when the new one is first used.
    ///
    /// # Errors
    /// `TOKEN_EXPIRED`, `TOKEN_INVALID`, or the connection failed.
    pub async fn renew(&self, token: &SecretString) -> Result<SignedIn, Refusal> {
        let answer: SignedInAnswer =
            self.0.call_without_body("/v1/renew", token.expose_secret()).await?;
        answer.try_into()
    }

    /// Ends this device: its tokens are void and its session closes.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, or the connection failed.
    pub async fn sign_out(&self, token: &SecretString) -> Result<(), Refusal> {
        self.0.call_without_answer("/v1/sign-out", token.expose_secret()).await
    }

    /// The devices of the user whose token this is.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, or the connection failed.
    pub async fn devices(&self, token: &SecretString) -> Result<Vec<OwnDevice>, Refusal> {
        let answer: DevicesAnswer = self.0.get("/v1/devices", token.expose_secret()).await?;
        // A device of a class that this version does not know is shown by a later one.
        Ok(answer.devices.into_iter().filter_map(DeviceAnswer::read).collect())
    }

    /// Signs a device of the user out.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it is not signed in, else as [`Self::devices`].
    pub async fn sign_out_device(
        &self,
        token: &SecretString,
        device: DeviceNo,
    ) -> Result<(), Refusal> {
        let body = SignOutBody { device_no: Some(device.to_string()), others: false };
        self.sign_out_some(token, &body).await.map(drop)
    }

    /// Signs all devices of the user out but the one whose token this is.
    ///
    /// # Errors
    /// As [`Self::devices`].
    pub async fn sign_out_others(&self, token: &SecretString) -> Result<Vec<DeviceNo>, Refusal> {
        let body = SignOutBody { device_no: None, others: true };
        let ended = self.sign_out_some(token, &body).await?;
        Ok(ended.iter().filter_map(|number| number.parse().ok().map(DeviceNo)).collect())
    }

    /// Replaces the password of the user whose token this is; the user's other devices are signed out.
    ///
    /// # Errors
    /// `WRONG_CREDENTIALS`, `PASSWORD_REFUSED`, `RATE_LIMITED`, `TOKEN_INVALID`, or the connection failed.
    pub async fn change_password(
        &self,
        token: &SecretString,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), Refusal> {
        let body = PasswordChange { old: old.expose_secret(), new: new.expose_secret() };
        self.0.send("/v1/password", token.expose_secret(), &body).await
    }

    /// Where the servers are, as they have signed it: the bytes of a `SignedEndpointList`. `None` if they keep no list.
    ///
    /// # Errors
    /// The connection failed, or the answer cannot be read.
    pub async fn endpoint_list(&self) -> Result<Option<Bytes>, Refusal> {
        let answer: GatewaysAnswer = self.0.get_open("/v1/gateways").await?;
        let Some(signed) = answer.signed else { return Ok(None) };
        STANDARD.decode(signed).map(|signed| Some(signed.into())).map_err(|error| {
            Refusal::because(ErrorCode::Internal, format!("the list of servers: {error}"))
        })
    }

    async fn sign_out_some(
        &self,
        token: &SecretString,
        body: &SignOutBody,
    ) -> Result<Vec<String>, Refusal> {
        let token = Some(token.expose_secret());
        let answer: SignedOutAnswer = self.0.call("/v1/devices/sign-out", token, &[], body).await?;
        Ok(answer.signed_out)
    }

    async fn with_password(
        &self,
        path: &str,
        user: &UserId,
        password: &SecretString,
        device: &DeviceDescription,
    ) -> Result<SignedIn, Refusal> {
        let body = Credentials {
            user: user.as_str(),
            password: password.expose_secret(),
            device_class: device.class.name(),
            device_name: &device.name,
        };
        let answer: SignedInAnswer = self.0.call(path, None, &[], &body).await?;
        answer.try_into()
    }
}
