//! A whole town comes back, or many go, in one moment: what may be lost gives way, and messages do not.

use std::time::Duration;

use anser_service::{Presence, Session, Settings, Signal, UserPresence};
use anser_types::{DeviceClass, InboxSeq};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::task::yield_now;

use crate::world::{Device, World, id, quick_settings, to};

/// Counts what the service reports while it lives.
struct Counting {
    handle: PrometheusHandle,
    _counts: metrics::LocalRecorderGuard<'static>,
}

impl Counting {
    fn begin() -> Self {
        let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let handle = recorder.handle();
        Self { handle, _counts: metrics::set_default_local_recorder(recorder) }
    }

    fn signals_dropped(&self, reason: &str) -> u64 {
        let name = format!("anser_signals_dropped_total{{reason=\"{reason}\"}} ");
        let text = self.handle.render();
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |count| count.parse().unwrap())
    }
}

/// Ten are let in a second.
fn slow_door() -> World {
    World::with(Settings { sessions_per_second: 10, ..quick_settings() })
}

/// So many newcomers, who wait to be let in.
async fn crowd(world: &World, newcomers: usize) {
    for n in 0..newcomers {
        let signed_in = world.token(&format!("newcomer{n}"), DeviceClass::Cli).await;
        let service = world.service.clone();
        tokio::spawn(async move { Device::connect(&service, &signed_in, InboxSeq::ZERO).await });
    }
    settle().await;
}

async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

fn types_to(device: &Device, name: &str) {
    device.session.signal(Signal::Typing { at: to(name), who: None, stopped: false });
}

#[tokio::test(start_paused = true)]
async fn requirement_j6_who_is_typing_is_not_told_while_a_crowd_comes_and_messages_are() {
    let (world, counting) = (slow_door(), Counting::begin());
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "before").await;
    types_to(&alice, "bob");
    settle().await;
    assert_eq!(bob.signals().len(), 1);
    crowd(&world, 20).await;
    types_to(&alice, "bob");
    alice.say(to("bob"), "in the crowd").await;
    settle().await;
    assert_eq!(bob.signals(), []);
    assert_eq!(bob.hears().await, ["alice: before", "alice: in the crowd"]);
    assert_eq!(counting.signals_dropped("busy"), 1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    types_to(&alice, "bob");
    settle().await;
    assert_eq!(bob.signals().len(), 1, "the crowd is in");
    assert_eq!(counting.signals_dropped("busy"), 1);
}

#[tokio::test(start_paused = true)]
async fn requirement_j6_presence_waits_until_a_crowd_is_in_and_then_says_how_it_is() {
    let world = slow_door();
    let alice = world.connect("alice").await;
    let bob = world.connect("bob").await;
    crowd(&world, 20).await;
    alice.session.signal(Signal::Watch { users: vec![id("bob"), id("newcomer0")] });
    drop(bob);
    settle().await;
    assert_eq!(alice.signals(), [], "nobody is told of anybody");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let online = |name| UserPresence { user: id(name), presence: Presence::Online };
    let told = alice.signals();
    let all: Vec<_> = told
        .into_iter()
        .flat_map(|signal| match signal {
            Signal::Presence(users) => users,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(all, [online("bob"), online("newcomer0")]);
}

#[tokio::test(start_paused = true)]
async fn requirement_j6_sessions_that_end_in_one_moment_go_one_by_one_and_others_talk_between() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut many = Vec::new();
    for n in 0..100 {
        many.push(world.connect(&format!("user{n}")).await.session);
    }
    many.into_iter().for_each(|session| drop(tokio::spawn(ends(session))));
    alice.say(to("user0"), "still here?").await;
    let left = world.service.status().sessions;
    assert!((2..101).contains(&left), "answered while the others go: {left} are left");
    while world.service.status().sessions > 1 {
        yield_now().await;
    }
}

async fn ends(session: Session) {
    session.reader().depart().await;
}
