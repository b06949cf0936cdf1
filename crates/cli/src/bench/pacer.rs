//! When the messages of a steady rate are due, told by a thread that sleeps in between: the millisecond of the runtime's
//! timer would be most of what is measured, and spinning would take a core from the server, which runs on the same machine.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;

/// Times that may wait to be heard. Nothing is left out where more do: they are told later.
const WAITING: usize = 1024;

/// The nanoseconds after `started` at which a message is due, one after the other, so many a second, from now on. Each is
/// told once it has come; by how much the thread oversleeps counts as latency. Dropping the receiver ends the thread.
pub fn due_times(started: Instant, rate: u64) -> Result<mpsc::Receiver<u64>> {
    let (tell, due) = mpsc::channel(WAITING);
    let interval = Duration::from_nanos(1_000_000_000 / rate.max(1));
    let tell_all = move || {
        let mut next = started.elapsed();
        while tell.blocking_send(u64::try_from(next.as_nanos()).unwrap_or(u64::MAX)).is_ok() {
            next += interval;
            thread::sleep(next.saturating_sub(started.elapsed()));
        }
    };
    thread::Builder::new().name("pacer".into()).spawn(tell_all).context("starting a thread")?;
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_due_an_interval_after_the_one_before_and_told_no_earlier() {
        let started = Instant::now();
        let mut due = due_times(started, 1_000).unwrap();
        let told: Vec<_> = (0..20)
            .map(|_| (u128::from(due.blocking_recv().unwrap()), started.elapsed().as_nanos()))
            .collect();
        assert!(told.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1_000_000));
        assert!(told.iter().all(|(due, now)| now >= due));
    }

    #[test]
    fn nothing_is_left_out_when_nobody_listened_for_a_while() {
        let mut due = due_times(Instant::now(), 1_000_000).unwrap();
        let first = due.blocking_recv().unwrap();
        // The queue is full, and its thread waits.
        while due.len() < WAITING {
            thread::yield_now();
        }
        let others = (0..WAITING * 2).map(|_| due.blocking_recv().unwrap());
        assert!(others.eq((1..=WAITING as u64 * 2).map(|nth| first + nth * 1_000)));
    }
}
