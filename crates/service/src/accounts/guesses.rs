//! Guessing somebody's password is slowed down wherever it comes from: a thousand machines must not get further than one.
//! Names that nobody has are counted alike, so that the waits say nothing about who exists.
//!
//! Counted in memory of this node. Sessions and tokens are not concerned: whoever is signed in stays so.

use std::time::Duration;

use anser_types::limits::{
    PASSWORD_TRIES, PASSWORD_TRIES_FORGOTTEN_MS, PASSWORD_WAIT_FIRST_MS, PASSWORD_WAIT_MAX_MS,
};
use anser_types::{ErrorCode, Refusal, UserId};
use tokio::time::Instant;

use crate::pace::{Table, as_ms};

/// Wrong passwords, by the name they were tried for.
#[derive(Debug)]
pub(crate) struct Guesses(Table<UserId, Tries>);

#[derive(Debug)]
struct Tries {
    /// How many were wrong, or are being looked at.
    count: u32,
    /// The next one comes no sooner.
    next: Instant,
    last: Instant,
}

impl Default for Guesses {
    fn default() -> Self {
        Self(Table::new())
    }
}

impl Guesses {
    /// Counts a try before it is looked at: those that come at the same moment are all counted.
    ///
    /// # Errors
    /// `RateLimited` with the time to wait, whether or not this one would have been right.
    pub(crate) fn begin(&self, user: &UserId) -> Result<(), Refusal> {
        let now = Instant::now();
        let fresh = || Tries { count: 0, next: now, last: now };
        let is_old = |tries: &mut Tries| tries.is_forgotten(now);
        self.0.with(user.clone(), fresh, is_old, |tries| {
            if tries.is_forgotten(now) {
                *tries = fresh();
            }
            if now < tries.next {
                let detail = "too many wrong passwords were tried for this user";
                let wait = as_ms(tries.next - now);
                return Err(Refusal::because(ErrorCode::RateLimited, detail).retry_after(wait));
            }
            tries.count += 1;
            tries.last = now;
            tries.next = now + wait_after(tries.count);
            Ok(())
        })
    }

    /// It was right.
    pub(crate) fn right(&self, user: &UserId) {
        self.0.remove(user);
    }

    /// It was not looked at after all.
    pub(crate) fn not_tried(&self, user: &UserId) {
        self.0.alter(user, |tries| {
            tries.count = tries.count.saturating_sub(1);
            tries.next = tries.last + wait_after(tries.count);
        });
    }
}

impl Tries {
    fn is_forgotten(&self, now: Instant) -> bool {
        now.duration_since(self.last) >= Duration::from_millis(PASSWORD_TRIES_FORGOTTEN_MS)
    }
}

/// None for the first few, then twice as long with each.
fn wait_after(tries: u32) -> Duration {
    let Some(doublings) = tries.checked_sub(PASSWORD_TRIES) else { return Duration::ZERO };
    let ms = PASSWORD_WAIT_FIRST_MS.saturating_mul(1 << doublings.min(16));
    Duration::from_millis(ms.min(PASSWORD_WAIT_MAX_MS))
}
