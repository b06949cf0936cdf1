//! The inbox: pages, pushes, gaps, failures of the store, rebuilds.

use anser_client::{AppEvent, Input, RowUpdate};
use anser_proto::v1;
use anser_types::event::UnavailableReason;
use anser_types::{InboxSeq, LogEpoch};
use bytes::Bytes;

use crate::host::direct;
use crate::world::{StoreMode, World};

fn numbered(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("m{i}")).collect()
}

fn says(world: &mut World, peer: &str, range: std::ops::Range<usize>) {
    range.for_each(|i| world.server.says(peer, &format!("m{i}")));
}

#[test]
fn requirement_c1_pages_of_fifty_and_one_ack_for_each() {
    let mut world = World::returning();
    says(&mut world, "bob", 0..175);
    world.input(Input::Start);
    world.until("synced", |w| w.new_texts().len() == 175);
    world.secs(1);
    assert_eq!(world.server.acks, [(50, 50), (100, 50), (150, 50), (175, 0)]);
    assert_eq!(world.disk.texts(direct("bob")), numbered(175));
    let steps: Vec<_> = world
        .heard
        .events
        .iter()
        .filter(|e| {
            matches!(
                e,
                AppEvent::SyncStarted { .. }
                    | AppEvent::SyncProgress { .. }
                    | AppEvent::SyncFinished
            )
        })
        .collect();
    assert!(matches!(steps[0], AppEvent::SyncStarted { missing: Some(175) }));
    assert!(matches!(steps[steps.len() - 1], AppEvent::SyncFinished));
    assert_eq!(steps.len(), 6);
}

#[test]
fn pushes_are_stored_told_and_acked() {
    let mut world = World::online();
    world.server.says("bob", "one");
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), ["one"]);
    assert_eq!(world.server.acks, [(1, 0)]);
    assert_eq!(world.disk.device.cursor, InboxSeq(1));
}

#[test]
fn requirement_c5_a_gap_in_the_pushes_is_noticed_and_pulled() {
    let mut world = World::online();
    world.server.lose_pushes = true;
    says(&mut world, "bob", 0..3);
    world.push();
    world.secs(1);
    assert!(world.new_texts().is_empty());
    world.server.lose_pushes = false;
    says(&mut world, "bob", 3..4);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(4));
    assert_eq!(world.disk.texts(direct("bob")), numbered(4));
}

#[test]
fn requirement_c5_what_was_missed_offline_is_pulled_after_reconnect() {
    let mut world = World::online();
    world.cut();
    says(&mut world, "bob", 0..7);
    world.until("synced", |w| w.new_texts().len() == 7);
    assert_eq!(world.new_texts(), numbered(7));
}

#[test]
fn requirement_c2_a_page_the_store_does_not_take_is_pulled_again() {
    let mut world = World::returning();
    says(&mut world, "bob", 0..120);
    world.store = StoreMode::Full;
    world.input(Input::Start);
    world.secs(60);
    assert!(world.new_texts().is_empty(), "nothing is told");
    assert!(world.server.acks.iter().all(|(up_to, _)| *up_to == 0), "nothing is confirmed");
    assert!(world.is_connected());
    let failing = world
        .heard
        .events
        .iter()
        .filter(|e| matches!(e, AppEvent::StoreFailing { full: true, .. }));
    assert!((2..10).contains(&failing.count()), "it backs off");
    world.store = StoreMode::Works;
    world.until("synced", |w| w.new_texts().len() == 120);
    world.secs(5);
    assert_eq!(world.new_texts(), numbered(120), "each once");
    assert_eq!(world.disk.device.cursor, InboxSeq(120));
}

#[test]
fn a_conversation_whose_first_page_was_not_stored_is_known_afterwards() {
    let mut world = World::online();
    world.store = StoreMode::Full;
    says(&mut world, "bob", 0..1);
    world.push();
    world.secs(3);
    world.store = StoreMode::Works;
    world.until("synced", |w| w.new_texts().len() == 1);
    assert_eq!(world.disk.rows[&direct("bob")], [RowUpdate::Seen]);
}

#[test]
fn pushes_beyond_what_may_wait_for_the_store_are_left_and_pulled() {
    let mut world = World::online();
    world.store = StoreMode::Full;
    says(&mut world, "bob", 0..2_000);
    world.push();
    world.secs(10);
    world.store = StoreMode::Works;
    world.until("synced", |w| w.new_texts().len() == 2_000);
    assert_eq!(world.disk.texts(direct("bob")), numbered(2_000));
}

#[test]
fn own_messages_leave_no_gap_whether_they_are_pushed_or_not() {
    for push_own in [false, true] {
        let mut world = World::online();
        world.server.push_own = push_own;
        for i in 0..20 {
            world.send("bob", &format!("a{i}"));
            world.server.says("bob", &format!("b{i}"));
            world.push();
            world.run(std::time::Duration::from_millis(7 * i % 50));
        }
        world.secs(5);
        assert_eq!(world.disk.texts(direct("bob")).len(), 40, "push_own {push_own}");
        assert_eq!(world.disk.device.cursor, InboxSeq(40));
        assert_eq!(world.new_texts().len(), 20, "one's own are not news here");
        assert!(world.server.acks.iter().all(|(_, want)| *want == 0), "{:?}", world.server.acks);
    }
}

#[test]
fn own_messages_of_other_devices_are_news() {
    let mut world = World::online();
    world.server.push_own = true;
    let message = v1::Message {
        peer: "carol".to_owned(),
        seq: 1,
        device_no: 9,
        local_no: 4,
        ..v1::Message::default()
    };
    world.server.put(v1::event::Event::OwnDirect(message));
    world.push();
    world.server.says("bob", "x");
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts().len(), 2);
}

#[test]
fn what_a_newer_server_says_is_kept_raw_and_confirmed() {
    let mut world = World::online();
    // Field 30 of Event, with a body: a kind this version does not know.
    world.server.put_raw(&[0xf2, 0x01, 0x03, 1, 2, 3]);
    // A known message with a field of a newer version inside.
    let mut newer = Vec::from(&[0x0a, 0x0c][..]);
    newer.extend([0x0a, 3, b'b', b'o', b'b', 0x10, 1, 0xf2, 0x01, 0x02, 7, 7]);
    world.server.put_raw(&newer);
    world.push();
    world.secs(1);
    assert_eq!(world.disk.unknown.len(), 2);
    assert_eq!(&world.disk.unknown[&InboxSeq(1)].raw[..], [0xf2, 0x01, 0x03, 1, 2, 3]);
    assert_eq!(world.new_texts().len(), 1, "understood as far as it goes");
    assert_eq!(world.disk.device.cursor, InboxSeq(2));
    world.restart();
    world.secs(1);
    assert_eq!(world.disk.unknown.len(), 2, "still not understood, still kept");
}

#[test]
fn what_an_older_version_kept_is_read_after_the_upgrade() {
    let mut world = World::online();
    let mut event = Vec::from(&[0x0a, 0x07][..]);
    event.extend([0x0a, 3, b'b', b'o', b'b', 0x10, 1]);
    let kept = anser_client::UnknownEvent { inbox_seq: InboxSeq(1), raw: Bytes::from(event) };
    world.disk.unknown.insert(InboxSeq(1), kept);
    world.disk.device.cursor = InboxSeq(1);
    world.server.put_raw(&[0xf2, 0x01, 0x00]);
    world.restart();
    world.secs(1);
    assert!(world.disk.unknown.is_empty());
    assert_eq!(world.disk.messages.len(), 1);
}

#[test]
fn what_cannot_be_given_is_named() {
    let mut world = World::online();
    let gap = v1::Unavailable {
        peer: "bob".to_owned(),
        from_seq: 3,
        to_seq: 9,
        reason: 1,
        ..v1::Unavailable::default()
    };
    world.server.put(v1::event::Event::Unavailable(gap));
    world.push();
    world.secs(1);
    assert_eq!(world.disk.unavailable[0].reason, UnavailableReason::Expired);
    assert!(
        world.heard.events.iter().any(|e| matches!(e, AppEvent::Unavailable(gap) if gap.to.0 == 9))
    );
}

/// A server on which 30 peers wrote so much that the inbox was trimmed.
fn long_absence(world: &mut World) {
    for i in 0..30 {
        says(world, &format!("peer{i}"), 0..4);
    }
    world.server.trimmed = 60;
    world.server.sync_limit = 7;
}

#[test]
fn requirement_c7_a_long_absence_is_rebuilt_from_heads_and_goes_on_from_there() {
    let mut world = World::new();
    long_absence(&mut world);
    world.server.reset_at = Some(110);
    world.input(Input::Start);
    world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(120));
    assert!(world.disk.device.rebuild.is_none());
    let rows = world.disk.rows.values().flatten().filter(|row| matches!(row, RowUpdate::Full(_)));
    assert_eq!(rows.count(), 30);
    assert!(world.disk.messages.len() < 60, "history is loaded lazily");
    world.server.says("peer3", "later");
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts().last().unwrap(), "later");
    assert!(world.heard.events.iter().any(|e| matches!(e, AppEvent::SyncFinished)));
}

#[test]
fn requirement_c7_an_interrupted_rebuild_goes_on_where_it_stopped() {
    for die_after in 0..10 {
        let mut world = World::new();
        long_absence(&mut world);
        world.store = StoreMode::DiesAfter(die_after);
        world.input(Input::Start);
        world.secs(3);
        world.store = StoreMode::Works;
        let stored = world.disk.device.rebuild.clone().and_then(|rebuild| rebuild.after);
        let asked = world.server.queries.len();
        world.crash();
        world.boot();
        world.input(Input::Start);
        world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(120));
        if let Some(stored) = stored {
            match &world.server.queries[asked].query {
                Some(v1::query::Query::SyncPage(next)) => {
                    assert_eq!(next.after[..], stored.0, "nothing is read twice");
                }
                // Every conversation was stored: the lists follow.
                Some(v1::query::Query::Items(first)) => {
                    assert_eq!((stored.0, first.after.len()), ([0xff; 16], 0));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(world.disk.rows.len(), 30);
    }
}

#[test]
fn requirement_c7_a_new_device_reads_conversations_a_page_per_question_and_no_history() {
    let mut world = World::new();
    for i in 0..30 {
        says(&mut world, &format!("peer{i}"), 0..4);
    }
    world.server.sync_limit = 7;
    world.input(Input::Start);
    world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(120));
    world.secs(1);
    let pages = world.server.queries.iter().filter_map(|query| match &query.query {
        Some(v1::query::Query::SyncPage(page)) => Some(page.after.clone()),
        Some(v1::query::Query::Items(_)) => None,
        other => panic!("{other:?}"),
    });
    let after: std::collections::BTreeSet<_> = pages.collect();
    let asked = world.server.queries.len();
    assert_eq!((after.len(), asked), (5, 6), "each page is asked for once, and the lists");
    assert_eq!(world.server.acks, [(120, 50)], "one Ack, which starts the flow");
    assert!(world.new_texts().is_empty(), "history is not news");
    let finished = |e: &&AppEvent| matches!(e, AppEvent::SyncFinished);
    assert_eq!(world.heard.events.iter().filter(finished).count(), 1);
    world.server.says("peer3", "later");
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), ["later"]);
}

#[test]
fn what_comes_while_a_new_device_rebuilds_is_told_once_and_in_order_afterwards() {
    for lose_pushes in [false, true] {
        let mut world = World::new();
        for i in 0..30 {
            says(&mut world, &format!("peer{i}"), 0..4);
        }
        world.server.sync_limit = 3;
        world.server.lose_pushes = lose_pushes;
        world.input(Input::Start);
        world.until("greeted", |w| !w.server.hellos.is_empty());
        let mut wanted = Vec::new();
        for i in 0..20 {
            // Before and behind the page the rebuild is at: some of these are in the rows it reads, some are not.
            let text = format!("meanwhile {i}");
            world.server.says(&format!("peer{}", i % 7), &text);
            wanted.push(text);
            world.push();
            world.run(std::time::Duration::from_millis(15));
        }
        let own = world.send("peer5", "one's own meanwhile");
        world.until("sent", |w| w.is_sent(own));
        world.until("caught up", |w| w.disk.device.cursor.0 == w.server.head());
        world.secs(1);
        assert!(world.server.queries.len() > 5, "the rebuild took several pages");
        assert_eq!(world.new_texts(), wanted);
        let stored = world.disk.texts(direct("peer0"));
        assert!(
            stored.ends_with(&["meanwhile 0", "meanwhile 7", "meanwhile 14"].map(str::to_owned))
        );
    }
}

#[test]
fn a_new_device_hears_everything_since_it_first_signed_in() {
    let mut world = World::online();
    world.cut();
    says(&mut world, "bob", 0..3);
    world.until("synced", |w| w.new_texts().len() == 3);
    assert_eq!(
        world.new_texts(),
        numbered(3),
        "the inbox was empty then: nothing of it is history"
    );

    let mut world = World::new();
    world.store = StoreMode::Full;
    world.input(Input::Start);
    world.secs(2);
    assert!(world.is_connected());
    world.store = StoreMode::Works;
    world.secs(60);
    assert_eq!(world.disk.device.log_epoch, LogEpoch(1), "also if the store took it late");
}

#[test]
fn an_answer_during_a_rebuild_does_not_pass_for_a_cursor() {
    let mut world = World::online();
    says(&mut world, "bob", 0..5);
    world.push();
    world.secs(1);
    // The log lost its end; one's own next command makes entry 6, above the void cursor.
    world.server.inbox.truncate(2);
    world.server.messages.get_mut("bob").unwrap().truncate(2);
    says(&mut world, "carol", 0..2);
    world.server.mute_queries = true;
    world.cut();
    world.until("connected", World::is_connected);
    says(&mut world, "carol", 2..3);
    let own = world.send("dave", "during the rebuild");
    world.until("sent", |w| w.is_sent(own));
    assert_eq!(world.server.head(), 6);
    assert_eq!(world.disk.device.cursor, InboxSeq(5), "the rebuild is not done");
    world.server.mute_queries = false;
    world.restart();
    world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(6));
    world.secs(1);
    assert_eq!(world.disk.texts(direct("carol")).last().unwrap(), "m2");
}

/// A new message may take the place of one that was lost: until it is known which those are, nothing is sent.
#[test]
fn what_is_composed_under_another_log_is_sent_once_that_is_followed() {
    let mut world = World::online();
    says(&mut world, "bob", 0..5);
    world.push();
    world.secs(1);
    world.server.log_epoch = 2;
    world.server.inbox.truncate(2);
    world.server.messages.get_mut("bob").unwrap().truncate(2);
    world.server.mute_queries = true;
    world.cut();
    world.until("connected", World::is_connected);
    let own = world.send("bob", "between two logs");
    world.secs(5);
    assert!(!world.is_sent(own), "it was sent before the lost ones are known");
    assert_eq!(world.server.head(), 2);
    world.server.mute_queries = false;
    world.restart();
    world.until("sent", |w| w.is_sent(own));
    assert_eq!(world.disk.device.log_epoch, LogEpoch(2));
    assert_eq!(world.disk.texts(direct("bob")), ["m0", "m1", "between two logs"]);
}

#[test]
fn a_rebuild_that_took_too_long_starts_again() {
    let mut world = World::new();
    long_absence(&mut world);
    world.store = StoreMode::DiesAfter(2);
    world.input(Input::Start);
    world.secs(3);
    world.store = StoreMode::Works;
    says(&mut world, "peer1", 4..100);
    world.server.trimmed = 200;
    world.boot();
    world.input(Input::Start);
    world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(216));
    assert_eq!(world.disk.rows.len(), 30);
}

#[test]
fn a_rebuild_page_the_store_does_not_take_is_asked_for_again() {
    let mut world = World::new();
    long_absence(&mut world);
    world.store = StoreMode::Full;
    world.input(Input::Start);
    world.secs(30);
    world.store = StoreMode::Works;
    world.until("rebuilt", |w| w.disk.device.cursor == InboxSeq(120));
    assert_eq!(world.disk.rows.len(), 30);
}

#[test]
fn a_log_that_went_back_marks_what_is_not_on_the_server() {
    let mut world = World::online();
    for i in 0..5 {
        world.send("bob", &format!("m{i}"));
    }
    world.send("carol", "hi");
    world.secs(1);
    // The server is restored from a backup of two messages ago, and remembers three commands.
    world.server.log_epoch = 2;
    world.server.messages.get_mut("bob").unwrap().truncate(3);
    world.server.messages.remove("carol");
    world.server.inbox.truncate(3);
    world.server.devices.get_mut(&1).unwrap().h = 3;
    world.cut();
    world.until("rebuilt", |w| w.disk.device.log_epoch == LogEpoch(2));
    world.secs(1);
    let mut marked: Vec<_> =
        world.disk.not_on_server.iter().map(|(id, above)| (*id, above.0)).collect();
    marked.sort_unstable();
    let mut wanted = [(direct("bob"), 3), (direct("carol"), 0)];
    wanted.sort_unstable();
    assert_eq!(marked, wanted);
    assert!(world.heard.events.iter().any(|e| matches!(e, AppEvent::NotOnServer { .. })));
    let again = world.send("dave", "numbers go on where the server is");
    world.until("sent", |w| w.is_sent(again));
}

#[test]
fn a_log_that_ends_before_the_cursor_is_rebuilt_from_although_it_grows_past_it() {
    let mut shown = 0;
    for die_after in 0..6 {
        let mut world = World::online();
        world.disk.server_lost_data = true;
        for i in 0..4 {
            says(&mut world, &format!("peer{i}"), 0..2);
        }
        world.push();
        world.secs(1);
        // Within one epoch the last four entries are gone: two peers and what they said.
        world.server.inbox.truncate(4);
        world.server.messages.remove("peer2");
        world.server.messages.remove("peer3");
        world.server.sync_limit = 1;
        world.store = StoreMode::DiesAfter(die_after);
        world.cut();
        world.secs(30);
        // Others write in the same places, and the log grows past the void cursor before the device is back.
        world.crash();
        if world.disk.device.rebuild.is_none() && world.disk.device.cursor == InboxSeq(8) {
            // Died before it was stored that the cursor is void: nothing to be shown here.
            continue;
        }
        shown += 1;
        says(&mut world, "peer2", 7..12);
        world.store = StoreMode::Works;
        world.boot();
        world.input(Input::Start);
        world.until("rebuilt", |w| w.disk.device.cursor.0 == w.server.head());
        world.secs(1);
        assert_eq!(world.disk.device.cursor, InboxSeq(9));
        assert!(world.disk.device.rebuild.is_none());
        let news = world.new_texts();
        let said: Vec<_> = (7..12).map(|i| format!("m{i}")).collect();
        assert!(news.ends_with(&said), "died after {die_after}: {news:?}");
    }
    assert!(shown > 3, "{shown}");
}
