//! Catching up: pages, mailboxes that overflow, cursors that are void, and the rebuild.

use anser_service::{Query, Reply, Settings, Start};
use anser_types::{ErrorCode, InboxSeq, LogEpoch, Seq, limits};

use crate::world::{Device, World, quick_settings, send, to};

#[tokio::test]
async fn requirement_c1_one_pull_serves_all_conversations_in_pages() {
    let world = World::new();
    world.user("carol").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    for n in 0..40 {
        alice.say(to("carol"), &format!("a{n}")).await;
        bob.say(to("carol"), &format!("b{n}")).await;
    }
    let carol = world.connect("carol").await;
    let page = carol.session.read_inbox(InboxSeq::ZERO, 0).await.unwrap();
    assert_eq!(page.deliveries.len(), limits::PAGE_DEFAULT);
    assert_eq!((page.first, page.bounds.head), (InboxSeq(1), InboxSeq(80)));
    let page = carol.session.read_inbox(InboxSeq(50), 10_000).await.unwrap();
    assert_eq!(page.deliveries.len(), 30);
}

#[tokio::test]
async fn requirement_a5_a_page_keeps_to_a_frames_bytes_but_gives_at_least_one() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let large = "x".repeat(limits::CONTENT_MAX_BYTES);
    for _ in 0..8 {
        alice.say(to("bob"), &large).await;
    }
    let bob = world.connect("bob").await;
    let page = bob.session.read_inbox(InboxSeq::ZERO, 500).await.unwrap();
    assert!((1..8).contains(&page.deliveries.len()));
}

#[tokio::test]
async fn requirement_c5_an_overflowing_mailbox_loses_no_message() {
    let world = World::with(Settings { mailbox_events: 4, ..quick_settings() });
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    for n in 0..11 {
        alice.say(to("bob"), &n.to_string()).await;
    }
    assert_eq!(bob.mailbox.known_head(), InboxSeq(11), "the head is never dropped");
    assert!(bob.mailbox.take(InboxSeq(1)).is_none(), "the copies were");
    let heard = bob.hears().await;
    assert_eq!(heard.len(), 11);
    assert_eq!(heard[10], "alice: 10");
    alice.say(to("bob"), "live again").await;
    let pushed = bob.mailbox.take(bob.cursor.next());
    assert!(pushed.is_some(), "pushed, not only stored");
}

#[tokio::test]
async fn a_cursor_of_another_log_is_void() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "hi").await;
    let signed_in = &alice.signed_in;
    let other = LogEpoch(77);
    let again = Device::try_connect(&world.service, signed_in, InboxSeq(1), other).await.unwrap();
    assert_eq!(again.opened.start, Start::Reset { at: InboxSeq(1), reason: None });
    let none = LogEpoch::ZERO;
    let again = Device::try_connect(&world.service, signed_in, InboxSeq(1), none).await.unwrap();
    assert_eq!(again.opened.start, Start::Reset { at: InboxSeq(1), reason: None });
}

#[tokio::test]
async fn a_cursor_above_the_head_proves_lost_data() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    alice.say(to("bob"), "hi").await;
    let again = Device::connect(&world.service, &alice.signed_in, InboxSeq(5)).await;
    let reason = Some(ErrorCode::LogBehindClient);
    assert_eq!(again.opened.start, Start::Reset { at: InboxSeq(1), reason });
    again.session.acked(InboxSeq(9), &[]);
    assert_eq!(again.ended(), Some(ErrorCode::LogBehindClient), "an Ack above it, too");
}

#[tokio::test(start_paused = true)]
async fn requirement_c7_a_device_behind_the_trim_rebuilds() {
    let world = World::with(Settings { inbox_keep: 3, trim_every_ms: 1_000, ..quick_settings() });
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    for n in 0..10 {
        alice.say(to("bob"), &n.to_string()).await;
    }
    world.clock.forward(1_000);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let mut bob = world.connect("bob").await;
    let Start::Reset { at, reason: None } = bob.opened.start else { panic!() };
    assert_eq!(at, InboxSeq(10));
    let page =
        Query::SyncPage { at, since: LogEpoch::ZERO, after: None, limit: 0, heads_only: false };
    let Reply::SyncPage { page, more, restart_at } = bob.query(page).await else { panic!() };
    assert_eq!((page.len(), more, restart_at), (1, false, None));
    assert_eq!((page[0].head, page[0].unread), (Seq(10), 10));
    bob.session.acked(at, &[]);
    bob.cursor = at;
    alice.say(to("bob"), "after the rebuild").await;
    assert_eq!(bob.hears().await, ["alice: after the rebuild"]);

    // The trim passes the point of the rebuild: it starts again.
    for n in 0..10 {
        alice.say(to("bob"), &n.to_string()).await;
    }
    world.clock.forward(1_000);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let page =
        Query::SyncPage { at, since: LogEpoch::ZERO, after: None, limit: 0, heads_only: false };
    let Reply::SyncPage { restart_at, .. } = bob.query(page).await else { panic!() };
    assert_eq!(restart_at, Some(InboxSeq(21)));
}

#[tokio::test(start_paused = true)]
async fn requirement_b5_a_clock_that_jumps_trims_nothing() {
    let world = World::with(Settings { trim_every_ms: 1_000, ..quick_settings() });
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    for n in 0..3 {
        alice.say(to("bob"), &n.to_string()).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    world.clock.forward(limits::INBOX_KEEP_MS + 1);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let bounds = alice.session.read_inbox(InboxSeq::ZERO, 1).await.unwrap().bounds;
    assert_eq!(bounds.floor, InboxSeq::ZERO);
}

#[tokio::test]
async fn nothing_falls_between_reading_the_head_and_the_first_push() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let bob = world.token("bob", anser_types::DeviceClass::Cli).await;
    for n in 0..20 {
        let (bob, sent) = tokio::join!(
            Device::connect(&world.service, &bob, InboxSeq(n)),
            alice.run(send(to("bob"), "x"))
        );
        crate::world::done(sent);
        let heard = bob.mailbox.known_head();
        assert_eq!(heard, InboxSeq(n + 1), "in the head or in the mailbox");
    }
}
