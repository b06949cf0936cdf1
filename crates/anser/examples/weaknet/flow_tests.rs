//! The model of a connection, in invented time.

use super::super::weather::{Mishap, Shape, Spell, Timetable};
use super::*;
use crate::trial::{SLOW, ms, secs};

fn chunk(bytes: usize) -> Arrival {
    Arrival::Chunk(Bytes::from(vec![7; bytes]))
}

fn spell(from: u64, to: u64, mishap: Mishap) -> Timetable {
    Timetable {
        spells: vec![Spell { from: secs(from), to: secs(to), mishap }],
        ..Timetable::default()
    }
}

/// When each thing arrives that is still on its way.
fn arrivals(flow: &mut Flow, weather: &Weather) -> Vec<(Duration, Way, Arrival)> {
    let mut arrived = Vec::new();
    let mut now = Duration::ZERO;
    while let Some(next) = flow.next(now, weather) {
        now = next;
        while let Some((way, what)) = flow.pop(now) {
            arrived.push((now, way, what));
        }
    }
    arrived
}

#[test]
fn the_first_bytes_wait_for_the_handshake_and_then_take_rate_and_latency() {
    let weather = Weather::new(SLOW, SLOW, Timetable::default());
    let (mut flow, mut wires) = (Flow::new(ms(0), 1, &weather), Wires::default());
    flow.push(ms(0), Way::Up, chunk(50), &weather, &mut wires);
    flow.push(ms(0), Way::Up, chunk(20), &weather, &mut wires);
    flow.push(ms(0), Way::Up, Arrival::End, &weather, &mut wires);
    let at: Vec<_> = arrivals(&mut flow, &weather).iter().map(|(at, ..)| *at).collect();
    // A round trip of 200, 50 bytes on the wire, 100 of latency; the second waits for the first one's turn.
    assert_eq!(at, [ms(350), ms(370), ms(370)]);
}

#[test]
fn connections_of_a_phone_share_its_wire_and_directions_do_not() {
    let weather = Weather::new(SLOW, SLOW, Timetable::default());
    let mut wires = Wires::default();
    let mut one = Flow::new(ms(0), 1, &weather);
    let mut other = Flow::new(ms(0), 2, &weather);
    one.push(secs(1), Way::Up, chunk(500), &weather, &mut wires);
    other.push(secs(1), Way::Up, chunk(10), &weather, &mut wires);
    other.push(secs(1), Way::Down, chunk(10), &weather, &mut wires);
    let at: Vec<_> =
        arrivals(&mut other, &weather).iter().map(|(at, way, _)| (*at, *way)).collect();
    assert_eq!(at, [(ms(1_110), Way::Down), (ms(1_610), Way::Up)]);
}

#[test]
fn who_waits_for_a_handshake_holds_up_nobody_else() {
    let weather = Weather::new(SLOW, SLOW, spell(10, 12, Mishap::Tunnel));
    let mut wires = Wires::default();
    let mut in_the_tunnel = Flow::new(secs(10), 1, &weather);
    in_the_tunnel.push(secs(10), Way::Up, chunk(50), &weather, &mut wires);
    let mut outside = Flow::new(secs(12), 2, &weather);
    outside.push(secs(12), Way::Up, chunk(50), &weather, &mut wires);
    assert_eq!(arrivals(&mut outside, &weather)[0].0, ms(12_000 + 200 + 50 + 100));
    assert_eq!(arrivals(&mut in_the_tunnel, &weather)[0].0, ms(13_000 + 200 + 50 + 100));
}

#[test]
fn a_full_queue_takes_nothing_until_something_has_arrived() {
    let weather = Weather::new(SLOW, SLOW, Timetable::default());
    let (mut flow, mut wires) = (Flow::new(ms(0), 1, &weather), Wires::default());
    for _ in 0..3 {
        assert!(flow.has_room(Way::Up, &weather));
        flow.push(ms(0), Way::Up, chunk(1_000), &weather, &mut wires);
    }
    assert!(!flow.has_room(Way::Up, &weather));
    assert!(flow.has_room(Way::Down, &weather));
    assert_eq!(flow.pop(ms(1_299)), None);
    assert!(flow.pop(ms(1_300)).is_some());
    assert!(flow.has_room(Way::Up, &weather));
}

#[test]
fn what_is_lost_comes_a_timeout_later_and_holds_up_everything_behind_it() {
    let lossy = Shape { loss: 0.2, jitter: ms(40), bits_per_second: 1_000_000_000, ..SLOW };
    let weather = Weather::new(lossy, lossy, Timetable::default());
    let (mut flow, mut wires) = (Flow::new(ms(0), 9, &weather), Wires::default());
    let begin = secs(10);
    for n in 0..1_000 {
        let sent = Arrival::Chunk(Bytes::from(vec![u8::try_from(n % 251).unwrap()]));
        flow.push(begin + ms(n * 1_000), Way::Up, sent, &weather, &mut wires);
    }
    let arrived = arrivals(&mut flow, &weather);
    let order = arrived.iter().zip(0_u64..).all(|((_, _, what), n)| {
        *what == Arrival::Chunk(Bytes::from(vec![u8::try_from(n % 251).unwrap()]))
    });
    assert!(order && arrived.len() == 1_000, "every byte, in order");
    assert!(arrived.is_sorted_by_key(|(at, ..)| *at));
    let delays: Vec<_> =
        arrived.iter().zip(0_u64..).map(|((at, ..), n)| *at - begin - ms(n * 1_000)).collect();
    let timeout = weather.retransmission_timeout();
    assert_eq!(timeout, ms(200 + 40 + 200));
    assert!(delays.iter().all(|delay| *delay >= ms(100)));
    let late = delays.iter().filter(|delay| **delay >= ms(100) + timeout).count();
    assert!((150..280).contains(&late), "a fifth is lost, some hold up others: {late}");
    let twice = ms(100) + timeout * 3;
    assert!(delays.iter().any(|delay| *delay >= twice), "a repetition may be lost too");
}

#[test]
fn the_same_seed_is_the_same_network() {
    let lossy = Shape { loss: 0.3, jitter: ms(300), ..SLOW };
    let weather = Weather::new(lossy, lossy, Timetable::default());
    let run = |seed| {
        let (mut flow, mut wires) = (Flow::new(ms(0), seed, &weather), Wires::default());
        for n in 0..100 {
            flow.push(ms(n * 50), Way::Down, chunk(20), &weather, &mut wires);
        }
        arrivals(&mut flow, &weather)
    };
    assert_eq!(run(4), run(4));
    assert_ne!(run(4), run(5));
}

#[test]
fn a_tunnel_loses_nothing_and_tcp_comes_back_on_its_own_clock() {
    let weather = Weather::new(SLOW, SLOW, spell(10, 30, Mishap::Tunnel));
    let (mut flow, mut wires) = (Flow::new(ms(0), 1, &weather), Wires::default());
    flow.push(secs(12), Way::Down, chunk(1), &weather, &mut wires);
    assert_eq!(flow.fate(secs(40), &weather), Fate::Alive);
    // Sent again after 0.4, 1.2, 2.8, 6, 12.4 and 25.2 seconds: the tunnel ends after 18.
    let arrived = arrivals(&mut flow, &weather);
    assert_eq!(arrived[0].0, ms(12_001) + ms(400 * 63) + ms(100));
}

#[test]
fn a_connection_asked_for_in_a_tunnel_is_there_when_its_request_is_repeated_outside() {
    let weather = Weather::new(SLOW, SLOW, spell(10, 12, Mishap::Tunnel));
    let (mut flow, mut wires) = (Flow::new(secs(10), 1, &weather), Wires::default());
    flow.push(secs(10), Way::Up, chunk(1), &weather, &mut wires);
    // Asked at 10, 11 and 13; a round trip; then the byte.
    assert!(!flow.is_open(ms(13_199)) && flow.is_open(ms(13_200)));
    assert_eq!(arrivals(&mut flow, &weather)[0].0, ms(13_000 + 200 + 1 + 100));
}

#[test]
fn a_move_ends_connections_from_before_and_none_from_after() {
    for (resets, fate) in [(true, Fate::Reset), (false, Fate::Silent)] {
        let weather = Weather::new(SLOW, SLOW, spell(10, 12, Mishap::Move { resets }));
        let before = Flow::new(secs(3), 1, &weather);
        assert_eq!(before.fate(ms(9_999), &weather), Fate::Alive);
        assert_eq!(before.next(secs(9), &weather), Some(secs(10)), "it looks again then");
        assert_eq!(before.fate(secs(10), &weather), fate);
        assert_eq!(before.fate(secs(99), &weather), fate);
        let after = Flow::new(secs(11), 1, &weather);
        assert_eq!(after.fate(secs(99), &weather), Fate::Alive);
    }
}

#[test]
fn a_portal_silences_what_was_there_and_answers_what_is_new() {
    let weather = Weather::new(SLOW, SLOW, spell(10, 20, Mishap::Portal));
    let before = Flow::new(secs(3), 1, &weather);
    assert_eq!(before.fate(secs(10), &weather), Fate::Silent);
    assert!(!weather.timetable.portal_answers(ms(9_999)));
    assert!(weather.timetable.portal_answers(secs(10)));
    assert!(!weather.timetable.portal_answers(secs(20)), "the user has logged in");
}

#[test]
fn a_translator_forgets_what_was_silent_for_too_long() {
    let timetable = Timetable { forgets_after: Some(secs(20)), ..Timetable::default() };
    let weather = Weather::new(SLOW, SLOW, timetable);
    let (mut flow, mut wires) = (Flow::new(secs(0), 1, &weather), Wires::default());
    flow.push(secs(15), Way::Down, chunk(1), &weather, &mut wires);
    assert_eq!(flow.fate(secs(34), &weather), Fate::Alive, "either direction keeps it");
    assert_eq!(flow.next(secs(16), &weather), Some(secs(15) + ms(101)));
    assert!(flow.pop(secs(16)).is_some());
    assert_eq!(flow.next(secs(16), &weather), Some(secs(35)), "it looks again then");
    assert_eq!(flow.fate(secs(35), &weather), Fate::Silent);
}
