//! How fast people may do what touches others, and what becomes of those who go on regardless.

use std::time::Duration;

use anser_service::{Answered, Penalties, Settings};
use anser_types::{Command, ContactAct, ErrorCode, Outcome, Refusal, Target, limits};

use crate::world::{Device, World, id, quick_settings, send, to};

async fn refusal(device: &mut Device, command: Command) -> Refusal {
    match device.run(command).await {
        Answered::Final { answer, .. } => match answer.outcome {
            Outcome::Refused(refusal) => refusal,
            Outcome::Done(done) => panic!("done: {done:?}"),
        },
        Answered::Refused { refusal, .. } => panic!("not for good: {refusal}"),
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_g5_a_group_takes_only_so_much_and_others_are_not_concerned() {
    let world = World::with(Settings {
        group_messages_per_second: 1,
        group_messages_burst: 3,
        ..quick_settings()
    });
    world.users(&["alice", "bob", "mallory"]).await;
    let (mut alice, mut bob) = (world.connect("alice").await, world.connect("bob").await);
    let mut mallory = world.connect("mallory").await;
    let group = alice.create_group("g", &["bob"]).await;
    let other = alice.create_group("h", &["bob"]).await;
    let here = || Target::Conversation(group);
    // Who is not in it takes nothing away from those who are.
    for _ in 0..5 {
        let refused = mallory.refused(send(here(), "x")).await;
        assert_eq!(refused, ErrorCode::ConversationUnknown);
    }
    for n in 0..3 {
        let speaker = if n == 1 { &mut bob } else { &mut alice };
        speaker.say(here(), "x").await;
    }
    let refused = refusal(&mut bob, send(here(), "x")).await;
    assert_eq!(refused.code, ErrorCode::GroupFlooded);
    assert!(!refused.code.retryable(), "only this group is concerned, not the whole device");
    let wait = u64::from(refused.retry_after_ms.unwrap());
    assert!((1..=1_001).contains(&wait), "{wait}");
    bob.say(Target::Conversation(other), "elsewhere it goes on").await;
    bob.say(to("alice"), "between two too").await;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    bob.say(here(), "x").await;
}

#[tokio::test(start_paused = true)]
async fn requirement_g5_nobody_writes_to_many_strangers_at_once() {
    let world =
        World::with(Settings { strangers_per_hour: 2, strangers_per_day: 3, ..quick_settings() });
    let people = ["alice", "a", "b", "c", "d", "e", "friend"];
    world.users(&people).await;
    let mut alice = world.connect("alice").await;
    let mut friend = world.connect("friend").await;
    let apply = |user: &str| {
        let act = ContactAct::Apply { greeting: String::new() };
        Command::Contact { user: id(user), act }
    };
    friend.done(apply("alice")).await;
    alice.say(to("a"), "hello").await;
    alice.done(apply("b")).await;
    for command in [send(to("c"), "hello"), apply("c")] {
        let refused = refusal(&mut alice, command).await;
        assert_eq!(refused.code, ErrorCode::TooManyStrangers);
        assert!(refused.retry_after_ms.unwrap() > 60_000);
    }
    // Whom one has begun to write to, and who asked oneself, is no stranger.
    alice.say(to("a"), "again").await;
    alice.say(to("b"), "to whom one has applied").await;
    alice.done(Command::Contact { user: id("friend"), act: ContactAct::Accept }).await;
    alice.say(to("friend"), "welcome").await;
    tokio::time::sleep(Duration::from_secs(1_801)).await;
    alice.say(to("c"), "an hour has two").await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let refused = refusal(&mut alice, send(to("d"), "hello")).await;
    assert_eq!(refused.code, ErrorCode::TooManyStrangers, "a day has three");
    tokio::time::sleep(Duration::from_secs(8 * 3_600)).await;
    alice.say(to("d"), "hello").await;
}

#[tokio::test(start_paused = true)]
async fn requirement_g5_who_goes_on_regardless_waits_longer_and_longer() {
    let world =
        World::with(Settings { commands_per_second: 10, commands_burst: 1, ..quick_settings() });
    world.users(&["alice", "bob"]).await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "one").await;
    let told = |answered| match answered {
        Answered::Refused { refusal, .. } => {
            assert_eq!(refusal.code, ErrorCode::RateLimited);
            refusal.retry_after_ms.unwrap()
        }
        Answered::Final { .. } => 0,
    };
    // As much as may be on its way when one is told costs nothing more.
    let request = alice.request(send(to("bob"), "two"));
    for _ in 0..limits::COMMANDS_IN_FLIGHT {
        assert!(told(alice.session.submit(request.clone()).await.await) <= 101);
    }
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert_eq!(told(alice.session.submit(request.clone()).await.await), 0);
    // Who never stops waits twice as long again and again, at most a minute.
    let request = alice.request(send(to("bob"), "three"));
    let mut waits = Vec::new();
    for _ in 0..20 * limits::COMMANDS_IN_FLIGHT {
        waits.push(told(alice.session.submit(request.clone()).await.await));
    }
    let longest = *waits.iter().max().unwrap();
    assert!(waits.contains(&1_001) && waits.contains(&2_001) && waits.contains(&4_001));
    assert_eq!(u64::from(longest), limits::PENALTY_MAX_MS + 1);
    // A new session of the device changes nothing; keeping to it does.
    let signed_in = alice.signed_in.clone();
    let mut again = Device::connect(&world.service, &signed_in, alice.cursor).await;
    let request = again.request(send(to("bob"), "three"));
    assert!(told(again.session.submit(request.clone()).await.await) > 1_000);
    tokio::time::sleep(Duration::from_millis(limits::PENALTY_MAX_MS)).await;
    assert_eq!(told(again.session.submit(request).await.await), 0);
}

#[tokio::test(start_paused = true)]
async fn a_penalty_shrinks_while_one_keeps_to_it() {
    let penalties = Penalties::default();
    let first = penalties.refused(1, Duration::from_millis(10));
    assert_eq!(first, 11);
    for _ in 0..3 * (limits::COMMANDS_IN_FLIGHT + 1) {
        penalties.admits(1).unwrap_err();
    }
    assert_eq!(penalties.admits(2), Ok(()), "nobody else is concerned");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(penalties.admits(1), Ok(()));
    // Too fast once more, soon: as long as before. After some time of keeping to it: shorter, and at last forgotten.
    assert_eq!(penalties.refused(1, Duration::ZERO), 4_001);
    tokio::time::sleep(Duration::from_millis(4_000 + limits::PENALTY_DECAY_MS)).await;
    assert_eq!(penalties.refused(1, Duration::ZERO), 2_001);
    tokio::time::sleep(Duration::from_millis(2_000 + 2 * limits::PENALTY_DECAY_MS)).await;
    assert_eq!(penalties.admits(1), Ok(()));
    assert_eq!(penalties.refused(1, Duration::from_millis(10)), 11);
}
