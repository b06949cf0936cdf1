//! When the local store has to forget a message, and the work of it.

use std::time::Duration;

use anser_types::UnixMs;
use tokio::time::Instant;

use super::waits::Work;
use crate::store::{Forgotten, Store, StoreError};

/// The longest wait before the clocks are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Pause before a store that failed is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default)]
pub(super) struct Forgetting {
    next: Option<UnixMs>,
    not_before: Option<Instant>,
    pub(super) work: Option<Work<Result<Forgotten, StoreError>>>,
}

impl Forgetting {
    /// From the time at which the first message is over.
    pub(super) fn from(next: Option<UnixMs>) -> Self {
        Self { next, ..Self::default() }
    }

    /// When the first message is over, as the store said last.
    pub(super) fn heard(&mut self, next: Option<UnixMs>) {
        self.next = next;
    }

    /// When to look at the clocks; `now` is the server's time.
    pub(super) fn due(&self, now: UnixMs) -> Option<Instant> {
        let next = self.next.filter(|_| self.work.is_none())?;
        let left = Duration::from_millis(next.0.saturating_sub(now.0)).min(LOOK_AGAIN);
        Some((Instant::now() + left).max(self.not_before.unwrap_or_else(Instant::now)))
    }

    /// Begins the work if a message is over.
    pub(super) fn begin(&mut self, store: &Store, now: UnixMs) {
        if self.work.is_none() && self.next.is_some_and(|next| next <= now) {
            let store = store.clone();
            self.work = Some(Box::pin(async move { store.forget_expired(now).await }));
        }
    }

    /// The work is done; what was forgotten.
    pub(super) fn done(&mut self, result: Result<Forgotten, StoreError>) -> Option<Forgotten> {
        self.work = None;
        match result {
            Ok(forgotten) => {
                self.next = forgotten.next;
                self.not_before = None;
                Some(forgotten)
            }
            Err(error) => {
                tracing::warn!(%error, "what has expired is not forgotten yet; it is tried again");
                self.not_before = Some(Instant::now() + RETRY);
                None
            }
        }
    }
}
