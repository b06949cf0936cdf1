//! Live push, catching up, resets: nothing lost, nothing twice, nobody waits for anybody.

use std::time::Duration;

use anser_proto::session::client::Incoming;
use anser_proto::v1;
use anser_types::limits::{CONTENT_MAX_BYTES, PAGE_MAX};
use anser_types::{DeviceClass, ErrorCode, InboxSeq};
use bytes::Bytes;
use tokio::io::DuplexStream;

use crate::peer::{LOG_EPOCH, Peer, content_to, texts};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_message_is_pushed_to_every_device_but_the_one_that_sent_it() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let (mut desk, _) = world.connect(64 * 1024);
    desk.sign_in(&world.device("alice", DeviceClass::Desktop).await).await;
    let mut bob = world.online("bob").await;
    let ack = alice.send("bob", "hello").await;
    assert_eq!((ack.seq, ack.inbox_seq, ack.sent_before_ms), (1, 1, 38));
    assert_eq!(texts(&bob.batch().await), ["alice: hello"]);
    assert_eq!(texts(&desk.batch().await), ["to bob: hello"]);
    // Alice's own entry counts as sent, because the answer named it: the next one follows at once.
    bob.send("alice", "hi").await;
    let batch = alice.batch().await;
    assert_eq!((batch.first, texts(&batch)), (InboxSeq(2), vec!["bob: hi".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn requirement_a6_the_sender_learns_that_nobody_is_connected() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    assert!(alice.send("bob", "later, then").await.stored_offline);
}

#[tokio::test(start_paused = true)]
async fn requirement_c1_pages_come_one_per_acknowledgement() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    for number in 1..=120 {
        alice.send("bob", &number.to_string()).await;
    }
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, LOG_EPOCH, 0).await;
    bob.welcome().await;
    let mut sizes = Vec::new();
    loop {
        let batch = bob.batch().await;
        assert_eq!(batch.head, Some(InboxSeq(120)));
        assert_eq!(batch.first.0, bob.cursor + 1);
        sizes.push(batch.events.len());
        bob.store(&batch).await;
        if bob.cursor == 120 {
            break;
        }
    }
    assert_eq!(sizes, [50, 50, 20]);
    // The same page again, and one beyond the end.
    bob.ack(100, 50).await;
    assert_eq!(bob.batch().await.events.len(), 20);
    bob.ack(120, 50).await;
    let empty = bob.batch().await;
    assert_eq!((empty.first.0, empty.events.len(), empty.head), (121, 0, Some(InboxSeq(120))));
    // Live again.
    alice.send("bob", "121").await;
    let live = bob.batch().await;
    assert_eq!((live.first.0, live.head), (121, None));
}

#[tokio::test(start_paused = true)]
async fn a_wish_above_the_limit_gets_the_limit() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    for number in 1..=PAGE_MAX + 10 {
        alice.send("bob", &number.to_string()).await;
    }
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, LOG_EPOCH, 0).await;
    bob.welcome().await;
    bob.batch().await;
    bob.ack(5, u32::MAX).await;
    let page = bob.batch().await;
    assert_eq!((page.first.0, page.events.len()), (6, PAGE_MAX));
}

/// Sends contents that differ, large enough that a few of them fill a connection's budget.
async fn send_large(alice: &mut Peer<DuplexStream>, count: usize) {
    for number in 0..count {
        let content = large(number);
        alice.command(content_to("bob", content.clone())).await;
        assert_eq!(alice.command_ack().await.error, None);
    }
}

fn large(number: usize) -> Bytes {
    let mut content = format!("{number:08}").into_bytes();
    content.resize(CONTENT_MAX_BYTES / 2, b'.');
    Bytes::from(content)
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_loses_nothing_and_slows_nobody() {
    const MESSAGES: usize = 60;
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    // Bob's pipe holds next to nothing, and he stops reading.
    let (mut bob, _) = world.connect(1024);
    bob.sign_in(&bobs).await;
    let mut desk = {
        let (mut desk, _) = world.connect(64 * 1024);
        desk.sign_in(&world.device("bob", DeviceClass::Desktop).await).await;
        desk
    };
    // Two megabytes, four times the budget; bob's other device has everything at once.
    let mut at_desk = 0;
    for number in 0..MESSAGES {
        alice.command(content_to("bob", large(number))).await;
        let batch = desk.batch().await;
        assert_eq!(batch.first.0 as usize, number + 1);
        at_desk += batch.events.len();
        desk.store(&batch).await;
        while !matches!(alice.hear().await, Incoming::CommandAck(_)) {}
    }
    assert_eq!(at_desk, MESSAGES);
    // Now he reads: what was in his buffer, then pages, in order and without a hole.
    let mut seen = Vec::new();
    let mut was_told_to_pull = false;
    while seen.len() < MESSAGES {
        let batch = match bob.hear().await {
            Incoming::EventBatch(batch) => batch,
            Incoming::AckOk(_) => continue,
            other => panic!("{other:?}"),
        };
        assert_eq!(batch.first.0 as usize, seen.len() + 1);
        seen.extend(texts(&batch));
        let more = batch.head.is_some_and(|head| head.0 as usize > seen.len());
        was_told_to_pull |= more;
        bob.ack(seen.len() as u64, if more { 50 } else { 0 }).await;
    }
    let expected: Vec<String> = (0..MESSAGES)
        .map(|number| format!("alice: {}", String::from_utf8_lossy(&large(number))))
        .collect();
    assert!(seen == expected, "in order, each once");
    assert!(was_told_to_pull);
    // He is live again.
    alice.command(content_to("bob", Bytes::from_static(b"and now?"))).await;
    while bob.ack_ok().await != MESSAGES as u64 {}
    assert_eq!(texts(&bob.batch().await), ["alice: and now?"]);
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_is_dropped_and_has_lost_nothing() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    let (mut bob, serving) = world.connect(1024);
    let epoch = bob.sign_in(&bobs).await.log_epoch;
    send_large(&mut alice, 30).await;
    let keep_alive = async {
        loop {
            tokio::time::sleep(Duration::from_secs(20)).await;
            alice.pong().await;
        }
    };
    tokio::select! {
        farewell = serving => assert_eq!(farewell.unwrap(), anser_gateway::Farewell::Closed(ErrorCode::Silent)),
        () = keep_alive => {}
    }
    let (mut again, _) = world.connect(64 * 1024);
    again.hello(&bobs, epoch, 0).await;
    assert_eq!(again.welcome().await.inbox_head, 30);
}

#[tokio::test(start_paused = true)]
async fn requirement_c7_a_void_cursor_is_rebuilt_before_anything_is_pushed() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    alice.send("bob", "one").await;
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, 77, 1).await;
    let welcome = bob.welcome().await;
    let reset = bob.reset().await;
    assert_eq!((reset.at, reset.log_epoch, reset.reason), (1, welcome.log_epoch, 0));
    alice.send("bob", "two").await;
    // Nothing is pushed, but questions are answered.
    let query = v1::Query {
        query_no: 9,
        query: Some(v1::query::Query::SyncPage(v1::SyncPageQuery { at: 1, ..Default::default() })),
    };
    bob.say(|wire, out| wire.query(&query, out)).await;
    let reply = bob.reply().await;
    assert_eq!(reply.query_no, 9);
    let Some(v1::reply::Reply::SyncPage(page)) = reply.reply else { panic!("{reply:?}") };
    assert_eq!((page.conversations.len(), page.conversations[0].head), (1, 2));
    bob.ack(1, 50).await;
    let batch = bob.batch().await;
    assert_eq!((batch.first.0, texts(&batch)), (2, vec!["alice: two".to_owned()]));
    bob.store(&batch).await;
    alice.send("bob", "three").await;
    assert_eq!(texts(&bob.batch().await), ["alice: three"]);
}

#[tokio::test(start_paused = true)]
async fn requirement_c7_a_new_device_rebuilds_instead_of_reading_an_inbox_that_was_never_its() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    alice.send("bob", "one").await;
    alice.send("bob", "two").await;
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, 0, 0).await;
    let welcome = bob.welcome().await;
    let told = bob.received_bytes;
    let reset = bob.reset().await;
    assert_eq!(bob.received_bytes, told, "in the same write as Welcome");
    assert_eq!((reset.at, reset.log_epoch, reset.reason), (2, welcome.log_epoch, 0));
    // What comes meanwhile is not pushed; the page that ends the rebuild has it, in order.
    alice.send("bob", "three").await;
    alice.send("bob", "four").await;
    bob.pong().await;
    bob.ack(2, 50).await;
    let page = bob.batch().await;
    assert_eq!((page.first.0, page.head), (3, Some(InboxSeq(4))));
    assert_eq!(texts(&page), ["alice: three", "alice: four"]);
    bob.store(&page).await;
    alice.send("bob", "five").await;
    assert_eq!(texts(&bob.batch().await), ["alice: five"]);
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_client_that_asks_for_no_page_is_pushed_to() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, 77, 0).await;
    bob.welcome().await;
    assert_eq!(bob.reset().await.at, 0);
    alice.send("bob", "while he rebuilds").await;
    bob.ack(0, 0).await;
    assert_eq!(bob.ack_ok().await, 0);
    assert_eq!(texts(&bob.batch().await), ["alice: while he rebuilds"]);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_above_the_head_proves_lost_data() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice.send("bob", "one").await;
    let batch = bob.batch().await;
    bob.store(&batch).await;
    bob.ack(40, 0).await;
    let reset = bob.reset().await;
    assert_eq!((reset.at, reset.reason), (1, u32::from(ErrorCode::LogBehindClient.number())));
    alice.send("bob", "two").await;
    bob.ack(1, 0).await;
    assert_eq!(bob.ack_ok().await, 1);
    assert_eq!(texts(&bob.batch().await), ["alice: two"]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_above_the_head_at_hello_is_reset_with_the_reason() {
    let world = World::new();
    let bobs = world.device("bob", DeviceClass::Phone).await;
    let (mut bob, _) = world.connect(64 * 1024);
    let epoch = bob.sign_in(&bobs).await.log_epoch;
    drop(bob);
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, epoch, 500).await;
    bob.welcome().await;
    let reset = bob.reset().await;
    assert_eq!((reset.at, reset.reason), (0, u32::from(ErrorCode::LogBehindClient.number())));
}

#[tokio::test(start_paused = true)]
async fn requirement_a1_delivered_reaches_the_sender_after_the_receiver_has_stored() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice.send("bob", "one").await;
    alice.send("bob", "two").await;
    let mut stored = 0;
    while stored < 2 {
        stored += bob.batch().await.events.len();
    }
    bob.ack(2, 0).await;
    let v1::signal::Signal::Delivered(position) = alice.signal().await else { panic!() };
    assert_eq!((position.peer.as_str(), position.up_to_seq), ("bob", 2));
}

#[tokio::test(start_paused = true)]
async fn typing_passes_through_and_a_client_may_signal_nothing_else() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice.send("bob", "so that they know each other").await;
    bob.batch().await;
    let forged = v1::Signal {
        signal: Some(v1::signal::Signal::Read(v1::Position {
            peer: "bob".to_owned(),
            up_to_seq: 1,
            ..v1::Position::default()
        })),
    };
    let typing = v1::Typing { peer: "bob".to_owned(), ..v1::Typing::default() };
    let signal = v1::Signal { signal: Some(v1::signal::Signal::Typing(typing)) };
    alice.say(|wire, out| wire.signal(&forged, out)).await;
    alice.say(|wire, out| wire.signal(&signal, out)).await;
    let v1::signal::Signal::Typing(heard) = bob.signal().await else { panic!() };
    assert_eq!(heard.peer, "alice");
}

#[tokio::test(start_paused = true)]
async fn requirement_c5_events_that_the_mailbox_dropped_are_read_from_the_log() {
    const MESSAGES: u64 = 40;
    let world = World::with(|settings| settings.mailbox_events = 1);
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    let mut burst = bytes::BytesMut::new();
    for number in 1..=MESSAGES {
        let (command_no, body) = alice.compose(crate::peer::text_to("bob", &number.to_string()));
        alice.wire.command(anser_types::CommandNo(command_no), 0, &body, &mut burst);
    }
    alice.write(&burst).await;
    // Bob asks for nothing: he is live, and hears of everything in order.
    let mut heard = 0;
    while heard < MESSAGES {
        let batch = bob.batch().await;
        assert_eq!((batch.first.0, batch.head), (heard + 1, None));
        for text in texts(&batch) {
            heard += 1;
            assert_eq!(text, format!("alice: {heard}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pong_tells_a_client_that_asks_where_its_inbox_ends() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice.send("bob", "hello").await;
    bob.batch().await;
    assert_eq!(bob.pong().await, 0);
    bob.say(|wire, out| wire.ping(Some(InboxSeq(7)), out)).await;
    let Incoming::Pong(pong) = bob.hear().await else { panic!() };
    assert_eq!(pong.inbox_head, 1);
}

#[tokio::test(start_paused = true)]
async fn who_overlooks_that_more_is_there_is_told_again() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let bobs = world.device("bob", DeviceClass::Phone).await;
    for number in 1..=60 {
        alice.send("bob", &number.to_string()).await;
    }
    let (mut bob, _) = world.connect(64 * 1024);
    bob.hello(&bobs, LOG_EPOCH, 0).await;
    bob.welcome().await;
    assert_eq!(bob.batch().await.events.len(), 50);
    // He stores the page and forgets to ask for the next one.
    bob.ack(50, 0).await;
    assert_eq!(bob.ack_ok().await, 50);
    let hint = bob.batch().await;
    assert_eq!((hint.first.0, hint.events.len(), hint.head), (51, 0, Some(InboxSeq(60))));
    bob.ack(50, 50).await;
    assert_eq!(bob.batch().await.events.len(), 10);
}
