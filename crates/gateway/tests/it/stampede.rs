//! Everybody comes at once: some wait, the others are told when or where to come, and none holds a place by saying little.

use std::sync::Arc;
use std::time::Duration;

use anser_gateway::ListenerKind;
use anser_proto::session::client::Incoming;
use anser_proto::v1::Reconnect;
use anser_types::limits::HELLO_TIMEOUT_MS;
use anser_types::{DeviceClass, ErrorCode};
use tokio::time::{Instant, sleep};

use crate::world::{World, tcp};

#[tokio::test(start_paused = true)]
async fn requirement_j6_who_comes_in_a_crowd_is_let_in_at_a_pace_or_told_when_to_come() {
    let world = World::with(|settings| settings.sessions_per_second = 10);
    let begin = Instant::now();
    let mut comers = Vec::new();
    for n in 0..50 {
        let device = world.device(&format!("user{n}"), DeviceClass::Phone).await;
        let (mut peer, _) = world.connect(64 * 1024);
        peer.hello(&device, 0, 0).await;
        comers.push((peer, device));
    }
    let (mut inside, mut away) = (Vec::new(), Vec::new());
    for (mut peer, device) in comers {
        match peer.hear().await {
            Incoming::Welcome(_) => inside.push(peer),
            Incoming::Close(close) => {
                assert_eq!(close.code, u32::from(ErrorCode::Overloaded.number()));
                assert_eq!(close.reconnect(), Reconnect::After);
                away.push((close.retry_after_ms, device));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(inside.len(), 41, "ten a second for four seconds, and the first");
    assert!(begin.elapsed() <= Duration::from_millis(4100), "{:?}", begin.elapsed());
    away.sort_by_key(|(pause, _)| *pause);
    let apart = |two: &[(u32, _)]| two[1].0 - two[0].0;
    assert!(away.windows(2).all(|two| (90..=110).contains(&apart(two))), "one after the other");
    // Who comes when told to is let in at once.
    for (pause, device) in away {
        let at = begin + Duration::from_millis(pause.into());
        tokio::time::sleep_until(at).await;
        let (mut peer, _) = world.connect(64 * 1024);
        peer.sign_in(&device).await;
        assert!(at.elapsed() < Duration::from_millis(100), "{:?}", at.elapsed());
    }
}

#[tokio::test]
async fn requirement_j6_who_finds_no_place_or_is_sent_away_is_told_of_another_server() {
    let mut world = World::new();
    let elsewhere = ["chat2.example:7411".to_owned(), "[2001:db8::2]:7411".to_owned()];
    world.connection.alternatives = elsewhere.clone().into();
    let mut config = world.config(&[ListenerKind::Tcp]);
    config.connections = 1;
    let gateway = world.start(config);
    let mut alice = tcp(&gateway).await;
    alice.sign_in(&world.device("alice", DeviceClass::Phone).await).await;
    let close = tcp(&gateway).await.closed_with(ErrorCode::TooManyConnections).await;
    assert_eq!(close.reconnect(), Reconnect::Elsewhere);
    assert_eq!(close.alternatives, elsewhere);
    let leaves = async { alice.closed_with(ErrorCode::Draining).await };
    let (close, ()) = tokio::join!(leaves, gateway.drain());
    assert_eq!(close.reconnect(), Reconnect::Elsewhere);
    assert_eq!(close.alternatives, elsewhere);
    assert!(close.retry_after_ms > 0, "and not all of them at once");
}

#[tokio::test]
async fn who_is_at_fault_is_not_sent_elsewhere() {
    let mut world = World::new();
    world.connection.alternatives = Arc::new(["chat2.example:7411".to_owned()]);
    let (mut peer, _) = world.connect(64 * 1024);
    peer.write(&[2, 0xff, 0xff]).await;
    let close = peer.closed_with(ErrorCode::BadFrame).await;
    assert!(close.alternatives.is_empty());
}

#[tokio::test(start_paused = true)]
async fn requirement_j6_a_hello_that_drips_in_holds_its_place_no_longer_than_one_that_never_comes()
{
    let world = World::new();
    let begin = Instant::now();
    let (mut peer, serving) = world.connect(64 * 1024);
    let drips = async {
        // A frame of 4,000 bytes, one byte a second: each would be a sign of life.
        for byte in [0xa0, 0x1f].into_iter().chain(std::iter::repeat(0x0a)) {
            peer.write(&[byte]).await;
            sleep(Duration::from_secs(1)).await;
        }
    };
    let ended = tokio::select! {
        () = drips => unreachable!("it drips for ever"),
        ended = serving => ended.unwrap(),
    };
    assert_eq!(ended, anser_gateway::Farewell::Closed(ErrorCode::Silent));
    let waited = begin.elapsed();
    let least = Duration::from_millis(HELLO_TIMEOUT_MS);
    assert!(waited >= least && waited < least + Duration::from_secs(3), "{waited:?}");
}
