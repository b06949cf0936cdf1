//! What the whole fleet counts. One thread runs the fleet, so plain cells suffice.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use hdrhistogram::Histogram;

use super::body::Stamp;
use super::report::Latency;

/// The longest latency that is told apart: a minute, in nanoseconds.
const LONGEST_NS: u64 = 60_000_000_000;

/// Shared by every client of a fleet.
pub type Shared = Rc<Tally>;

/// Counts and latencies.
pub struct Tally {
    /// All stamps are relative to this moment.
    pub started: Instant,
    measuring: Cell<bool>,
    window: Cell<Counts>,
    total: Cell<Counts>,
    latency: RefCell<Histogram<u64>>,
    last_latency: RefCell<Histogram<u64>>,
    /// Receivers of each message; zero: the last of them is not waited for.
    receivers: Cell<u64>,
    /// Messages that not everybody has, by sender and counter: how many have.
    spreading: RefCell<HashMap<(u32, u64), u64>>,
    ack_latency: RefCell<Histogram<u64>>,
}

/// How many of each there were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Messages composed.
    pub composed: u64,
    /// Messages received.
    pub delivered: u64,
    /// Messages acknowledged to their senders.
    pub acked: u64,
    /// Messages refused or failed.
    pub failed: u64,
    /// Bytes both ways.
    pub bytes: u64,
    /// Sessions that became ready, ever.
    pub connected: u64,
    /// Sessions that were lost, ever.
    pub disconnected: u64,
    /// Sessions that were refused because too many came at once, ever: their clients were told when to come back.
    pub turned_away: u64,
    /// Rebuilds that ended, ever: those clients know of their conversations.
    pub synced: u64,
    /// Histories read to the end.
    pub verified: u64,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new() -> Shared {
        // Three significant digits; the bounds are constants that the histogram accepts.
        let histogram = || {
            RefCell::new(Histogram::new_with_max(LONGEST_NS, 3).unwrap_or_else(|_| unreachable!()))
        };
        Rc::new(Self {
            started: Instant::now(),
            measuring: Cell::new(false),
            window: Cell::default(),
            total: Cell::default(),
            latency: histogram(),
            last_latency: histogram(),
            receivers: Cell::default(),
            spreading: RefCell::default(),
            ack_latency: histogram(),
        })
    }

    /// Nanoseconds since the start.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether every message has been answered and every answered one received by all its receivers.
    pub fn is_settled(&self, receivers: u64) -> bool {
        let total = self.total.get();
        total.acked + total.failed == total.composed && total.delivered >= total.acked * receivers
    }

    /// Begins (`true`) or ends the measured window.
    pub fn measure(&self, on: bool) {
        if on {
            self.window.take();
            self.latency.borrow_mut().clear();
            self.last_latency.borrow_mut().clear();
            self.ack_latency.borrow_mut().clear();
        }
        self.measuring.set(on);
    }

    /// What the measured window counted.
    pub const fn window(&self) -> Counts {
        self.window.get()
    }

    /// Everything since the start.
    pub const fn total(&self) -> Counts {
        self.total.get()
    }

    /// Latencies of the measured window: to the receiver, to the acknowledgement.
    pub fn latencies(&self) -> (Latency, Latency) {
        (
            Latency::from_nanoseconds(&self.latency.borrow()),
            Latency::from_nanoseconds(&self.ack_latency.borrow()),
        )
    }

    /// Also measures when the last of so many receivers has a message.
    pub fn wait_for_the_last_of(&self, receivers: u64) {
        self.receivers.set(receivers);
    }

    /// How long it took until the last receiver had a message, in the measured window; `None` if that is not measured.
    pub fn last_latency(&self) -> Option<Latency> {
        (self.receivers.get() > 0).then(|| Latency::from_nanoseconds(&self.last_latency.borrow()))
    }

    /// A message arrived.
    pub fn delivered(&self, stamp: &Stamp) {
        self.count(|counts| counts.delivered += 1);
        self.record(&self.latency, stamp.intended_ns);
        let receivers = self.receivers.get();
        if receivers == 0 {
            return;
        }
        let mut spreading = self.spreading.borrow_mut();
        let key = (stamp.sender, stamp.counter);
        let have = spreading.entry(key).or_default();
        *have += 1;
        if *have >= receivers {
            spreading.remove(&key);
            self.record(&self.last_latency, stamp.intended_ns);
        }
    }

    /// A message that was meant to be sent at `intended_ns` was acknowledged.
    pub fn acked(&self, intended_ns: u64) {
        self.count(|counts| counts.acked += 1);
        self.record(&self.ack_latency, intended_ns);
    }

    /// Something countable happened.
    pub fn count(&self, note: impl Fn(&mut Counts)) {
        let mut total = self.total.get();
        note(&mut total);
        self.total.set(total);
        if self.measuring.get() {
            let mut window = self.window.get();
            note(&mut window);
            self.window.set(window);
        }
    }

    fn record(&self, histogram: &RefCell<Histogram<u64>>, intended_ns: u64) {
        if self.measuring.get() {
            histogram.borrow_mut().saturating_record(self.now_ns().saturating_sub(intended_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_receiver_of_each_message_is_waited_for() {
        let tally = Tally::new();
        tally.measure(true);
        assert!(tally.last_latency().is_none());
        tally.wait_for_the_last_of(2);
        let stamp = |counter| Stamp { sender: 1, counter, intended_ns: 0 };
        tally.delivered(&stamp(1));
        tally.delivered(&stamp(2));
        assert_eq!(tally.last_latency.borrow().len(), 0);
        tally.delivered(&stamp(2));
        assert_eq!(tally.last_latency.borrow().len(), 1);
        assert_eq!(tally.spreading.borrow().len(), 1, "nobody else has the first one");
    }
}
