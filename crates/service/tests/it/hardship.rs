//! Bad days: full queues, floods, full and failing disks.

use anser_backend::memory::CommitDecision;
use anser_service::Settings;
use anser_types::{Content, DeviceClass, ErrorCode, InboxSeq, Seq};

use crate::world::{Device, World, done, id, not_executed, quick_settings, send, to};

#[tokio::test(start_paused = true)]
async fn a_full_queue_answers_overloaded_and_keeps_the_order() {
    let world = World::with(Settings { writer_queue: 4, ..quick_settings() });
    world.user("bob").await;
    let mut others = Vec::new();
    for n in 0..30 {
        let mut device = world.connect(&format!("user{n}")).await;
        device.say(to("bob"), "hello").await;
        others.push(device);
    }
    world.gate.hold();
    // One batch is at the store, and the queue holds four more commands than the writer may take out meanwhile.
    let mut pending = vec![others[0].submit(send(to("bob"), "first")).await];
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    for device in &mut others[1..5] {
        pending.push(device.submit(send(to("bob"), "fills the queue")).await);
    }
    let refusal = not_executed(others[10].run(send(to("bob"), "too much")).await);
    assert_eq!(refusal.code, ErrorCode::Overloaded);
    assert!(refusal.code.retryable() && refusal.retry_after_ms.is_some());
    assert_eq!(world.service.status().queue_depth, 4);
    world.gate.release();
    for pending in pending {
        done(pending.await);
    }
    // The number stayed free.
    others[10].command_no -= 1;
    done(others[10].run(send(to("bob"), "again")).await);
}

#[tokio::test(start_paused = true)]
async fn a_full_bulk_queue_leaves_sessions_alone() {
    let world = World::with(Settings { bulk_queue: 1, ..quick_settings() });
    world.users(&["shop", "bob"]).await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "warm").await;
    world.gate.hold();
    let app = world.app();
    let bulk = |n: u8| {
        let content = Content::text("offer");
        world.service.send_as(&app, id("shop"), n.to_string(), [n; 16], to("bob"), content)
    };
    let (first, second, third, said) = tokio::join!(bulk(1), bulk(2), bulk(3), async {
        let pending = alice.submit(send(to("bob"), "hi")).await;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        world.gate.release();
        pending.await
    });
    done(said);
    let outcomes = [first, second, third];
    assert!(outcomes.iter().any(Result::is_ok));
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.map(|refusal| refusal.code).all(|code| code == ErrorCode::Overloaded));
    assert!(outcomes.iter().any(Result::is_err));
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_rate_limited_and_the_number_stays_free() {
    let settings = Settings { commands_per_second: 10, commands_burst: 5, ..quick_settings() };
    let world = World::with(settings);
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    for _ in 0..5 {
        alice.say(to("bob"), "x").await;
    }
    let refusal = not_executed(alice.run(send(to("bob"), "y")).await);
    assert_eq!(refusal.code, ErrorCode::RateLimited);
    let wait = refusal.retry_after_ms.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(wait.into())).await;
    alice.command_no -= 1;
    alice.say(to("bob"), "y").await;
    assert_eq!(world.direct_head("alice", "bob").await, Seq(6));
}

#[tokio::test]
async fn a_full_disk_is_said_honestly_and_heals() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "fits").await;
    world.gate.next(CommitDecision::Full("12 KiB left".into()));
    let refusal = not_executed(alice.run(send(to("bob"), "no room")).await);
    assert_eq!(refusal.code, ErrorCode::StorageFull);
    assert!(refusal.detail.contains("12 KiB"));
    assert!(world.service.status().ledger.full.is_some());
    assert_eq!(alice.ended(), None, "reading goes on");
    assert_eq!(alice.hears().await, ["to bob: fits"]);
    alice.command_no -= 1;
    alice.say(to("bob"), "room again").await;
    assert_eq!(world.direct_head("alice", "bob").await, Seq(2));
}

#[tokio::test]
async fn a_failed_write_acknowledges_nothing_and_ends_everybody() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let carol = world.token("carol", DeviceClass::Cli).await;
    alice.say(to("bob"), "one").await;
    bob.hears().await;
    world.gate.hold();
    let mut pending = Vec::new();
    for n in 0..5 {
        pending.push(alice.submit(send(to("bob"), &n.to_string())).await);
    }
    world.gate.next(CommitDecision::Fail { kept: true });
    world.gate.release();
    for pending in pending {
        let refusal = not_executed(pending.await);
        assert_eq!(refusal.code, ErrorCode::StoreFailed);
        assert!(refusal.code.retryable());
    }
    assert_eq!(alice.ended(), Some(ErrorCode::StoreFailed));
    assert_eq!(bob.ended(), Some(ErrorCode::StoreFailed));
    assert!(bob.mailbox.take(bob.cursor.next()).is_none(), "nothing unaccepted is shown");
    assert!(world.service.status().failed.is_some());
    assert!(!world.service.store_failed().await.is_empty());
    let again = not_executed(alice.run(send(to("bob"), "more")).await);
    assert_eq!(again.code, ErrorCode::StoreFailed);
    let epoch = world.service.status().ledger.log_epoch;
    let refused = Device::try_connect(&world.service, &carol, InboxSeq::ZERO, epoch).await;
    assert_eq!(refused.err().unwrap().code, ErrorCode::StoreFailed);
}

#[tokio::test]
async fn what_was_in_doubt_is_settled_after_the_restart() {
    let mut world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "one").await;
    world.gate.next(CommitDecision::Fail { kept: true });
    not_executed(alice.run(send(to("bob"), "in doubt")).await);
    world.crash();
    let mut alice = Device::connect(&world.service, &alice.signed_in, alice.cursor).await;
    assert_eq!(alice.opened.last_command_no.0, 2, "it had happened");
    alice.command_no = 1;
    let answered = alice.run(send(to("bob"), "in doubt")).await;
    assert!(matches!(answered, anser_service::Answered::Final { duplicate: true, .. }));
    assert_eq!(world.direct_head("alice", "bob").await, Seq(2));
}

#[tokio::test]
async fn dropping_a_session_with_commands_in_flight_loses_no_order() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "0").await;
    world.gate.hold();
    for n in 1..10 {
        drop(alice.submit(send(to("bob"), &n.to_string())).await);
    }
    let (signed_in, cursor) = (alice.signed_in.clone(), alice.cursor);
    drop(alice);
    world.gate.release();
    // Whatever the new session finds executed is a prefix of what was sent.
    let mut alice = Device::connect(&world.service, &signed_in, cursor).await;
    let executed = alice.opened.last_command_no.0;
    for n in executed..10 {
        alice.say(to("bob"), &n.to_string()).await;
    }
    let mut bob = world.connect("bob").await;
    let expected: Vec<String> = (0..10).map(|n| format!("alice: {n}")).collect();
    assert_eq!(bob.hears().await, expected);
}
