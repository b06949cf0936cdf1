//! Whom the app follows: said to every session, told only when it is news, given up only when it cannot be.

use anser_client::{AppEvent, Input};
use anser_proto::session::server::ServerSession;
use anser_proto::v1::{self, signal::Signal};
use anser_types::limits::PRESENCE_PER_SESSION;
use anser_types::{ErrorCode, Presence, UserId};
use bytes::BytesMut;

use crate::host::user;
use crate::server::error;
use crate::world::World;

/// What a session in progress would send.
fn hears(world: &mut World, signal: Signal) {
    let attempt = *world.server.conns.keys().next().unwrap();
    let mut session = ServerSession::new();
    let (mut out, mut hello) = (BytesMut::new(), BytesMut::new());
    anser_proto::session::client::ClientSession::new().hello(v1::Hello::default(), &mut hello);
    session.receive(&hello.split_off(1).freeze()).unwrap();
    session.welcome(v1::Welcome::default(), &mut out);
    out.clear();
    session.signal(&v1::Signal { signal: Some(signal) }, &mut out);
    world.input(Input::Bytes { attempt, bytes: out.freeze() });
}

fn states(states: &[(&str, u32)]) -> Signal {
    let users = states.iter().map(|(user, state)| v1::UserPresence {
        user: (*user).to_owned(),
        state: *state,
        last_seen_ms: 0,
    });
    Signal::Presence(v1::Presence { users: users.collect() })
}

/// The users each watch named that reached the server since the last look.
fn watches(world: &mut World) -> Vec<Vec<String>> {
    let signals = std::mem::take(&mut world.server.signals).into_iter();
    signals
        .filter_map(|signal| match signal.signal {
            Some(Signal::Watch(watch)) => Some(watch.users),
            _ => None,
        })
        .collect()
}

fn told(world: &mut World) -> Vec<(String, Presence)> {
    let events = std::mem::take(&mut world.heard.events).into_iter();
    events
        .filter_map(|event| match event {
            AppEvent::PresenceChanged { user, presence } => Some((user.to_string(), presence)),
            _ => None,
        })
        .collect()
}

fn follow(world: &mut World, users: &[UserId]) {
    world.with(|core, now| core.follow(users, now)).unwrap();
}

#[test]
fn requirement_d5_every_session_is_told_anew_whom_the_app_follows() {
    let mut world = World::new();
    follow(&mut world, &[user("bob"), user("carol")]);
    world.input(Input::Start);
    world.secs(1);
    assert_eq!(watches(&mut world), [["bob", "carol"]], "wished for before there was a session");
    hears(&mut world, states(&[("bob", 1), ("carol", 0), ("eve", 1)]));
    hears(&mut world, states(&[("bob", 1)]));
    let first = [("bob".to_owned(), Presence::Online), ("carol".to_owned(), Presence::Unknown)];
    assert_eq!(told(&mut world), first, "news only, and of those who are followed");
    world.with(|core, now| core.unfollow(&[user("carol"), user("eve")], now));
    world.cut();
    world.secs(5);
    assert!(world.is_connected());
    assert_eq!(watches(&mut world), [["bob"]]);
    hears(&mut world, states(&[("bob", 1), ("carol", 1)]));
    assert_eq!(told(&mut world), [], "he is as he was");
    hears(&mut world, states(&[("bob", 7)]));
    assert_eq!(told(&mut world), [("bob".to_owned(), Presence::Unknown)], "a state of later times");
    // The process dies: nobody wants to know any more.
    world.restart();
    world.input(Input::Start);
    world.secs(1);
    assert_eq!(watches(&mut world), Vec::<Vec<String>>::new());
}

#[test]
fn who_is_left_out_for_now_is_named_again_and_who_is_left_out_for_good_is_not() {
    let mut world = World::online();
    follow(&mut world, &[user("bob"), user("carol"), user("dave")]);
    world.secs(1);
    watches(&mut world);
    hears(&mut world, states(&[("bob", 1)]));
    let refused = |names: &[&str], code| {
        let users = names.iter().map(|name| (*name).to_owned()).collect();
        let error = v1::Error { retry_after_ms: 2_000, ..error(code) };
        Signal::WatchRefused(v1::WatchRefused { users, error: Some(error) })
    };
    hears(&mut world, refused(&["carol"], ErrorCode::Overloaded));
    hears(&mut world, refused(&["dave"], ErrorCode::LimitReached));
    let given_up = world.heard.events.iter().find_map(|event| match event {
        AppEvent::PresenceRefused { users, reason } => Some((users.clone(), reason.code)),
        _ => None,
    });
    assert_eq!(given_up, Some((vec![user("dave")], ErrorCode::LimitReached)));
    world.secs(1);
    assert_eq!(watches(&mut world), Vec::<Vec<String>>::new(), "not before its time");
    world.secs(2);
    assert_eq!(watches(&mut world), [["carol"]]);
    let many: Vec<UserId> = (0..PRESENCE_PER_SESSION).map(|n| user(&format!("u{n}"))).collect();
    let full = world.with(|core, now| core.follow(&many, now)).unwrap_err();
    assert_eq!(full.code, ErrorCode::LimitReached);
    follow(&mut world, &many[..PRESENCE_PER_SESSION - 2]);
    follow(&mut world, &[user("bob")]);
}
