//! The link: hello, beats, ends and what follows them, clocks, endpoints, queries.

use std::time::Duration;

use anser_client::{AppEvent, Endpoint, Input, Query, Reply, TransportKind};
use anser_proto::v1;
use anser_types::{ConversationId, ErrorCode, Seq, Target, UnixMs};

use crate::host::{direct, user};
use crate::server::{AHEAD_MS, START_MS};
use crate::world::World;

fn close(code: ErrorCode) -> v1::Close {
    v1::Close { code: u32::from(code.number()), ..v1::Close::default() }
}

fn disconnects(world: &World) -> Vec<(Option<Duration>, ErrorCode)> {
    let all = world.heard.events.iter().filter_map(|event| match event {
        AppEvent::Disconnected { retry_in, reason } => Some((*retry_in, reason.code)),
        _ => None,
    });
    all.collect()
}

#[test]
fn requirement_c4_sign_in_and_first_page_take_one_round_trip() {
    let mut world = World::returning();
    world.server.says("bob", "hi");
    world.input(Input::Start);
    // 20 ms to open, then one round trip of 40 ms.
    world.run(Duration::from_millis(60));
    assert_eq!(world.new_texts(), ["hi"]);
}

#[test]
fn requirement_b4_the_servers_clock_is_known_within_100_ms_though_ours_is_wrong() {
    let mut world = World::new();
    world.wall_skew_ms = -7_200_000;
    world.latency = Duration::from_millis(90);
    assert_eq!(world.with(|core, now| core.server_time(now)), None);
    world.input(Input::Start);
    world.secs(2);
    let shown = world.with(|core, now| core.server_time(now)).unwrap();
    assert!(shown.since(UnixMs(world.server.now_ms)).abs() <= 100);
    // A jump of the wall clock changes nothing.
    world.wall_skew_ms = 90_000_000;
    let shown = world.with(|core, now| core.server_time(now)).unwrap();
    assert!(shown.since(UnixMs(world.server.now_ms)).abs() <= 100);
    let hello = world.send("bob", "hello");
    world.until("sent", |w| w.is_sent(hello));
    let message = &world.disk.messages.values().next().unwrap().message;
    assert!(message.server_time.since(message.sent_at).abs() < 1_000, "stamped in server time");
    assert!(message.server_time.0 > START_MS + AHEAD_MS);
}

#[test]
fn an_idle_session_beats_and_lives() {
    let mut world = World::online();
    world.secs(600);
    assert!(world.is_connected());
    assert_eq!(world.connects.len(), 1);
}

#[test]
fn a_half_open_link_is_found_within_an_interval_and_a_half() {
    let mut world = World::online();
    world.secs(10);
    world.half_open = true;
    let before = world.at;
    world.until("noticed", |w| !w.is_connected());
    assert!(world.at - before <= Duration::from_secs(45), "{:?}", world.at - before);
    assert_eq!(disconnects(&world)[0].1, ErrorCode::Silent);
}

#[test]
fn a_network_change_checks_the_link_at_once() {
    let mut world = World::online();
    world.half_open = true;
    let before = world.at;
    world.input(Input::NetworkChanged { network: "wifi:cafe".to_owned() });
    world.until("noticed", |w| !w.is_connected());
    assert!(world.at - before <= Duration::from_secs(6));
}

#[test]
fn requirement_e6_who_moves_to_another_network_connects_there_at_once() {
    for foreground in [true, false] {
        let mut world = World::new();
        world.input(Input::Start);
        world.input(Input::NetworkChanged { network: "mobile:one".to_owned() });
        world.until("online", World::is_connected);
        world.input(Input::Foreground(foreground));
        world.secs(200);
        let before = world.connects.len();
        world.input(Input::NetworkChanged { network: "wifi:home".to_owned() });
        assert_eq!(world.connects.len(), before + 1, "nothing is waited for");
        world.until("online", World::is_connected);
        assert_eq!(world.connects.len(), before + 1);
        world.input(Input::NetworkChanged { network: "wifi:home".to_owned() });
        world.secs(1);
        assert_eq!(world.connects.len(), before + 1, "the same one is back: it is checked");
        assert!(world.is_connected());
    }
}

#[test]
fn requirement_e6_attempts_climb_the_levels_and_hints_try_at_once() {
    let mut world = World::new();
    world.refuse_connections = true;
    world.input(Input::Start);
    world.secs(200);
    let bounds = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 32.0];
    let waits: Vec<_> =
        disconnects(&world).iter().map(|(wait, _)| wait.unwrap().as_secs_f64()).collect();
    for (i, (wait, high)) in waits.iter().zip(bounds).enumerate() {
        let low = if i == 0 { 0.0 } else { high / 2.0 };
        assert!(*wait > low && *wait <= high, "attempt {i} waited {wait}");
    }
    let before = world.connects.len();
    world.input(Input::NetworkChanged { network: "wifi:home".to_owned() });
    assert_eq!(world.connects.len(), before + 1, "the network changed: at once");
    world.secs(2);
    let before = world.connects.len();
    world.secs(30);
    world.input(Input::Foreground(true));
    assert!(world.connects.len() > before, "back in the foreground: at once");
    world.refuse_connections = false;
    world.until("online", World::is_connected);
}

#[test]
fn a_server_that_drains_is_left_alone_for_the_time_it_gives() {
    let mut world = World::new();
    world.server.close_next_hello =
        Some(v1::Close { retry_after_ms: 20_000, ..close(ErrorCode::Draining) });
    world.input(Input::Start);
    world.secs(15);
    assert_eq!(world.connects.len(), 1);
    world.until("online", World::is_connected);
    assert!(world.at >= Duration::from_secs(20) && world.at <= Duration::from_secs(35));
}

#[test]
fn alternatives_are_tried_when_sent_elsewhere() {
    let mut world = World::new();
    let alternatives = vec!["10.0.0.9:7000".to_owned()];
    world.server.close_next_hello = Some(v1::Close { alternatives, ..close(ErrorCode::Draining) });
    world.input(Input::Start);
    world.until("online", World::is_connected);
    assert_eq!((world.connects[1].1.host.as_str(), world.connects[1].1.port), ("10.0.0.9", 7000));
}

/// The one reason for which the client stays offline, if it does, after an hour and one attempt.
fn gives_up(mut world: World) -> anser_types::Refusal {
    world.input(Input::Start);
    world.secs(3_600);
    assert_eq!(world.connects.len(), 1, "it does not try again by itself");
    let mut told = world.heard.events.iter().filter_map(|event| match event {
        AppEvent::KickedOffline { reason } => Some(reason.clone()),
        _ => None,
    });
    told.next().expect("the app is told")
}

#[test]
fn requirement_f3_without_a_common_version_the_app_is_told_what_to_do() {
    let mut refused = World::new();
    let detail = "the client speaks versions 1 to 1, the server 3 to 4: update the client";
    refused.server.close_next_hello =
        Some(v1::Close { detail: detail.to_owned(), ..close(ErrorCode::UnsupportedVersion) });
    let reason = gives_up(refused);
    assert_eq!((reason.code, &reason.detail[..]), (ErrorCode::UnsupportedVersion, detail));

    let mut unheard_of = World::new();
    unheard_of.server.chosen_version = Some(3);
    let reason = gives_up(unheard_of);
    assert_eq!(reason.code, ErrorCode::UnsupportedVersion);
    assert!(reason.detail.ends_with("update it"), "{}", reason.detail);
    assert!(!reason.code.next_step().is_empty());
}

#[test]
fn replaced_by_its_own_device_comes_back_after_the_pause() {
    let mut world = World::new();
    let by_itself = v1::Close { retry_after_ms: 5_000, ..close(ErrorCode::Replaced) };
    world.server.close_next_hello = Some(by_itself);
    world.input(Input::Start);
    let start = world.at;
    world.until("online", World::is_connected);
    assert!(world.at - start >= Duration::from_secs(5));
    assert!(!world.heard.events.iter().any(|e| matches!(e, AppEvent::KickedOffline { .. })));
}

#[test]
fn replaced_stays_away_and_says_why() {
    let mut world = World::new();
    world.server.close_next_hello = Some(close(ErrorCode::Replaced));
    world.input(Input::Start);
    world.secs(3_600);
    assert_eq!(world.connects.len(), 1);
    let told = |e: &AppEvent| matches!(e, AppEvent::KickedOffline { reason } if reason.code == ErrorCode::Replaced);
    assert!(world.heard.events.iter().any(told));
    world.input(Input::Start);
    world.until("online", World::is_connected);
}

#[test]
fn an_expired_token_waits_for_a_new_one() {
    let mut world = World::new();
    world.server.tokens = vec!["token-2".to_owned()];
    let hello = world.send("bob", "hello");
    world.input(Input::Start);
    world.secs(3_600);
    assert_eq!(world.connects.len(), 1);
    assert!(world.heard.events.iter().any(|e| matches!(e, AppEvent::TokenExpired { .. })));
    world.with(|core, now| core.renew_token("token-2".to_owned(), now));
    world.until("sent", |w| w.is_sent(hello));
    assert_eq!(world.disk.identity.token, "token-2");
}

#[test]
fn stop_leaves_and_start_comes_back() {
    let mut world = World::online();
    world.input(Input::Stop);
    world.secs(60);
    assert!(world.server.conns.is_empty() && world.connects.len() == 1);
    let hello = world.send("bob", "hello");
    world.input(Input::Start);
    world.until("sent", |w| w.is_sent(hello));
}

#[test]
fn garbage_from_the_server_ends_the_session_and_nothing_else() {
    let mut world = World::online();
    let attempt = *world.server.conns.keys().next().unwrap();
    let bytes = bytes::Bytes::from_static(&[0xff; 64]);
    world.input(Input::Bytes { attempt, bytes });
    assert!(!world.is_connected());
    let hello = world.send("bob", "hello");
    world.until("sent", |w| w.is_sent(hello));
}

#[test]
fn frames_cut_at_every_byte_are_put_together() {
    let mut world = World::returning();
    world.crumbs = true;
    (0..120).for_each(|i| world.server.says("bob", &format!("m{i}")));
    world.input(Input::Start);
    let hello = world.send("bob", "hello");
    world.until("synced", |w| w.new_texts().len() == 120 && w.is_sent(hello));
}

#[test]
fn requirement_e7_the_last_good_endpoint_is_remembered_per_network() {
    let mut world = World::online();
    assert_eq!(world.disk.endpoints[""].host, "127.0.0.1");
    world.with(|core, _| {
        let other = Endpoint {
            transport: TransportKind::Wss,
            host: "other".to_owned(),
            port: 443,
            network: "wifi:home".to_owned(),
        };
        core.set_endpoints(vec![other]);
    });
    world.cut();
    world.until("online", World::is_connected);
    assert_eq!(world.connects.last().unwrap().1.host, "other");
}

/// One host by every encrypted transport, and plainly.
fn every_way(host: &str) -> Vec<Endpoint> {
    [TransportKind::Wss, TransportKind::Tcp, TransportKind::Tls, TransportKind::Quic]
        .into_iter()
        .map(|transport| Endpoint {
            transport,
            host: host.to_owned(),
            port: 7411,
            network: String::new(),
        })
        .collect()
}

#[test]
fn requirement_e1_quic_comes_first_and_what_gets_through_is_remembered_per_network() {
    let transports = |ways: &[Endpoint]| ways.iter().map(|way| way.transport).collect::<Vec<_>>();
    let (quic, tls, wss) = (TransportKind::Quic, TransportKind::Tls, TransportKind::Wss);
    let mut world = World::new();
    world.passes = Some(tls);
    let start_on = |world: &mut World, network: &str| {
        world.boot();
        world.with(|core, _| core.set_endpoints(every_way("home")));
        world.input(Input::NetworkChanged { network: network.to_owned() });
        world.input(Input::Start);
        world.until("online", World::is_connected);
        world.connects.last().unwrap().1.transport
    };
    assert_eq!(start_on(&mut world, "wifi:hotel"), quic);
    assert_eq!(transports(&world.others), [tls, wss], "and nothing less private");
    assert_eq!(world.disk.endpoints["wifi:hotel"].transport, tls);
    assert_eq!(start_on(&mut world, "wifi:hotel"), tls, "it is known what gets through");
    assert_eq!(transports(&world.others), [quic, wss]);
    assert_eq!(start_on(&mut world, "mobile:one"), quic, "another network may let it pass");
}

#[test]
fn requirement_e1_over_quic_a_move_to_another_network_is_checked_and_not_begun_anew() {
    let mut world = World::new();
    let ways = every_way("home").into_iter();
    let quic = ways.filter(|way| way.transport == TransportKind::Quic).collect();
    world.with(|core, _| core.set_endpoints(quic));
    world.input(Input::NetworkChanged { network: "mobile:one".to_owned() });
    world.input(Input::Start);
    world.until("online", World::is_connected);
    let (connects, pings) = (world.connects.len(), world.server.pings);
    world.input(Input::NetworkChanged { network: "wifi:home".to_owned() });
    world.secs(1);
    assert_eq!((world.connects.len(), world.server.pings), (connects, pings + 1));
}

#[test]
fn when_no_transport_of_a_host_opens_another_host_is_tried() {
    let mut world = World::new();
    let list = [every_way("first"), every_way("second")].concat();
    world.with(|core, _| core.set_endpoints(list));
    world.refuse_connections = true;
    world.input(Input::Start);
    world.until("tried twice", |world| world.connects.len() == 2);
    assert_ne!(world.connects[0].1.host, world.connects[1].1.host);
}

fn history() -> Query {
    let of = Target::User(user("bob"));
    Query::History { of, after: Seq::ZERO, before: Seq::ZERO, limit: 10, oldest_first: false }
}

#[test]
fn a_query_is_answered_or_ends_within_ten_seconds() {
    let mut world = World::online();
    (0..3).for_each(|i| world.server.says("bob", &format!("m{i}")));
    world.with(|core, now| core.query(history(), now));
    world.secs(1);
    let Some(Ok(Reply::History { conversation, messages, more: false, .. })) =
        world.heard.replies.pop()
    else {
        panic!("{:?}", world.heard.replies);
    };
    assert_eq!((conversation, messages.len()), (direct("bob"), 3));

    world.half_open = true;
    world.with(|core, now| core.query(history(), now));
    world.secs(10);
    let code = world.heard.replies.pop().unwrap().unwrap_err().code;
    assert!(matches!(code, ErrorCode::TimedOut | ErrorCode::Unreachable));

    world.crash();
    world.boot();
    world.with(|core, now| core.query(history(), now));
    world.secs(10);
    assert_eq!(world.heard.replies.pop().unwrap().unwrap_err().code, ErrorCode::Unreachable);
}

#[test]
fn a_query_survives_a_broken_connection_and_too_many_are_refused() {
    let mut world = World::online();
    world.with(|core, now| core.query(history(), now));
    world.cut();
    world.until("answered", |w| !w.heard.replies.is_empty());
    assert!(world.heard.replies.pop().unwrap().is_ok());
    for _ in 0..65 {
        world.with(|core, now| core.query(history(), now));
    }
    let refused = world.heard.replies.pop().unwrap().unwrap_err();
    assert_eq!(refused.code, ErrorCode::Overloaded);
}

#[test]
fn typing_is_told_and_never_queued() {
    let mut world = World::new();
    let at = Target::Conversation(ConversationId([1; 16]));
    world.with(|core, now| core.typing(&at, false, now));
    assert!(world.disk.transactions == 0);
}
