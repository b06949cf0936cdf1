//! One emulated TCP connection, without any I/O: bytes are pushed in at one end and popped at the other when the model
//! says that they are there.
//!
//! A relay of TCP cannot lose a packet: its kernel has acknowledged it. What is modelled is what loss does to a
//! connection. A chunk of at most a segment waits for its turn on the wire, which all connections of a phone share
//! ([`Wires`]), takes the latency and some jitter, and when it is lost (by chance, or because nothing passes at that
//! moment) TCP sends it again after its timeout, after twice that, and so on. Nothing overtakes: a lost chunk holds up all
//! that is behind it (head-of-line blocking). Real TCP repairs a loss in the middle of a long burst sooner, by
//! duplicate acknowledgements; a conversation's packets are mostly alone, and are repaired by the timeout.
//! Acknowledgements, headers and the turns of repetitions on the wire are not modelled.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::weather::{Fate, Way, Weather};
use super::wire::Wires;

/// The payload of a full segment on a mobile path.
pub const SEGMENT_BYTES: usize = 1_360;
/// A connection request is repeated after one second, then after two, four … (RFC 6298, Linux).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// TCP waits no longer than this before it sends again (`TCP_RTO_MAX`).
const BACKOFF_MAX: Duration = Duration::from_secs(120);

/// What arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    Chunk(Bytes),
    /// The sender has closed its end.
    End,
}

/// One direction: what is on its way, in order.
#[derive(Debug, Default)]
struct Lane {
    on_the_way: VecDeque<(Duration, Arrival)>,
    /// When the newest of them arrives.
    last: Duration,
    bytes: usize,
}

/// A connection of a phone.
#[derive(Debug)]
pub struct Flow {
    opened: Duration,
    /// The handshake is done.
    ready: Duration,
    /// What waits for the handshake takes turns by itself: it must not hold up other connections meanwhile.
    before: Wires,
    lanes: [Lane; 2],
    /// When something was sent last, either way.
    carried: Duration,
    random: SmallRng,
}

impl Flow {
    /// A connection that the phone asks for now. What is sent before the handshake is done waits for it.
    pub fn new(now: Duration, seed: u64, weather: &Weather) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let asked = sent_through(now, CONNECT_TIMEOUT, Way::Up, weather, &mut random);
        let ready = asked + weather.round_trip();
        Self {
            opened: now,
            ready,
            before: Wires::default(),
            lanes: Default::default(),
            carried: ready,
            random,
        }
    }

    /// Whether the handshake is done.
    pub fn is_open(&self, now: Duration) -> bool {
        now >= self.ready
    }

    /// What has become of it.
    pub fn fate(&self, now: Duration, weather: &Weather) -> Fate {
        weather.timetable.fate(self.opened, self.carried, now)
    }

    /// Whether more may be pushed: the queue in front of the wire has room.
    pub fn has_room(&self, way: Way, weather: &Weather) -> bool {
        self.lanes[way.index()].bytes < weather.shape(way).queue_bytes
    }

    /// Something is sent.
    pub fn push(
        &mut self,
        now: Duration,
        way: Way,
        sent: Arrival,
        weather: &Weather,
        wires: &mut Wires,
    ) {
        let shape = weather.shape(way);
        let bytes = sent.bytes();
        let left = if self.is_open(now) {
            wires.take_turn(now, way, bytes, shape)
        } else {
            self.before.take_turn(self.ready, way, bytes, shape)
        };
        let timeout = weather.retransmission_timeout();
        let passed = sent_through(left, timeout, way, weather, &mut self.random);
        let late = shape.jitter.mul_f64(self.random.random_range(0.0..=1.0));
        let lane = &mut self.lanes[way.index()];
        lane.last = lane.last.max(passed + shape.latency + late);
        lane.bytes += bytes;
        lane.on_the_way.push_back((lane.last, sent));
        self.carried = self.carried.max(now);
    }

    /// The next thing that has arrived by now.
    pub fn pop(&mut self, now: Duration) -> Option<(Way, Arrival)> {
        for way in [Way::Up, Way::Down] {
            let lane = &mut self.lanes[way.index()];
            if let Some((_, arrived)) = lane.on_the_way.pop_front_if(|(at, _)| *at <= now) {
                lane.bytes -= arrived.bytes();
                return Some((way, arrived));
            }
        }
        None
    }

    /// When to look again: something arrives, or the connection may have come to its end.
    pub fn next(&self, now: Duration, weather: &Weather) -> Option<Duration> {
        let arrivals = self.lanes.iter().filter_map(|lane| Some(lane.on_the_way.front()?.0));
        arrivals.chain(weather.timetable.next_turn(self.carried, now)).min()
    }
}

impl Arrival {
    fn bytes(&self) -> usize {
        match self {
            Self::Chunk(bytes) => bytes.len(),
            Self::End => 0,
        }
    }
}

/// When a packet passes that is sent from `at` on, again and again until it does.
fn sent_through(
    mut at: Duration,
    mut timeout: Duration,
    way: Way,
    weather: &Weather,
    random: &mut SmallRng,
) -> Duration {
    let loss = weather.shape(way).loss;
    while !weather.timetable.passes(at) || random.random_bool(loss) {
        at += timeout;
        timeout = (timeout * 2).min(BACKOFF_MAX);
    }
    at
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
