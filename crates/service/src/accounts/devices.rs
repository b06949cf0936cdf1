//! A user's own devices: which there are, when each was here last, and how one signs the others out.

use anser_types::{DeviceClass, DeviceNo, ErrorCode, Refusal, UnixMs, UserNo};

use crate::api::Ended;
use crate::service::Service;

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInDevice {
    /// Which.
    pub device: DeviceNo,
    /// Its class.
    pub class: DeviceClass,
    /// What it calls itself.
    pub name: String,
    /// When its present token was made.
    pub signed_in_at: UnixMs,
    /// When that token ends.
    pub expires_at: UnixMs,
    /// It has a session now.
    pub online: bool,
    /// When it had one last; zero if it never had, or that was never noted.
    pub last_seen: UnixMs,
    /// It is the one that asks.
    pub current: bool,
}

/// Which devices are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(DeviceNo),
    /// All but the one that asks.
    Others,
}

impl Service {
    /// The devices of the user whose token this is, by number. Those whose tokens have ended are not among them.
    ///
    /// # Errors
    /// `TokenInvalid`, `TokenExpired`, or what the store says.
    pub async fn devices(&self, token: &str) -> Result<Vec<SignedInDevice>, Refusal> {
        let asks = self.valid_token(token).await?.device;
        let refused = |error| self.store_refusal(&error);
        let devices = self.accounts().devices(asks.user).await.map_err(refused)?;
        let seen = self.accounts().last_seen(asks.user).await.map_err(refused)?;
        let online = self.registry().devices(asks.user);
        let now = self.clock().now();
        let living = devices.into_iter().filter(|device| device.expires_at > now);
        Ok(living
            .map(|device| SignedInDevice {
                device: device.device,
                class: device.class,
                name: device.name,
                signed_in_at: device.created_at,
                expires_at: device.expires_at,
                online: online.contains(&device.device),
                last_seen: seen
                    .iter()
                    .find(|(number, _)| *number == device.device)
                    .map_or(UnixMs(0), |(_, at)| *at),
                current: device.device == asks.device,
            })
            .collect())
    }

    /// Signs devices of the user out whose token this is: their tokens are void when this returns, and their sessions
    /// have ended. Returns which were concerned.
    ///
    /// # Errors
    /// `TokenInvalid`, `TokenExpired`, `InvalidArgument` of a device that holds no token, or what the store says.
    pub async fn sign_out_devices(
        &self,
        token: &str,
        which: Which,
    ) -> Result<Vec<DeviceNo>, Refusal> {
        let asks = self.valid_token(token).await?.device;
        let refused = |error| self.store_refusal(&error);
        let held = self.accounts().devices(asks.user).await.map_err(refused)?;
        let held = held.into_iter().map(|device| device.device);
        let concerned: Vec<DeviceNo> = match which {
            Which::One(one) => held.filter(|device| *device == one).collect(),
            Which::Others => held.filter(|device| *device != asks.device).collect(),
        };
        if let (Which::One(one), true) = (which, concerned.is_empty()) {
            let detail = format!("device {one} is not signed in");
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        let why = Ended::because(ErrorCode::SignedOut, "signed out from another device");
        self.sign_out_these(asks.user, &concerned, &why).await?;
        Ok(concerned)
    }

    /// Ends the tokens and the sessions of these devices.
    pub(crate) async fn sign_out_these(
        &self,
        user: UserNo,
        devices: &[DeviceNo],
        why: &Ended,
    ) -> Result<(), Refusal> {
        let _door = self.doors().enter(user).await;
        self.end_these(user, devices, why).await
    }

    /// The same for whoever is behind the user's door.
    pub(crate) async fn end_these(
        &self,
        user: UserNo,
        devices: &[DeviceNo],
        why: &Ended,
    ) -> Result<(), Refusal> {
        for device in devices {
            let revoked = self.accounts().revoke(user, Some(*device)).await;
            revoked.map_err(|error| self.store_refusal(&error))?;
        }
        // Whoever waits at the door to open a session with one of these tokens looks again.
        self.doors().note_revocation();
        for device in devices {
            self.registry().end(user, Some(*device), why);
        }
        Ok(())
    }
}
