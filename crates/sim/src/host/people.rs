//! What a device does beside its messages: it follows how people are, and forgets what must be forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anser_types::{Clock, Presence, UnixMs, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Device, Running, Wish};

/// The longest wait before a device looks at its clocks again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What a process was told of those whom it follows; `None`: nothing yet.
pub(super) type Told = Arc<Mutex<BTreeMap<UserId, Option<Presence>>>>;

impl Device {
    /// The user wants to know how these people are, as long as this process lives.
    pub async fn follow(&self, users: Vec<UserId>) {
        if let Some(process) = &self.process {
            // A device that dies meanwhile follows nobody.
            let _gone = process.wishes.send(Wish::Follow(users)).await;
        }
    }

    /// How those are whom this process follows, as it was told last.
    #[must_use]
    pub fn told(&self) -> BTreeMap<UserId, Option<Presence>> {
        self.told.lock().clone()
    }
}

impl Running {
    pub(super) fn follow(&mut self, users: Vec<UserId>) {
        let now = self.now();
        if self.core.follow(&users, now).is_ok() {
            let mut told = self.told.lock();
            users.into_iter().for_each(|user| {
                told.entry(user).or_default();
            });
        }
    }

    /// The server's time, as far as the device is certain of it; by its own clock before it has heard of the server.
    fn certain_now(&self) -> (UnixMs, bool) {
        let heard = self.core.server_time_at_least(self.now());
        (heard.unwrap_or_else(|| self.clock.now()), heard.is_some())
    }

    /// When to see whether a message's time is over.
    pub(super) fn next_over(&self) -> Option<Instant> {
        let next = self.store.lock().next_expiry()?;
        let left = next.0.saturating_sub(self.certain_now().0.0);
        Some(Instant::now() + Duration::from_millis(left).min(LOOK_AGAIN))
    }

    /// Forgets what is over.
    pub(super) fn forget(&mut self) {
        let (now, heard) = self.certain_now();
        let mut store = self.store.lock();
        let forgotten = store.forget_expired(now);
        if !forgotten.is_empty() {
            self.around.trace.note(format_args!("{:?} forgets {forgotten:?}", self.identity));
            self.around.witness.forgot(&self.identity, &forgotten, heard, &store);
        }
    }
}
