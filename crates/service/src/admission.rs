//! How fast sessions are let in (requirement J6): when a whole town comes back at once, those who are here already must not
//! wait for it, and those who come must not all come again in the same second.
//!
//! Each session that is opened takes the next place in time; places are so far apart as the operator's rate says. Who
//! would wait longer than [`QUEUE`] is sent away and told when to come back: one after the other, at the same rate, so
//! that they find the door free. Beside that only so many are opened at the same moment; the work of the others waits.

use std::time::Duration;

use anser_types::{ErrorCode, Refusal};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// The longest wait at the door: it costs a client less than coming again, and it gives an attempt up only after ten seconds.
const QUEUE: Duration = Duration::from_secs(4);
/// Sessions that are opened at the same moment: enough to share commits, few enough to delay nobody else for long.
const AT_ONCE: usize = 64;
/// From this wait on there is a crowd at the door: what may be lost gives way to it.
const CROWD: Duration = Duration::from_millis(100);
/// Nobody is told to stay away for longer.
const AWAY_MAX: Duration = Duration::from_secs(300);

/// The door of all sessions.
#[derive(Debug)]
pub(crate) struct Admission {
    interval: Duration,
    places: Mutex<Places>,
    at_once: Semaphore,
}

#[derive(Debug)]
struct Places {
    /// When the next one may enter.
    next: Instant,
    /// Until when those who were sent away have been told to come.
    told: Instant,
}

impl Admission {
    /// So many sessions a second.
    pub(crate) fn new(per_second: u32) -> Self {
        let now = Instant::now();
        Self {
            interval: Duration::from_secs(1) / per_second.max(1),
            places: Mutex::new(Places { next: now, told: now }),
            at_once: Semaphore::new(AT_ONCE),
        }
    }

    /// Waits for one's place. The session is being opened as long as the permit lives.
    ///
    /// # Errors
    /// `Overloaded` with the time to come back at: too many came at once.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let now = Instant::now();
        let place = self.place(now)?;
        // A timer would round what is over already up to its next tick.
        if place > now {
            sleep_until(place).await;
        }
        self.at_once.acquire().await.map_err(|_| Refusal::new(ErrorCode::Draining))
    }

    /// Whether many wait to be let in.
    pub(crate) fn is_crowded(&self) -> bool {
        self.places.lock().next > Instant::now() + CROWD
    }

    fn place(&self, now: Instant) -> Result<Instant, Refusal> {
        let Places { next, told } = &mut *self.places.lock();
        *next = (*next).max(now);
        if *next - now <= QUEUE {
            let place = *next;
            *next += self.interval;
            return Ok(place);
        }
        *told = (*told).max(*next) + self.interval;
        let away = (*told - now).min(AWAY_MAX);
        let detail = "too many come at once";
        let millis = u32::try_from(away.as_millis()).unwrap_or(u32::MAX);
        Err(Refusal::because(ErrorCode::Overloaded, detail).retry_after(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_sent_away_is_told_to_come_one_after_the_other() {
        let admission = Admission::new(100);
        let now = Instant::now();
        let places: Vec<_> = (0..600).map(|_| admission.place(now)).collect();
        let (inside, away): (Vec<_>, Vec<_>) = places.into_iter().partition(Result::is_ok);
        let waits: Vec<_> = inside.into_iter().map(|at| (at.unwrap() - now).as_millis()).collect();
        assert_eq!(waits, (0..=400).map(|n| n * 10).collect::<Vec<_>>());
        let away: Vec<_> =
            away.into_iter().map(|refused| refused.unwrap_err().retry_after_ms.unwrap()).collect();
        let first = away[0];
        assert!((4000..=4100).contains(&first), "behind those who wait at the door: {first}");
        assert!(away.windows(2).all(|two| two[1] - two[0] == 10), "{away:?}");
        // They come when they were told to and find the door free.
        tokio::time::advance(Duration::from_millis(first.into())).await;
        assert_eq!(admission.place(Instant::now()).unwrap(), Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_sent_away_for_hours() {
        let admission = Admission::new(1);
        let last = (0..1000).map(|_| admission.place(Instant::now())).last().unwrap();
        assert_eq!(last.unwrap_err().retry_after_ms, Some(300_000));
    }
}
