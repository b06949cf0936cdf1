//! Heartbeats and half-open connections, in virtual time.

use std::time::Duration;

use anser_proto::v1;
use anser_types::limits::{BACKGROUND_IDLE_MS, HALF_OPEN_MS, HEARTBEAT_MS, HEARTBEAT_RANGE_MS};
use anser_types::{DeviceClass, ErrorCode};
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep};

use crate::peer::Peer;
use crate::world::World;

/// How long it took until the server gave up, in milliseconds.
async fn given_up_after(peer: &mut Peer<DuplexStream>) -> u64 {
    let start = Instant::now();
    peer.closed_with(ErrorCode::Silent).await;
    u64::try_from(start.elapsed().as_millis()).unwrap()
}

const fn in_background(silence_ms: u32) -> v1::Foreground {
    v1::Foreground { background: true, silence_ms }
}

fn about(expected: u64) -> std::ops::Range<u64> {
    expected..expected + 100
}

#[tokio::test(start_paused = true)]
async fn requirement_e3_heartbeats_keep_a_session_alive() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    for _ in 0..10 {
        sleep(Duration::from_millis(HEARTBEAT_MS)).await;
        assert_eq!(alice.pong().await, 0);
    }
    assert!(about(HALF_OPEN_MS).contains(&given_up_after(&mut alice).await));
}

#[tokio::test(start_paused = true)]
async fn a_background_session_may_be_silent_for_long() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    alice.say(|wire, out| wire.foreground(in_background(0), out)).await;
    let waited = given_up_after(&mut alice).await;
    assert!(about(BACKGROUND_IDLE_MS).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn requirement_e4_a_background_session_may_be_silent_for_as_long_as_its_client_said() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let said = 360_000;
    alice.say(|wire, out| wire.foreground(in_background(said), out)).await;
    let waited = given_up_after(&mut alice).await;
    assert!(about(u64::from(said) * 3 / 2).contains(&waited), "{waited}");
    // Nobody is waited for for ever.
    let mut bob = world.online("bob").await;
    bob.say(|wire, out| wire.foreground(in_background(u32::MAX), out)).await;
    let waited = given_up_after(&mut bob).await;
    assert!(about(HEARTBEAT_RANGE_MS.1 * 3 / 2).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_background_session_that_does_not_acknowledge_is_dead_soon() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    bob.say(|wire, out| wire.foreground(in_background(0), out)).await;
    sleep(Duration::from_millis(4 * HALF_OPEN_MS / 5)).await;
    alice.pong().await;
    sleep(Duration::from_millis(4 * HALF_OPEN_MS / 5)).await;
    // Bob has been silent for longer than the limit, and only now is something sent to him.
    alice.send("bob", "are you there?").await;
    bob.batch().await;
    let waited = given_up_after(&mut bob).await;
    assert!(about(HALF_OPEN_MS).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn acknowledging_ends_the_hurry() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    bob.say(|wire, out| wire.foreground(in_background(0), out)).await;
    alice.send("bob", "hello").await;
    let batch = bob.batch().await;
    bob.store(&batch).await;
    let waited = given_up_after(&mut bob).await;
    assert!(about(BACKGROUND_IDLE_MS).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn what_one_sent_oneself_is_no_reason_for_hurry() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    alice.say(|wire, out| wire.foreground(in_background(0), out)).await;
    // The entry in alice's own inbox is known from the answer and not sent.
    alice.send("bob", "hello").await;
    let waited = given_up_after(&mut alice).await;
    assert!(about(BACKGROUND_IDLE_MS).contains(&waited), "{waited}");
}
