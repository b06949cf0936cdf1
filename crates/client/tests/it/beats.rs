//! Beats in the background: how long a network lets a silent connection live is found out and remembered.

use std::time::Duration;

use anser_client::{AppEvent, Endpoint, Input, NatKnown, TransportKind};

use crate::world::World;

const HOUR: Duration = Duration::from_secs(3600);

/// Alice's phone, in the background on a network whose router forgets after so many seconds.
fn in_background(network: &str, forgets_after: u64) -> World {
    let mut world = World::returning();
    world.nat = Some(Duration::from_secs(forgets_after));
    world.input(Input::NetworkChanged { network: network.to_owned() });
    world.input(Input::Start);
    world.run(Duration::from_secs(1));
    world.input(Input::Foreground(false));
    world
}

/// What an hour in the background costs.
#[derive(Debug)]
struct Cost {
    beats: u64,
    reconnects: usize,
    /// The longest that a message took, of six that came.
    slowest: Duration,
}

fn an_hour(world: &mut World) -> Cost {
    let (pings, connects) = (world.server.pings, world.connects.len());
    let mut slowest = Duration::ZERO;
    for _ in 0..6 {
        // So that a message falls at another moment between two beats each time.
        world.secs(590 + u64::try_from(world.heard.events.len()).unwrap() % 10);
        let before = world.new_texts().len();
        let said = world.at;
        world.server.says("bob", "are you there?");
        world.push();
        world.until("heard", |world| world.new_texts().len() > before);
        slowest = slowest.max(world.at - said);
    }
    let beats = world.server.pings - pings;
    Cost { beats, reconnects: world.connects.len() - connects, slowest }
}

#[test]
fn requirement_e4_a_network_that_forgets_after_five_minutes_takes_fifteen_beats_an_hour() {
    let mut world = in_background("", 300);
    let first = an_hour(&mut world);
    assert_eq!(first.reconnects, 0, "{first:?}");
    let second = an_hour(&mut world);
    assert!(second.beats <= 15 && second.reconnects == 0, "{second:?}");
    assert!(second.slowest < Duration::from_secs(1), "nothing is missed: {second:?}");
}

#[test]
fn requirement_e4_over_quic_no_silence_is_risked_that_swallows_pushes() {
    let mut world = World::returning();
    world.nat = Some(Duration::from_secs(45));
    let quic = Endpoint {
        transport: TransportKind::Quic,
        host: "home".to_owned(),
        port: 7411,
        network: String::new(),
    };
    world.with(|core, _| core.set_endpoints(vec![quic]));
    world.input(Input::Start);
    world.run(Duration::from_secs(1));
    world.input(Input::Foreground(false));
    let hour = an_hour(&mut world);
    assert_eq!(hour.reconnects, 0, "{hour:?}");
    assert!(hour.slowest < Duration::from_secs(1), "{hour:?}");
    assert!(hour.beats <= 120, "{hour:?}");
}

#[test]
fn requirement_e4_a_network_that_forgets_after_a_minute_is_found_out_in_an_hour() {
    let mut world = in_background("wifi:cafe", 60);
    let first = an_hour(&mut world);
    assert!((1..=6).contains(&first.reconnects), "some beats must fail to know: {first:?}");
    let longest = Duration::from_secs(135 + 3 * 5 + 32);
    assert!(
        first.slowest <= longest,
        "what a dead connection swallowed came by the next: {first:?}"
    );
    let second = an_hour(&mut world);
    assert!(second.reconnects <= 1, "only a doubt now and then: {second:?}");
    assert!(second.beats < 3600 / 25, "{second:?}");
}

#[test]
fn requirement_e4_a_patient_network_is_beaten_on_every_quarter_of_an_hour_or_less() {
    let mut world = in_background("mobile:China Telecom", 1680);
    an_hour(&mut world);
    // Nothing is said: only beats keep the connection.
    let (pings, connects) = (world.server.pings, world.connects.len());
    world.run(HOUR * 4);
    assert!(world.server.pings - pings <= 4 * 4, "{}", world.server.pings - pings);
    assert_eq!(world.connects.len(), connects);
}

#[test]
fn requirement_e4_a_silent_day_in_the_background_takes_an_eighth_of_the_beats() {
    let a_day = |world: &mut World| {
        let pings = world.server.pings;
        world.run(HOUR * 24);
        world.server.pings - pings
    };
    let mut world = in_background("", 300);
    let connects = world.connects.len();
    assert_eq!(a_day(&mut world), 359, "the first, in which the network is learned");
    assert_eq!(a_day(&mut world), 355);
    assert_eq!(world.connects.len(), connects);
    world.input(Input::Foreground(true));
    world.secs(1);
    assert_eq!(a_day(&mut world), 2_880, "the foreground");
}

#[test]
fn requirement_e4_what_was_found_out_is_remembered_per_network() {
    let mut world = in_background("wifi:cafe", 60);
    an_hour(&mut world);
    let learned = world.disk.networks["wifi:cafe"];
    assert!(learned.held < 60 && learned.failed > 60, "{learned:?}");
    // Elsewhere nothing is known; back here, and after a restart, what was known still is.
    world.nat = Some(Duration::from_secs(300));
    world.input(Input::NetworkChanged { network: "wifi:home".to_owned() });
    world.run(HOUR);
    assert!(world.disk.networks["wifi:home"].held > 200);
    world.restart();
    world.nat = Some(Duration::from_secs(60));
    world.input(Input::NetworkChanged { network: "wifi:cafe".to_owned() });
    world.run(Duration::from_secs(5));
    world.input(Input::Foreground(false));
    let connects = world.connects.len();
    world.run(HOUR / 2);
    assert_eq!(world.connects.len(), connects, "no beat fails that failed before");
    assert_eq!(world.disk.networks["wifi:cafe"], learned);
}

#[test]
fn requirement_e4_three_beats_without_an_answer_mean_a_dead_link() {
    let mut world = in_background("", 10_000);
    world.secs(1000);
    let connects = world.connects.len();
    // Two beats in a row get lost.
    world.server.deaf = true;
    let pings = world.server.pings;
    world.until("two beats", |world| world.server.pings == pings + 2);
    world.server.deaf = false;
    world.secs(20);
    assert_eq!(world.connects.len(), connects, "the third was answered");
    world.server.deaf = true;
    let pings = world.server.pings;
    world.until("gave up", |world| !world.is_connected());
    assert_eq!(world.server.pings, pings + 3);
}

#[test]
fn a_network_that_is_gone_itself_teaches_nothing() {
    let mut world = in_background("", 10_000);
    world.secs(1000);
    let known = world.disk.networks[""];
    world.half_open = true;
    world.until("gave up", |world| !world.is_connected());
    world.secs(120);
    world.half_open = false;
    world.until("back", World::is_connected);
    assert_eq!(world.disk.networks[""], known);
    assert_eq!(known, NatKnown { failed: 0, ..known });
}

#[test]
fn requirement_e3_in_the_foreground_beats_are_fixed() {
    let mut world = World::online();
    let pings = world.server.pings;
    world.secs(600);
    assert_eq!(world.server.pings - pings, 20);
    world.input(Input::Foreground(false));
    world.secs(2000);
    let pings = world.server.pings;
    world.input(Input::Foreground(true));
    world.secs(1);
    assert_eq!(world.server.pings, pings + 1, "who comes back asks at once");
    assert!(!world.heard.events.iter().any(|e| matches!(e, AppEvent::Disconnected { .. })));
}

#[test]
fn requirement_e5_the_link_is_checked_when_somebody_looks() {
    let mut world = in_background("", 10_000);
    world.secs(1000);
    let pings = world.server.pings;
    for hint in [
        Input::ScreenOn,
        Input::Foreground(true),
        Input::NetworkChanged { network: "wifi:home".to_owned() },
    ] {
        world.input(hint);
        world.secs(1);
    }
    assert_eq!(world.server.pings, pings + 3, "each time at once");
    world.input(Input::Foreground(false));
    world.half_open = true;
    world.input(Input::ScreenOn);
    let before = world.at;
    world.until("given up", |world| !world.is_connected());
    assert!(world.at - before <= Duration::from_secs(16), "three beats, not an interval");
    world.half_open = false;
    let connects = world.connects.len();
    world.input(Input::ScreenOn);
    assert!(world.is_connected() || world.connects.len() > connects, "and none is waited for");
}
