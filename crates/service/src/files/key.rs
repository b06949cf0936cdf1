//! The secret of this process, with which it recognises what it said itself: links, and challenges. They end with it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::settings::Entropy;

/// See the module.
pub(super) struct ProcessKey([u8; 32]);

impl ProcessKey {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self(key)
    }

    /// What only this process can say of these words; the first says what it is about.
    pub(super) fn mac(&self, words: &[&[u8]]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        let mut mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        words.iter().for_each(|word| mac.update(word));
        mac
    }
}
