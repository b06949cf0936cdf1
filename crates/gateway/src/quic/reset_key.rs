//! The key of stateless resets (RFC 9000, section 10.3).

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac::{HMAC_SHA256, Key};

/// What a server proves itself with to clients whose connections it has forgotten: one that was killed and started again
/// with the same key tells them so at their next packet. Who has it can end the QUIC connections of everybody whose packets
/// they see.
#[derive(Clone)]
pub struct ResetKey(pub(super) Arc<Key>);

impl ResetKey {
    /// From 32 unpredictable bytes that outlive the process.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Arc::new(Key::new(HMAC_SHA256, secret)))
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResetKey").finish_non_exhaustive()
    }
}
