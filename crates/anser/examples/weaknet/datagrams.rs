//! The datagrams of a phone on their way, without any I/O: pushed in at one end and popped at the other when the model
//! says that they are there, or never.
//!
//! Unlike a relay of TCP one of datagrams loses packets for good, and who sent them finds out by itself. A datagram
//! waits for its turn on the wire ([`Wires`]), unless the queue in front of it is full: then it is lost. It is lost by
//! chance, or because nothing passes at that moment. Otherwise it takes the latency and some jitter. None overtakes
//! another: the layer below, that of a radio, keeps the order, as it does in the model of TCP.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::weather::{Way, Weather};
use super::wire::Wires;

/// The largest payload on a mobile path of 1,400 bytes, of which IPv4 and UDP take 28. What is larger is lost, silently.
pub const DATAGRAM_BYTES: usize = 1_372;

/// A datagram from or to a socket of the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub phone: SocketAddr,
    pub bytes: Bytes,
}

/// All datagrams of a phone.
#[derive(Debug)]
pub struct Datagrams {
    /// Each direction in order, with the moment of its arrival.
    on_the_way: [VecDeque<(Duration, Datagram)>; 2],
    /// When the newest of each direction arrives.
    last: [Duration; 2],
    /// When each socket of the phone was first heard of. It has the address of that moment: after a move it is dead.
    sockets: BTreeMap<SocketAddr, Duration>,
    random: SmallRng,
}

impl Datagrams {
    pub fn new(seed: u64) -> Self {
        Self {
            on_the_way: Default::default(),
            last: [Duration::ZERO; 2],
            sockets: BTreeMap::new(),
            random: SmallRng::seed_from_u64(seed),
        }
    }

    /// Something is sent. False if it will never arrive.
    pub fn push(
        &mut self,
        now: Duration,
        way: Way,
        sent: Datagram,
        weather: &Weather,
        wires: &mut Wires,
    ) -> bool {
        let (shape, bytes) = (weather.shape(way), sent.bytes.len());
        self.sockets.entry(sent.phone).or_insert(now);
        let has_room = wires.waiting(now, way, shape) + bytes <= shape.queue_bytes;
        if bytes > DATAGRAM_BYTES || !has_room || !self.is_alive(sent.phone, now, weather) {
            return false;
        }
        let left = wires.take_turn(now, way, bytes, shape);
        let late = shape.jitter.mul_f64(self.random.random_range(0.0..=1.0));
        if !weather.timetable.datagrams_pass(left) || self.random.random_bool(shape.loss) {
            return false;
        }
        let last = &mut self.last[way.index()];
        *last = (*last).max(left + shape.latency + late);
        self.on_the_way[way.index()].push_back((*last, sent));
        true
    }

    /// The next one that has arrived by now.
    pub fn pop(&mut self, now: Duration, weather: &Weather) -> Option<(Way, Datagram)> {
        for way in [Way::Up, Way::Down] {
            let due = |(at, _): &mut (Duration, Datagram)| *at <= now;
            while let Some((_, arrived)) = self.on_the_way[way.index()].pop_front_if(due) {
                // The phone may have moved meanwhile.
                if self.is_alive(arrived.phone, now, weather) {
                    return Some((way, arrived));
                }
            }
        }
        None
    }

    /// When to look again.
    pub fn next(&self) -> Option<Duration> {
        self.on_the_way.iter().filter_map(|lane| Some(lane.front()?.0)).min()
    }

    fn is_alive(&self, phone: SocketAddr, now: Duration, weather: &Weather) -> bool {
        let opened = self.sockets.get(&phone).copied().unwrap_or(now);
        weather.timetable.ended(opened, now).is_none()
    }
}

#[cfg(test)]
#[path = "datagrams_tests.rs"]
mod tests;
