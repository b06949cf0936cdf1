//! Signs up users and devices, as the product's HTTP door does for apps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{Accounts, CreateUser, MemoryBackend, NewToken, Others};
use anser_client::io::Identity;
use anser_types::{Clock, DeviceClass, DeviceNo, UnixMs, UserId};
use anyhow::{Context, Result};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::clock::SimClock;
use crate::entropy::Seeded;

/// See the module's head. Clones share one server.
#[derive(Clone)]
pub struct Reception {
    backend: Arc<Mutex<MemoryBackend>>,
    clock: Arc<SimClock>,
    random: Arc<Seeded>,
    /// The highest number each user's devices have had. A server restored from a backup gives those numbers again that it
    /// gave after the backup; here they are passed over, because the checker tells devices apart by them.
    given: Arc<Mutex<BTreeMap<UserId, DeviceNo>>>,
}

impl Reception {
    pub(crate) fn new(
        backend: Arc<Mutex<MemoryBackend>>,
        clock: Arc<SimClock>,
        random: Arc<Seeded>,
    ) -> Self {
        Self { backend, clock, random, given: Arc::default() }
    }

    /// Makes a user (if there is none yet) and a device with a token.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn sign_up(&self, user: &UserId, class: DeviceClass) -> Result<Identity> {
        loop {
            let identity = self.take_next(user, class).await?;
            let mut given = self.given.lock();
            let highest = given.entry(user.clone()).or_default();
            if identity.device > *highest {
                *highest = identity.device;
                return Ok(identity);
            }
        }
    }

    async fn take_next(&self, user: &UserId, class: DeviceClass) -> Result<Identity> {
        let backend = self.backend.lock().clone();
        let at = self.clock.now();
        let no = match backend.create_user(user.clone(), None, at).await? {
            CreateUser::Created(user) | CreateUser::Exists(user) => user.no,
        };
        let token = format!("simulated-{user}-{}", self.random.below(u64::MAX));
        let device = backend
            .put_token(NewToken {
                user: no,
                device: None,
                others: Others::End,
                class,
                name: String::new(),
                hash: Sha256::digest(token.as_bytes()).into(),
                created_at: at,
                expires_at: UnixMs(u64::MAX),
            })
            .await
            .context("no token")?;
        Ok(Identity { user: user.clone(), device, class, token })
    }

    /// The same, tried every second until the server does it.
    pub async fn sign_up_patiently(self, user: UserId, class: DeviceClass) -> Identity {
        loop {
            if let Ok(identity) = self.sign_up(&user, class).await {
                return identity;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}
