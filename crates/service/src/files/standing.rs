//! That whoever began to send or fetch a large file may still do so: signing a device out ends what it has under way within
//! seconds too (guarantee G26).

use std::sync::Arc;

use anser_types::{ErrorCode, Refusal, UnixMs};

use super::store_refusal;
use crate::api::Caller;
use crate::service::Service;
use crate::sessionless::NO_DEVICE;

/// How often it is asked again, in milliseconds.
const ASKED_EVERY_MS: u64 = 2_000;

/// See the module.
pub(super) struct Standing {
    service: Arc<Service>,
    /// Nobody's, where a link or an app server asks.
    caller: Option<Caller>,
    asked_at: UnixMs,
}

impl Standing {
    /// Of somebody who may now.
    pub(super) fn of(service: &Arc<Service>, caller: Option<&Caller>) -> Self {
        let caller = caller.filter(|caller| caller.device != NO_DEVICE).cloned();
        Self { service: Arc::clone(service), caller, asked_at: service.clock().now() }
    }

    /// Refuses once the device was signed out. Costs a look at the clock, and a read now and then. Returns the time when it
    /// was asked anew.
    ///
    /// # Errors
    /// `SIGNED_OUT`, or what the store says.
    pub(super) async fn ask(&mut self) -> Result<Option<UnixMs>, Refusal> {
        let now = self.service.clock().now();
        if now.0.saturating_sub(self.asked_at.0) < ASKED_EVERY_MS {
            return Ok(None);
        }
        self.asked_at = now;
        let Some(caller) = &self.caller else { return Ok(Some(now)) };
        let devices = self.service.accounts().devices(caller.user_no).await;
        let devices = devices.map_err(store_refusal)?;
        if devices.iter().any(|one| one.device == caller.device) {
            return Ok(Some(now));
        }
        Err(Refusal::new(ErrorCode::SignedOut))
    }
}
