//! The model of datagrams, in invented time.

use super::super::weather::{Mishap, Shape, Spell, Timetable};
use super::*;
use crate::trial::{SLOW, ms, secs};

/// A phone that sends to a server, and a server that answers.
struct Air {
    datagrams: Datagrams,
    wires: Wires,
    weather: Weather,
}

impl Air {
    fn new(shape: Shape, seed: u64, spells: Vec<Spell>) -> Self {
        let timetable = Timetable { spells, forgets_after: None };
        Self {
            datagrams: Datagrams::new(seed),
            wires: Wires::default(),
            weather: Weather::new(shape, shape, timetable),
        }
    }

    fn send(&mut self, at: Duration, way: Way, socket: u16, bytes: usize) -> bool {
        let phone = ([127, 0, 0, 1], socket).into();
        let sent = Datagram { phone, bytes: Bytes::from(vec![7; bytes]) };
        self.datagrams.push(at, way, sent, &self.weather, &mut self.wires)
    }

    /// When each arrives that is still on its way, and how long it is.
    fn arrivals(&mut self) -> Vec<(Duration, Way, usize)> {
        let mut arrived = Vec::new();
        while let Some(now) = self.datagrams.next() {
            while let Some((way, what)) = self.datagrams.pop(now, &self.weather) {
                arrived.push((now, way, what.bytes.len()));
            }
        }
        arrived
    }
}

fn spell(from: u64, to: u64, mishap: Mishap) -> Vec<Spell> {
    vec![Spell { from: secs(from), to: secs(to), mishap }]
}

#[test]
fn a_datagram_takes_rate_and_latency_and_shares_the_wire_with_those_of_its_direction() {
    let mut air = Air::new(SLOW, 1, Vec::new());
    assert!(air.send(ms(0), Way::Up, 1, 50));
    assert!(air.send(ms(0), Way::Up, 2, 20));
    assert!(air.send(ms(0), Way::Down, 1, 10));
    let expected = [(ms(110), Way::Down, 10), (ms(150), Way::Up, 50), (ms(170), Way::Up, 20)];
    assert_eq!(air.arrivals(), expected);
}

#[test]
fn a_full_queue_loses_what_comes_until_the_wire_has_taken_something() {
    let mut air = Air::new(SLOW, 1, Vec::new());
    let all: Vec<_> = (0..4).map(|_| air.send(ms(0), Way::Up, 1, 1_000)).collect();
    assert_eq!(all, [true, true, true, false]);
    assert!(air.send(ms(0), Way::Down, 1, 1_000), "the other direction has a queue of its own");
    assert!(!air.send(ms(999), Way::Up, 1, 1_000));
    assert!(air.send(ms(1_000), Way::Up, 1, 1_000));
    assert_eq!(air.arrivals().len(), 5);
}

#[test]
fn what_is_larger_than_the_path_is_lost_and_takes_no_turn() {
    let mut air = Air::new(SLOW, 1, Vec::new());
    assert!(!air.send(ms(0), Way::Up, 1, DATAGRAM_BYTES + 1));
    assert!(air.send(ms(0), Way::Up, 1, DATAGRAM_BYTES));
    assert_eq!(air.arrivals(), [(ms(1_372 + 100), Way::Up, DATAGRAM_BYTES)]);
}

#[test]
fn what_is_lost_by_chance_never_comes_and_holds_up_nothing() {
    let lossy = Shape { loss: 0.2, jitter: ms(40), bits_per_second: 1_000_000_000, ..SLOW };
    let mut air = Air::new(lossy, 9, Vec::new());
    let on_the_way = (0..1_000).filter(|n| air.send(secs(*n), Way::Up, 1, 10)).count();
    assert!((740..860).contains(&on_the_way), "a fifth is lost: {on_the_way}");
    let arrived = air.arrivals();
    assert_eq!(arrived.len(), on_the_way);
    let late = |at: &Duration| Duration::from_nanos(u64::from(at.subsec_nanos()));
    let jitter_alone = |at: &Duration| (ms(100)..=ms(141)).contains(&late(at));
    assert!(arrived.iter().all(|(at, ..)| jitter_alone(at)), "no repetitions, no waiting");
}

#[test]
fn none_overtakes_another_and_the_same_seed_is_the_same_network() {
    let shaky = Shape { loss: 0.3, jitter: ms(300), bits_per_second: 1_000_000_000, ..SLOW };
    let run = |seed| {
        let mut air = Air::new(shaky, seed, Vec::new());
        let sent =
            (0..100).filter(|n| air.send(ms(*n), Way::Down, 1, usize::try_from(*n).unwrap()));
        let sent: Vec<_> = sent.collect();
        let arrived = air.arrivals();
        assert!(arrived.iter().map(|(.., bytes)| *bytes as u64).eq(sent), "in order");
        arrived
    };
    assert_eq!(run(4), run(4));
    assert_ne!(run(4), run(5));
}

#[test]
fn in_a_tunnel_everything_is_lost_and_outside_it_goes_on_with_the_same_socket() {
    let mut air = Air::new(SLOW, 1, spell(10, 30, Mishap::Tunnel));
    let sent: Vec<_> =
        [9, 10, 29, 30].into_iter().map(|at| air.send(secs(at), Way::Up, 1, 1)).collect();
    assert_eq!(sent, [true, false, false, true]);
    assert_eq!(air.arrivals().len(), 2);
}

#[test]
fn a_move_is_the_end_of_sockets_from_before_and_silent() {
    for resets in [true, false] {
        let mut air = Air::new(SLOW, 1, spell(10, 12, Mishap::Move { resets }));
        assert!(air.send(secs(9), Way::Up, 1, 1));
        assert!(air.send(ms(9_950), Way::Down, 1, 1));
        assert_eq!(
            air.arrivals(),
            [(ms(9_101), Way::Up, 1)],
            "the phone has gone before the other"
        );
        assert!(!air.send(secs(11), Way::Up, 2, 1), "nothing passes");
        assert!(air.send(secs(12), Way::Up, 2, 1), "a socket of the new network");
        assert!(!air.send(secs(12), Way::Up, 1, 1));
        assert!(!air.send(secs(99), Way::Down, 1, 1));
    }
}

#[test]
fn a_portal_swallows_datagrams_and_sockets_from_before() {
    let mut air = Air::new(SLOW, 1, spell(10, 20, Mishap::Portal));
    assert!(air.send(secs(9), Way::Up, 1, 1));
    assert!(!air.send(secs(15), Way::Up, 2, 1));
    assert!(air.send(secs(20), Way::Up, 2, 1), "the user has logged in");
    assert!(!air.send(secs(20), Way::Up, 1, 1));
}
