//! Who is online: told to those who follow, as far as each lets them see, and never to anybody else.

use std::time::Duration;

use anser_service::{Presence, Query, Reply, Settings, Signal, UserPresence};
use anser_types::{
    Audience, Command, ContactAct, ErrorCode, InboxSeq, SetSettings, UnixMs, UserId, limits,
};

use crate::world::{Device, World, id, quick_settings, send, to};

fn ids(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| id(name)).collect()
}

fn watch(device: &Device, names: &[&str]) {
    device.session.signal(Signal::Watch { users: ids(names) });
}

/// What a device is told of the presence of others, once everything that is under way has been done.
async fn told(device: &Device) -> Vec<(String, Presence)> {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let mut told = Vec::new();
    for signal in device.signals() {
        match signal {
            Signal::Presence(users) => told.extend(users),
            other => panic!("{other:?}"),
        }
    }
    told.into_iter().map(|UserPresence { user, presence }| (user.to_string(), presence)).collect()
}

fn is(name: &str, presence: Presence) -> (String, Presence) {
    (name.to_owned(), presence)
}

async fn asked(device: &Device, names: &[&str]) -> Vec<Presence> {
    match device.query(Query::Presence { of: ids(names) }).await {
        Reply::Presence(found) => found.into_iter().map(|one| one.presence).collect(),
        other => panic!("{other:?}"),
    }
}

fn seen_at(world: &World) -> Presence {
    use anser_types::Clock;
    Presence::Offline { last_seen: world.clock.now() }
}

fn last_seen_for(audience: Audience) -> Command {
    Command::SetSettings(SetSettings { last_seen: Some(audience), ..SetSettings::default() })
}

fn contact(with: &str, act: ContactAct) -> Command {
    Command::Contact { user: id(with), act }
}

async fn make_contacts(one: &mut Device, other: &mut Device) {
    let (a, b) = (one.signed_in.user.clone(), other.signed_in.user.clone());
    one.done(contact(b.as_str(), ContactAct::Apply { greeting: String::new() })).await;
    other.done(contact(a.as_str(), ContactAct::Accept)).await;
}

async fn pass(ms: u64) {
    tokio::time::advance(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_who_follows_a_user_hears_at_once_and_of_every_change() {
    let world = World::new();
    let alice = world.connect("alice").await;
    world.user("bob").await;
    watch(&alice, &["bob"]);
    let never = Presence::Offline { last_seen: UnixMs(0) };
    assert_eq!(told(&alice).await, [is("bob", never)], "how he is now");
    let bob = world.connect("bob").await;
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    let desk = world.connect("bob").await;
    drop(bob);
    pass(60_000).await;
    assert_eq!(told(&alice).await, [], "one device is enough, and which one is nobody's business");
    world.clock.forward(5_000);
    let left = seen_at(&world);
    drop(desk);
    assert_eq!(told(&alice).await, [], "perhaps he comes back");
    world.clock.forward(20_000);
    pass(limits::OFFLINE_GRACE_MS).await;
    assert_eq!(told(&alice).await, [is("bob", left)], "since he left, not since it was told");
    assert_eq!(world.inbox_head(&alice).await, InboxSeq::ZERO, "nothing of it is in an inbox");
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_who_comes_back_within_the_grace_has_not_gone() {
    let world = World::new();
    let alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    watch(&alice, &["bob"]);
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    for _ in 0..5 {
        let signed_in = bob.signed_in.clone();
        drop(bob);
        pass(limits::OFFLINE_GRACE_MS - 1).await;
        assert_eq!(asked(&alice, &["bob"]).await, [Presence::Online]);
        bob = Device::connect(&world.service, &signed_in, InboxSeq::ZERO).await;
    }
    pass(limits::OFFLINE_GRACE_MS * 2).await;
    assert_eq!(told(&alice).await, [], "a tunnel is no news");
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_the_setting_says_who_may_see() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let eve = world.connect("eve").await;
    make_contacts(&mut alice, &mut bob).await;
    bob.done(last_seen_for(Audience::Contacts)).await;
    watch(&alice, &["bob"]);
    watch(&eve, &["bob", "nobody"]);
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    let unknown = [is("bob", Presence::Unknown), is("nobody", Presence::Unknown)];
    assert_eq!(told(&eve).await, unknown, "like somebody who does not exist");
    assert_eq!(asked(&eve, &["bob", "nobody"]).await, [Presence::Unknown; 2]);
    bob.done(last_seen_for(Audience::Nobody)).await;
    let signed_in = bob.signed_in.clone();
    drop(bob);
    pass(limits::OFFLINE_GRACE_MS).await;
    assert_eq!((told(&alice).await, told(&eve).await), (vec![], vec![]), "told nothing more");
    assert_eq!(asked(&alice, &["bob"]).await, [Presence::Unknown]);
    let mut bob = Device::connect(&world.service, &signed_in, InboxSeq::ZERO).await;
    assert_eq!(asked(&bob, &["bob"]).await, [Presence::Online], "but oneself");
    assert_eq!(told(&alice).await, []);
    bob.done(last_seen_for(Audience::Everybody)).await;
    assert_eq!(told(&eve).await, [is("bob", Presence::Online)], "who may see now is told");
    assert_eq!(told(&alice).await, [], "she was told so before");
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_neither_of_two_who_block_hears_anything_more() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    watch(&alice, &["bob"]);
    watch(&bob, &["alice"]);
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    assert_eq!(told(&bob).await, [is("alice", Presence::Online)]);
    bob.done(contact("alice", ContactAct::Block)).await;
    let late = world.connect("alice").await;
    watch(&late, &["bob"]);
    assert_eq!(told(&late).await, [is("bob", Presence::Unknown)]);
    assert_eq!(asked(&late, &["bob"]).await, [Presence::Unknown]);
    assert_eq!(asked(&bob, &["alice"]).await, [Presence::Unknown], "typing stops both ways too");
    let (one, other) = (alice.signed_in.clone(), bob.signed_in.clone());
    drop((alice, late, bob));
    pass(limits::OFFLINE_GRACE_MS).await;
    let mut bob = Device::connect(&world.service, &other, InboxSeq::ZERO).await;
    alice = Device::connect(&world.service, &one, InboxSeq::ZERO).await;
    watch(&bob, &["alice"]);
    watch(&alice, &["bob"]);
    assert_eq!(told(&bob).await, [is("alice", Presence::Unknown)]);
    assert_eq!(told(&alice).await, [is("bob", Presence::Unknown)]);
    bob.done(contact("alice", ContactAct::Unblock)).await;
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    assert_eq!(told(&bob).await, [is("alice", Presence::Online)]);
}

#[tokio::test(start_paused = true)]
async fn who_is_blocked_while_following_is_told_nothing_of_what_follows() {
    let world = World::new();
    let alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    watch(&alice, &["bob"]);
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    bob.done(contact("alice", ContactAct::Block)).await;
    drop(bob);
    pass(limits::OFFLINE_GRACE_MS).await;
    assert_eq!(told(&alice).await, []);
    let mut bob = world.connect("bob").await;
    bob.done(send(to("bob"), "a note")).await;
    assert_eq!(told(&alice).await, []);
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_one_session_follows_so_many_and_hears_which_are_too_many() {
    let settings = Settings { presence_per_session: 3, ..quick_settings() };
    let world = World::with(settings);
    let alice = world.connect("alice").await;
    watch(&alice, &["a", "b"]);
    watch(&alice, &["b", "c", "d", "e"]);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let signals = alice.signals();
    let [Signal::PresenceRefused { users, refusal }, Signal::Presence(known)] = &signals[..] else {
        panic!("{signals:?}")
    };
    assert_eq!((users, refusal.code), (&ids(&["d", "e"]), ErrorCode::LimitReached));
    assert!(refusal.detail.contains('3'), "{refusal}");
    let known: Vec<_> = known.iter().map(|one| one.user.as_str()).collect();
    assert_eq!(known, ["a", "b", "c"]);
    alice.session.signal(Signal::Unwatch { users: ids(&["a", "never"]) });
    watch(&alice, &["d"]);
    assert_eq!(told(&alice).await, [is("d", Presence::Unknown)], "there is room again");
    let many = ids(&["a", "b", "c", "d"]);
    let refused = alice.session.query(Query::Presence { of: many }).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn what_all_follow_together_is_bounded_too() {
    let world = World::with(Settings { presence_in_all: 2, ..quick_settings() });
    let alice = world.connect("alice").await;
    let bob = world.connect("bob").await;
    watch(&alice, &["a", "b"]);
    watch(&bob, &["a"]);
    let signals = bob.signals();
    let [Signal::PresenceRefused { refusal, .. }] = &signals[..] else { panic!("{signals:?}") };
    assert_eq!(refusal.code, ErrorCode::Overloaded);
    assert!(refusal.retry_after_ms.is_some(), "it is worth another try");
    drop(alice);
    watch(&bob, &["a"]);
    assert_eq!(told(&bob).await, [is("a", Presence::Unknown)], "a session that ends makes room");
}

#[tokio::test(start_paused = true)]
async fn too_many_signals_are_refused_aloud_when_they_would_follow() {
    let world = World::new();
    let alice = world.connect("alice").await;
    for _ in 0..100 {
        watch(&alice, &["bob"]);
    }
    let refused = |signal: &Signal| matches!(signal, Signal::PresenceRefused { refusal, .. } if refusal.code == ErrorCode::RateLimited);
    assert!(alice.signals().iter().any(refused));
}

#[tokio::test(start_paused = true)]
async fn states_replace_each_other_on_their_way() {
    let world = World::new();
    let alice = world.connect("alice").await;
    let names: Vec<String> = (0..limits::PRESENCE_PER_SESSION).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    watch(&alice, &names);
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&alice).await.len(), names.len(), "more than a mailbox holds of other signals");
    watch(&alice, &["u1"]);
    let bob = world.connect("bob").await;
    alice.session.signal(Signal::Unwatch { users: ids(&["u1"]) });
    watch(&alice, &["bob"]);
    assert_eq!(told(&alice).await, [is("bob", Presence::Online)]);
    for _ in 0..3 {
        let signed_in = bob.signed_in.clone();
        watch(&alice, &["bob"]);
        drop(Device::connect(&world.service, &signed_in, InboxSeq::ZERO).await);
        pass(limits::OFFLINE_GRACE_MS).await;
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(told(&alice).await.len(), 1, "the newest only");
}

#[tokio::test(start_paused = true)]
async fn requirement_d5_when_one_was_last_outlives_a_restart_and_never_goes_back() {
    let mut world = World::new();
    let alice = world.connect("alice").await;
    let bob = world.connect("bob").await;
    world.clock.forward(1_000);
    let left = seen_at(&world);
    let signed_in = bob.signed_in.clone();
    drop(bob);
    pass(limits::OFFLINE_GRACE_MS + limits::SOFT_WRITE_MS).await;
    assert_eq!(asked(&alice, &["bob"]).await, [left]);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    world.crash();
    let alice = Device::connect(&world.service, &alice.signed_in, InboxSeq::ZERO).await;
    assert_eq!(asked(&alice, &["bob"]).await, [left], "it was written");
    // A device that is connected for long is noted now and then, so that a crash costs little.
    let bob = Device::connect(&world.service, &signed_in, InboxSeq::ZERO).await;
    world.clock.forward(3_600_000);
    bob.session.sweep().await.unwrap();
    let swept = seen_at(&world);
    world.clock.forward(limits::LAST_SEEN_EVERY_MS - 1);
    bob.session.sweep().await.unwrap();
    pass(limits::SOFT_WRITE_MS).await;
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    world.crash();
    let alice = Device::connect(&world.service, &alice.signed_in, InboxSeq::ZERO).await;
    assert_eq!(asked(&alice, &["bob"]).await, [swept]);
}

#[tokio::test(start_paused = true)]
async fn presence_waits_while_commands_wait() {
    let world = World::with(Settings { writer_queue: 4, ..quick_settings() });
    let mut alice = world.connect("alice").await;
    let eve = world.connect("eve").await;
    world.user("bob").await;
    alice.say(to("bob"), "hi").await;
    world.gate.hold();
    let mut pending = Vec::new();
    for n in 0..200 {
        let submitted = alice.submit(send(to("bob"), &n.to_string()));
        let Ok(one) = tokio::time::timeout(Duration::from_millis(10), submitted).await else {
            break;
        };
        pending.push(one);
    }
    watch(&eve, &["bob"]);
    assert_eq!(told(&eve).await, [], "messages go first");
    for _ in 0..20 {
        world.gate.release();
    }
    pass(1_000).await;
    let never = Presence::Offline { last_seen: UnixMs(0) };
    assert_eq!(told(&eve).await, [is("bob", never)]);
}

#[tokio::test(start_paused = true)]
async fn who_did_not_exist_when_they_were_followed_is_told_of_when_they_come() {
    let world = World::new();
    let alice = world.connect("alice").await;
    watch(&alice, &["zoe"]);
    assert_eq!(told(&alice).await, [is("zoe", Presence::Unknown)]);
    let _zoe = world.connect("zoe").await;
    assert_eq!(told(&alice).await, [is("zoe", Presence::Online)]);
}
